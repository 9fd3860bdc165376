import type { CredentialsSource } from './credentials.js';
import type { ChatError } from './error.js';
import type { Turn } from './turn.js';
import type { ClientFrame, ServerFrame } from './wire.js';
/** The part of a WebSocket that the client uses, so that other classes than the platform's fit, such as the one of the package ws. */
export interface Socket {
    onopen: ((event: any) => unknown) | null;
    onmessage: ((event: any) => unknown) | null;
    onclose: ((event: any) => unknown) | null;
    onerror: ((event: any) => unknown) | null;
    send(data: string): void;
    close(code?: number): void;
}
export type SocketClass = new (url: string, protocol: string) => Socket;
export interface ChatOptions {
    /** Address of the gateway: `https://…` or `wss://…`. */
    url: string | URL;
    conversationId: string;
    /** The AI employee for messages whose `send` names none. */
    agentId?: string | undefined;
    /**
     * Credentials, or a function that returns them, possibly asynchronously. It is called before
     * every connection and once more shortly before they expire.
     * If it fails or does not return within `connectTimeout`, the client retries with backoff.
     */
    credentials: CredentialsSource;
    /** The WebSocket class. Default: the global one, which Node has since version 22. */
    WebSocket?: SocketClass | undefined;
    /** Milliseconds before the first reconnect; doubled each time. Default 250. */
    minBackoff?: number | undefined;
    /** Maximum time between two reconnects in milliseconds. Default 10,000. */
    maxBackoff?: number | undefined;
    /** Time-out for a connection to become ready, credentials included, in milliseconds. Default 10,000. */
    connectTimeout?: number | undefined;
    /** Time before expiry at which new credentials are requested, in milliseconds. Default 30,000, but at most a fifth of the remaining time. */
    refreshBefore?: number | undefined;
    /** Maximum number of retries of a message that was refused with a retryable error. Default 5; 0: none. */
    retries?: number | undefined;
}
/**
 * `closed`: no connection is wanted. `connecting`, then `open`. `waiting`: the connection was lost and the client reconnects by itself.
 * `refused`: it does not reconnect, because it would be refused again; `connect` tries again.
 */
export type ChatState = 'closed' | 'connecting' | 'open' | 'waiting' | 'refused';
export interface StateChange {
    readonly state: ChatState;
    /** Close code that led here; 1006: the network's. */
    readonly code?: number;
    /** Why: the last error before the close, or the error of the credentials function. */
    readonly error?: ChatError | Error;
    /** `waiting`: milliseconds until the next attempt. */
    readonly retryIn?: number;
}
export interface ChatEvents {
    state: StateChange;
    /** A turn is new to this client: sent by it, begun in another tab, or found running. */
    turn: Turn;
    /** Text, status, error or ids of a turn have changed. */
    update: Turn;
    /** An error that concerns no turn. */
    error: ChatError;
    /** Every frame, for observers. The outgoing `auth` contains credentials. */
    frame: {
        sent: boolean;
        frame: ClientFrame | ServerFrame;
    };
}
export interface SendOptions {
    agentId?: string | undefined;
    displayName?: string | undefined;
    /** Unique per conversation, at most 128 characters. Default: a new UUID. A known id returns the known turn. */
    messageId?: string | undefined;
    /** W3C trace context for the turn. */
    traceparent?: string | undefined;
    /** Cancels the turn when it aborts. */
    signal?: AbortSignal | undefined;
}
