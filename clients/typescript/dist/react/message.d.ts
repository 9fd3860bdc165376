import type { StoredMessage } from '../history/index.js';
import type { StateChange } from '../options.js';
import type { Turn, TurnStatus } from '../turn.js';
/** A question or an answer, as a component shows it. The object is the same as long as nothing of it changes. */
export interface ConversationMessage {
    /** Stable: a key for lists. */
    readonly id: string;
    readonly role: 'user' | 'assistant';
    readonly text: string;
    /** A question: `sending`, `refused` or `sent`. An answer: `answering`, `left`, or how it ended. */
    readonly status: TurnStatus | 'sent';
    /** Why it was refused or waits. */
    readonly error: Error | undefined;
    /** Time of the next try in milliseconds since 1970, while the gateway refuses the message for now. */
    readonly retryAt: number | undefined;
}
/** What a component sees of a conversation. */
export interface ConversationSnapshot {
    /** Oldest first. */
    readonly messages: readonly ConversationMessage[];
    /** The connection: `waiting` has `retryIn` and a reason, `refused` a reason. */
    readonly status: StateChange;
    /** Whether an answer is being written or a question sent. */
    readonly isBusy: boolean;
    /** Whether the history has messages before these. */
    readonly hasOlder: boolean;
    /** Why the history could not be read. */
    readonly historyError: Error | undefined;
}
/** A question and its answer, from the socket or the history. */
export declare class Exchange {
    #private;
    turnId: string | undefined;
    turn: Turn | undefined;
    question: string | undefined;
    answer: StoredMessage | undefined;
    constructor(key: string);
    changed(): void;
    get messages(): readonly ConversationMessage[];
}
