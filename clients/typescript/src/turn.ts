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
export class Turn implements AsyncIterable<TurnStep> {
  /** The gateway's id, once the message is acknowledged. */
  id: string | undefined;
  /** The client's message id; absent when another tab sent the message without one. */
  messageId: string | undefined;
  /** Whether this client sent the message. */
  readonly mine: boolean;
  status: TurnStatus = 'sending';
  text = '';
  /** Number of the attempt, from 1; 0: none yet. */
  attempt = 0;
  /** Seq of the last chunk in the attempt. */
  seq = 0;
  /** Why the message was refused or is being sent again. */
  error: ErrorFrame | undefined;
  /** Resolves with the turn in any terminal state: see `status`. Never rejects. */
  readonly ended: Promise<this>;

  #end!: (turn: this) => void;
  #wake: (() => void)[] = [];
  #replacements = 0;
  #cancel: (turn: Turn) => void;

  /** @internal Only a client creates turns. */
  constructor(mine: boolean, cancel: (turn: Turn) => void) {
    this.mine = mine;
    this.#cancel = cancel;
    this.ended = new Promise(resolve => (this.#end = resolve));
  }

  get isEnded(): boolean {
    return this.status !== 'sending' && this.status !== 'answering';
  }

  /** Asks the gateway to cancel the turn; its partial text is kept. No effect if it has ended. */
  cancel(): void {
    if (!this.isEnded) this.#cancel(this);
  }

  /** A reader that is slower than the answer gets larger steps, not more of them. Several readers are allowed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TurnStep, void, undefined> {
    let replacements = 0;
    let at = 0;
    for (;;) {
      const replaced = replacements !== this.#replacements;
      if (replaced || at < this.text.length) {
        const text = this.text;
        const delta = replaced ? text : text.slice(at);
        replacements = this.#replacements;
        at = text.length;
        yield { text, delta, replaced };
      } else if (this.isEnded) {
        return;
      } else {
        await new Promise<void>(resolve => this.#wake.push(resolve));
      }
    }
  }

  /** @internal */
  append(text: string): void {
    this.text += text;
    this.#changed();
  }

  /** @internal Sets the text, and notifies readers if it does not continue theirs. */
  replace(text: string): void {
    if (!text.startsWith(this.text)) this.#replacements++;
    this.text = text;
    this.#changed();
  }

  /** @internal */
  end(status: TurnStatus, error?: ErrorFrame): void {
    this.status = status;
    this.error = error;
    this.#changed();
    this.#end(this);
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
