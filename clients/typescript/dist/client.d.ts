import { type Credentials } from './credentials.js';
import { Turn } from './turn.js';
import { type ClientFrame, type ErrorFrame, type ServerFrame } from './wire.js';
export interface ChatOptions {
    /** Where the gateway is: `https://…`, or `wss://…`. */
    url: string | URL;
    conversationId: string;
    /** The AI employee that is asked when `send` names none. */
    agentId?: string;
    /**
     * Credentials, or who hands them out: asked before every connection, and once more shortly before they expire. May be asynchronous.
     * When it fails, the client tries again with backoff.
     */
    credentials: Credentials | (() => Credentials | Promise<Credentials>);
    /** The WebSocket class. Default: the global one, which Node has from version 22 on (20: `--experimental-websocket`). */
    WebSocket?: typeof WebSocket;
    /** Milliseconds before the first reconnect; doubled each time. Default 250. */
    minBackoff?: number;
    /** The longest time between two reconnects in milliseconds. Default 10,000. */
    maxBackoff?: number;
    /** How long a connection may take to be ready, in milliseconds. Default 10,000. */
    connectTimeout?: number;
    /** How long before the credentials expire fresh ones are asked for, in milliseconds. Default 30,000, but at most a fifth of what is left. */
    refreshBefore?: number;
    /** How often a message that was refused for now is sent again. Default 5; 0: never. */
    retries?: number;
}
/**
 * `closed`: nothing is wanted. `connecting`, then `open`. `waiting`: the connection was lost and is made again by itself.
 * `refused`: it is not, because it would be refused again; `connect` tries once more.
 */
export type ChatState = 'closed' | 'connecting' | 'open' | 'waiting' | 'refused';
export interface StateChange {
    state: ChatState;
    /** The close code that led here; 1006: the network's. */
    code?: number;
    /** The last error frame before the close, or what the credentials' provider threw. */
    error?: ErrorFrame | Error;
    /** `waiting`: milliseconds until the next try. */
    retryIn?: number;
}
export interface ChatEvents {
    state: StateChange;
    /** A turn is new here: sent by this client, or begun in another tab, or found running. */
    turn: Turn;
    /** Text, status or ids of a turn changed. */
    update: Turn;
    /** An error that is no turn's. */
    error: ErrorFrame;
    /** Every frame, for whoever wants to watch. Credentials are in the outgoing `auth`. */
    frame: {
        sent: boolean;
        frame: ClientFrame | ServerFrame;
    };
}
export interface SendOptions {
    agentId?: string;
    displayName?: string;
    /** Unique in the conversation, at most 128 characters. Default: a new UUID. */
    messageId?: string;
    /** A W3C trace context that the turn shall be part of. */
    traceparent?: string;
}
/** One conversation over one socket that is made again whenever it breaks, without a gap or a repetition in any answer. */
export declare class ChatClient {
    #private;
    state: ChatState;
    constructor(options: ChatOptions);
    /** Listens; the result stops listening. */
    on<K extends keyof ChatEvents>(type: K, listener: (event: ChatEvents[K]) => void): () => void;
    /** Connects, and stays connected until `close`. May be called again after a refusal. */
    connect(): void;
    /** Drops the socket, if there is one, and makes another at once. Turns go on. */
    reconnect(): void;
    /** Leaves. Turns that run go on in the gateway, and can be followed by another client; here they end as `left`. */
    close(): void;
    /** Sends a message. May be called in every state: it leaves when the connection is there. */
    send(text: string, options?: SendOptions): Turn;
    /** A turn by the gateway's id, say from the conversation's history: running or ended, its text comes from the beginning. */
    follow(turnId: string): Turn;
}
