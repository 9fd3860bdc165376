import type { Turn, TurnStatus, TurnStep } from './turn.js';
import type { MessageFrame } from './wire.js';

/** A turn as the client keeps it. */
export class ClientTurn implements Turn {
  id: string | undefined;
  messageId: string | undefined;
  readonly mine: boolean;
  status: TurnStatus = 'sending';
  text = '';
  attempt = 0;
  seq = 0;
  error: Error | undefined;
  retryAt: number | undefined;
  readonly ended: Promise<this>;

  /** The message, if this client sent it. */
  frame: MessageFrame | undefined;
  /** The gateway may have the message, acknowledged or not. */
  isWritten = false;
  isCancelled = false;
  /** Number of retries after a refusal. */
  retries = 0;
  retryTimer: ReturnType<typeof setTimeout> | undefined;

  #end!: (turn: this) => void;
  #wakeReaders: (() => void)[] = [];
  #replacements = 0;
  #cancel: (turn: ClientTurn) => void;

  constructor(mine: boolean, cancel: (turn: ClientTurn) => void) {
    this.mine = mine;
    this.#cancel = cancel;
    this.ended = new Promise(resolve => (this.#end = resolve));
  }

  get isEnded(): boolean {
    return this.status !== 'sending' && this.status !== 'answering';
  }

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
        await new Promise<void>(resolve => this.#wakeReaders.push(resolve));
      }
    }
  }

  append(text: string): void {
    this.text += text;
    this.#changed();
  }

  /** Sets the text, and notifies readers if it does not continue theirs. */
  replace(text: string): void {
    if (!text.startsWith(this.text)) this.#replacements++;
    this.text = text;
    this.#changed();
  }

  /** Starts the answer again from seq 1. */
  restart(attempt: number): void {
    this.attempt = attempt;
    this.seq = 0;
    this.replace('');
  }

  end(status: TurnStatus, error?: Error): void {
    this.waitNoMore();
    this.status = status;
    this.error = error;
    this.#changed();
    this.#end(this);
  }

  /** Forgets a refusal: the message was sent again, or is no longer refused. */
  waitNoMore(): void {
    clearTimeout(this.retryTimer);
    this.error = this.retryAt = undefined;
  }

  #changed(): void {
    for (const wake of this.#wakeReaders.splice(0)) wake();
  }
}
