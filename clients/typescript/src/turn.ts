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
export class Turn implements AsyncIterable<TurnStep> {
  /** The gateway's id, once it has acknowledged the message. */
  id: string | undefined;
  /** The client's own id of the message; absent when another tab sent it without one. */
  messageId: string | undefined;
  /** Whether this client sent the message. */
  readonly mine: boolean;
  status: TurnStatus = 'sending';
  text = '';
  /** Which attempt at the answer this is: from 1; 0: none yet. */
  attempt = 0;
  /** The last chunk's number within the attempt. */
  seq = 0;
  /** Why the message was refused, or is being sent again. */
  error: ErrorFrame | undefined;
  /** Resolves with the turn, whatever its end: look at `status`. Never rejects. */
  readonly ended: Promise<this>;

  #end!: (turn: this) => void;
  #wake: (() => void)[] = [];
  #replacements = 0;
  #cancel: (turn: Turn) => void;

  /** @internal Turns are made by a client. */
  constructor(mine: boolean, cancel: (turn: Turn) => void) {
    this.mine = mine;
    this.#cancel = cancel;
    this.ended = new Promise(resolve => (this.#end = resolve));
  }

  get isEnded(): boolean {
    return this.status !== 'sending' && this.status !== 'answering';
  }

  /** Asks the gateway to end the answer; what there is of it is kept. Nothing happens when it has ended. */
  cancel(): void {
    if (!this.isEnded) this.#cancel(this);
  }

  /** A reader that is slower than the answer gets bigger steps, not more of them. Several may read. */
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

  /** @internal Sets the text, and tells readers when it does not continue what they have. */
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
