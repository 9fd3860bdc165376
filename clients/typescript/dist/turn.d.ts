import type { ErrorFrame, TurnReason } from './wire.js';
/**
 * `sending`: not yet acknowledged; the client sends it again after a reconnect, and the gateway makes one turn of it all the same.
 * `answering`: stored, and being answered. `refused`: not accepted, `error` says why. `left`: the client
 * was closed before the end. The others are the reasons of `done`.
 */
export type TurnStatus = 'sending' | 'answering' | 'refused' | 'left' | TurnReason;
/** One step of an answer as the iterator yields it. */
export interface TurnStep {
    /** The answer so far. Show this, and nothing can go wrong. */
    text: string;
    /** What is new since the step before. */
    delta: string;
    /** True when `text` does not continue the step before: an attempt was lost, or `done` brought other words. Then `delta` is all of `text`. */
    replaced: boolean;
}
/** A message and its answer. Iterate over it for the text as it comes; await `ended` for the end. */
export declare class Turn implements AsyncIterable<TurnStep> {
    #private;
    /** The gateway's id, once it has acknowledged the message. */
    id: string | undefined;
    /** The client's own id of the message; absent when another tab sent it without one. */
    messageId: string | undefined;
    /** Whether this client sent the message. */
    readonly mine: boolean;
    status: TurnStatus;
    text: string;
    /** Which attempt at the answer this is: from 1; 0: none yet. */
    attempt: number;
    /** The last chunk's number within the attempt. */
    seq: number;
    /** Why the message was refused, or is being sent again. */
    error: ErrorFrame | undefined;
    /** Resolves with the turn, whatever its end: look at `status`. Never rejects. */
    readonly ended: Promise<this>;
    get isEnded(): boolean;
    /** Asks the gateway to end the answer; what there is of it is kept. Nothing happens when it has ended. */
    cancel(): void;
    /** A reader that is slower than the answer gets bigger steps, not more of them. Several may read. */
    [Symbol.asyncIterator](): AsyncGenerator<TurnStep, void, undefined>;
}
