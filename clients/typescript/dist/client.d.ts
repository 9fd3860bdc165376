import { type Credentials } from './credentials.js';
import { Turn } from './turn.js';
import { type ClientFrame, type ErrorFrame, type ServerFrame } from './wire.js';
export interface ChatOptions {
    /** Address of the gateway: `https://…` or `wss://…`. */
    url: string | URL;
    conversationId: string;
    /** The AI employee for messages whose `send` names none. */
    agentId?: string;
    /**
     * Credentials, or a function that returns them, possibly asynchronously. It is called before
     * every connection and once more shortly before they expire.
     * If it fails, the client retries with backoff.
     */
    credentials: Credentials | (() => Credentials | Promise<Credentials>);
    /** The WebSocket class. Default: the global one, which Node has since version 22 (20: `--experimental-websocket`). */
    WebSocket?: typeof WebSocket;
    /** Milliseconds before the first reconnect; doubled each time. Default 250. */
    minBackoff?: number;
    /** Maximum time between two reconnects in milliseconds. Default 10,000. */
    maxBackoff?: number;
    /** Time-out for a connection to become ready, in milliseconds. Default 10,000. */
    connectTimeout?: number;
    /** Time before expiry at which new credentials are requested, in milliseconds. Default 30,000, but at most a fifth of the remaining time. */
    refreshBefore?: number;
    /** Maximum number of retries of a message that was refused with a retryable error. Default 5; 0: none. */
    retries?: number;
}
/**
 * `closed`: no connection is wanted. `connecting`, then `open`. `waiting`: the connection was lost and the client reconnects by itself.
 * `refused`: it does not reconnect, because it would be refused again; `connect` tries again.
 */
export type ChatState = 'closed' | 'connecting' | 'open' | 'waiting' | 'refused';
export interface StateChange {
    state: ChatState;
    /** Close code that led here; 1006: the network's. */
    code?: number;
    /** Last error frame before the close, or the error of the credentials function. */
    error?: ErrorFrame | Error;
    /** `waiting`: milliseconds until the next attempt. */
    retryIn?: number;
}
export interface ChatEvents {
    state: StateChange;
    /** A turn is new to this client: sent by it, begun in another tab, or found running. */
    turn: Turn;
    /** Text, status or ids of a turn have changed. */
    update: Turn;
    /** An error that concerns no turn. */
    error: ErrorFrame;
    /** Every frame, for observers. The outgoing `auth` contains credentials. */
    frame: {
        sent: boolean;
        frame: ClientFrame | ServerFrame;
    };
}
export interface SendOptions {
    agentId?: string;
    displayName?: string;
    /** Unique per conversation, at most 128 characters. Default: a new UUID. */
    messageId?: string;
    /** W3C trace context for the turn. */
    traceparent?: string;
}
/** One conversation over one socket. Reconnects whenever the socket breaks, without a gap or a repetition in any answer. */
export declare class ChatClient {
    #private;
    state: ChatState;
    constructor(options: ChatOptions);
    /** Adds a listener; the returned function removes it. */
    on<K extends keyof ChatEvents>(type: K, listener: (event: ChatEvents[K]) => void): () => void;
    /** Connects, and stays connected until `close`. May be called again after a refusal. */
    connect(): void;
    /** Drops the socket, if any, and reconnects at once. Turns continue. */
    reconnect(): void;
    /** Closes. Running turns continue in the gateway, where another client can follow them; here they end as `left`. */
    close(): void;
    /** Sends a message. May be called in any state: the message is sent once there is a connection. */
    send(text: string, options?: SendOptions): Turn;
    /** Follows a turn by the gateway's id, for example from the history. Running or ended, its text is sent from the beginning. */
    follow(turnId: string): Turn;
}
