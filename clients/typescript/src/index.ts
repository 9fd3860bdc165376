export { ChatClient } from './client.js';
export type { ChatEvents, ChatOptions, ChatState, SendOptions, StateChange } from './client.js';
export type { Credentials } from './credentials.js';
export { Turn } from './turn.js';
export type { TurnStatus, TurnStep } from './turn.js';
export * from './wire.js';
