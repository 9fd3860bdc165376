export { KonstructTransport } from './transport.js';
