import type { ChatClient } from '../client.js';
/** Resolves once the client knows which turns run. Rejects when the gateway refuses it, when it is closed, or when the signal aborts. */
export declare function whenReady(client: ChatClient, signal: AbortSignal | undefined): Promise<void>;
