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
export class Exchange {
  turnId: string | undefined;
  turn: Turn | undefined;
  question: string | undefined;
  answer: StoredMessage | undefined;
  readonly #key: string;
  #messages: readonly ConversationMessage[] | undefined;

  constructor(key: string) {
    this.#key = key;
  }

  changed(): void {
    this.#messages = undefined;
  }

  get messages(): readonly ConversationMessage[] {
    return (this.#messages ??= [...this.#question(), ...this.#answer()]);
  }

  *#question(): Generator<ConversationMessage> {
    if (this.question === undefined) return;
    const { status, error, retryAt } = this.turn ?? {};
    const isSent = status !== 'sending' && status !== 'refused';
    yield { id: `${this.#key}?`, role: 'user', text: this.question, status: isSent ? 'sent' : status, error: isSent ? undefined : error, retryAt };
  }

  *#answer(): Generator<ConversationMessage> {
    const { status, text, error } = this.turn ?? {};
    if (status === 'sending' || status === 'refused') return;
    if (status) yield { id: this.#key, role: 'assistant', text: text ?? '', status, error, retryAt: undefined };
    else if (this.answer && this.answer.status !== 'pending') {
      yield { id: this.#key, role: 'assistant', text: this.answer.content, status: this.answer.status, error: undefined, retryAt: undefined };
    }
  }
}
