export { ChatClient } from './client.js';
export type { Credentials, CredentialsSource } from './credentials.js';
export { ChatError } from './error.js';
export type { ClientErrorCode } from './error.js';
export type { ChatEvents, ChatOptions, ChatState, SendOptions, Socket, SocketClass, StateChange } from './options.js';
export { newUuid } from './text.js';
export type { Turn, TurnStatus, TurnStep } from './turn.js';
export * from './wire.js';
