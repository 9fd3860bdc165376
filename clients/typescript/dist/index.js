export { ChatClient } from './client.js';
export { Turn } from './turn.js';
export * from './wire.js';
