import { ClientTurn } from './client-turn.js';
import type { Emitter } from './events.js';
import type { ChatEvents, ChatOptions, SendOptions } from './options.js';
import { type ClientFrame, type ServerFrame } from './wire.js';
/** What turns need of the connection. */
export interface TurnLink {
    isOpen(): boolean;
    send(frame: ClientFrame): void;
}
/** The turns of a conversation: sends and resumes them, and applies the gateway's frames to them. */
export declare class Turns {
    #private;
    constructor(options: ChatOptions, events: Emitter<ChatEvents>, link: TurnLink);
    /** Turns that have not ended, in the order in which this client met them. */
    get running(): ClientTurn[];
    send(text: string, { signal, ...given }: SendOptions): ClientTurn;
    follow(turnId: string): ClientTurn;
    /** The connection broke. */
    lost(code: number): void;
    /** The connection will not be made again by itself: no turn may wait for it. */
    refuse(error: Error | undefined): void;
    /** Forgets all turns; those that run end here as `left`. */
    leave(): void;
    receive(frame: ServerFrame): void;
}
