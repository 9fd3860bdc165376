import type { ChatError } from './error.js';
import type { TurnReason } from './wire.js';
/**
 * `sending`: not acknowledged yet; the client sends it again after a reconnect, and the gateway still makes one turn of it.
 * `answering`: stored and running. `refused`: not accepted, see `error`. `left`: the client was closed or refused
 * before the end, which the gateway still reaches. The others are the reasons of `done`; `cancelled` also if it was cancelled before it was sent.
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
export interface Turn extends AsyncIterable<TurnStep> {
    /** The gateway's id, once the message is acknowledged. */
    readonly id: string | undefined;
    /** The client's message id; absent when another tab sent the message without one. */
    readonly messageId: string | undefined;
    /** Whether this client sent the message. */
    readonly mine: boolean;
    readonly status: TurnStatus;
    readonly text: string;
    /** Number of the attempt, from 1; 0: none yet. */
    readonly attempt: number;
    /** Seq of the last chunk in the attempt. */
    readonly seq: number;
    /** Why the message was refused, or why it waits: see `retryAt`. */
    readonly error: ChatError | Error | undefined;
    /** Time of the next try in milliseconds since 1970, while the gateway refuses the message for now. */
    readonly retryAt: number | undefined;
    readonly isEnded: boolean;
    /** Resolves with the turn in any terminal state: see `status`. Never rejects. */
    readonly ended: Promise<Turn>;
    /** Asks the gateway to cancel the turn; its partial text is kept. No effect if it has ended. */
    cancel(): void;
}
