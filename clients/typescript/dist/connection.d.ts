import { ChatError } from './error.js';
import type { ChatOptions, StateChange } from './options.js';
import { type ClientFrame, type ServerFrame } from './wire.js';
/** What a connection tells its client. */
export interface ConnectionListener {
    stateChanged(change: StateChange): void;
    received(frame: ServerFrame): void;
    sent(frame: ClientFrame): void;
    /** The socket broke; `stateChanged` follows. */
    lost(code: number): void;
    invalidFrame(error: ChatError): void;
}
/** Keeps one authenticated socket open: connects, renews credentials, notices a dead connection, and reconnects as the close codes say. */
export declare class Connection {
    #private;
    change: StateChange;
    constructor(options: ChatOptions, listener: ConnectionListener);
    /** Drops the socket, if any, and connects at once. */
    open(): void;
    close(): void;
    send(frame: ClientFrame): void;
}
