import type { ClientTurn } from './client-turn.js';
/** Finds turns by either id in constant time. Keeps those that run, and the latest that ended: late frames of a turn must not begin it anew. */
export declare class TurnIndex {
    #private;
    /** Turns that have not ended, in the order in which this client met them. */
    get open(): ClientTurn[];
    /** Written messages that the gateway has not acknowledged: it may have them. */
    get unsure(): ClientTurn[];
    byId(id: string | undefined): ClientTurn | undefined;
    byMessageId(messageId: string | undefined): ClientTurn | undefined;
    /** Adds a turn by the ids that it has, or finds it by another from now on. */
    put(turn: ClientTurn): void;
    ended(turn: ClientTurn): void;
    clear(): void;
}
