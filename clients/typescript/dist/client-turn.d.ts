import type { Turn, TurnStatus, TurnStep } from './turn.js';
import type { MessageFrame } from './wire.js';
/** A turn as the client keeps it. */
export declare class ClientTurn implements Turn {
    #private;
    id: string | undefined;
    messageId: string | undefined;
    readonly mine: boolean;
    status: TurnStatus;
    text: string;
    attempt: number;
    seq: number;
    error: Error | undefined;
    retryAt: number | undefined;
    readonly ended: Promise<this>;
    /** The message, if this client sent it. */
    frame: MessageFrame | undefined;
    /** The gateway may have the message, acknowledged or not. */
    isWritten: boolean;
    isCancelled: boolean;
    /** Number of retries after a refusal. */
    retries: number;
    retryTimer: ReturnType<typeof setTimeout> | undefined;
    constructor(mine: boolean, cancel: (turn: ClientTurn) => void);
    get isEnded(): boolean;
    cancel(): void;
    /** A reader that is slower than the answer gets larger steps, not more of them. Several readers are allowed. */
    [Symbol.asyncIterator](): AsyncGenerator<TurnStep, void, undefined>;
    append(text: string): void;
    /** Sets the text, and notifies readers if it does not continue theirs. */
    replace(text: string): void;
    /** Starts the answer again from seq 1. */
    restart(attempt: number): void;
    end(status: TurnStatus, error?: Error): void;
    /** Forgets a refusal: the message was sent again, or is no longer refused. */
    waitNoMore(): void;
}
