import type { ErrorFrame, TurnReason } from './wire.js';
/**
 * `sending`: not acknowledged yet; the client sends it again after a reconnect, and the gateway still makes one turn of it.
 * `answering`: stored and running. `refused`: not accepted, see `error`. `left`: the client
 * was closed before the end. The others are the reasons of `done`.
 */
export type TurnStatus = 'sending' | 'answering' | 'refused' | 'left' | TurnReason;
/** One step of an answer, from the iterator. */
export interface TurnStep {
    /** The answer so far. Rendering this is always correct. */
    text: string;
    /** The text added since the previous step. */
    delta: string;
    /** True when `text` does not continue the previous step: an attempt was lost, or `done` has other text. Then `delta` is all of `text`. */
    replaced: boolean;
}
/** A message and its answer. Iterate over it for the text as it arrives; await `ended` for the end. */
export declare class Turn implements AsyncIterable<TurnStep> {
    #private;
    /** The gateway's id, once the message is acknowledged. */
    id: string | undefined;
    /** The client's message id; absent when another tab sent the message without one. */
    messageId: string | undefined;
    /** Whether this client sent the message. */
    readonly mine: boolean;
    status: TurnStatus;
    text: string;
    /** Number of the attempt, from 1; 0: none yet. */
    attempt: number;
    /** Seq of the last chunk in the attempt. */
    seq: number;
    /** Why the message was refused or is being sent again. */
    error: ErrorFrame | undefined;
    /** Resolves with the turn in any terminal state: see `status`. Never rejects. */
    readonly ended: Promise<this>;
    get isEnded(): boolean;
    /** Asks the gateway to cancel the turn; its partial text is kept. No effect if it has ended. */
    cancel(): void;
    /** A reader that is slower than the answer gets larger steps, not more of them. Several readers are allowed. */
    [Symbol.asyncIterator](): AsyncGenerator<TurnStep, void, undefined>;
}
