export { ChatClient } from './client.js';
export { ChatError } from './error.js';
export { newUuid } from './text.js';
export * from './wire.js';
