import { ChatClient } from '../client.js';
import { credentialsFrom } from '../credentials.js';
import { readMessages, type StoredMessage } from '../history/index.js';
import type { ChatOptions, SendOptions } from '../options.js';
import { newUuid } from '../text.js';
import type { Turn } from '../turn.js';
import { Exchange, type ConversationSnapshot } from './message.js';

const nothing: ConversationSnapshot = { messages: [], status: { state: 'closed' }, isBusy: false, hasOlder: false, historyError: undefined };

/** One conversation as an external store: the history and the turns of the socket, in one list. */
export class ConversationStore {
  /** Names the conversation that it is for. */
  readonly key: string;
  #options: ChatOptions | undefined;
  #client: ChatClient | undefined;
  #exchanges: Exchange[] = [];
  #byTurn = new Map<Turn, Exchange>();
  #byTurnId = new Map<string, Exchange>();
  /** Cursor of the page before the oldest; undefined: nothing was read yet. */
  #older: string | null | undefined;
  #historyError: Error | undefined;
  #asking: string | undefined;
  #snapshot = nothing;
  #listeners = new Set<() => void>();

  constructor(key: string) {
    this.key = key;
  }

  /** Takes the latest options of the component; credentials are asked for at each connection. */
  configure(options: ChatOptions): void {
    this.#options = options;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getSnapshot = (): ConversationSnapshot => this.#snapshot;

  /** Connects and reads the newest page; the returned function closes. */
  open = (): (() => void) => {
    const client = (this.#client = new ChatClient({ ...this.#given, credentials: () => credentialsFrom(this.#given.credentials) }));
    this.#exchanges = [];
    this.#older = undefined;
    this.#byTurn.clear();
    this.#byTurnId.clear();
    client.on('turn', turn => this.#begin(turn));
    client.on('update', turn => this.#update(turn));
    client.on('state', ({ state }) => {
      if (state === 'open' && this.#historyError) void this.#read(null);
      this.#publish();
    });
    client.connect();
    void this.#read(null);
    return () => {
      this.#client = undefined;
      client.close();
    };
  };

  send = (text: string, options?: SendOptions): Turn | undefined => {
    this.#asking = text;
    const turn = this.#client?.send(text, options);
    this.#asking = undefined;
    return turn;
  };

  stop = (): void => {
    for (const turn of this.#client?.running ?? []) turn.cancel();
  };

  /** Asks the question of a message again. A refused question is replaced, a failed answer stays. */
  retry = (messageId: string): Turn | undefined => {
    const exchange = this.#exchanges.find(({ messages }) => messages.some(message => message.id === messageId));
    if (exchange?.question === undefined) return undefined;
    if (exchange.turn?.status === 'refused') this.#exchanges = this.#exchanges.filter(other => other !== exchange);
    return this.send(exchange.question);
  };

  loadOlder = async (): Promise<void> => {
    if (this.#older) await this.#read(this.#older);
  };

  reconnect = (): void => this.#client?.reconnect();

  get #given(): ChatOptions {
    if (!this.#options) throw new Error('The store has no options.');
    return this.#options;
  }

  async #read(cursor: string | null): Promise<void> {
    const client = this.#client;
    try {
      const { items, next } = await readMessages(this.#given, { cursor });
      if (client !== this.#client) return;
      // The newest page belongs before what the socket brought meanwhile, an older one before all.
      const at = cursor ? 0 : this.#exchanges.findIndex(exchange => exchange.turn);
      let index = at < 0 ? this.#exchanges.length : at;
      for (const message of items.toReversed()) index += this.#place(message, index);
      if (cursor || this.#older === undefined) this.#older = next;
      this.#historyError = undefined;
      for (const { status, turn_id } of items) if (status === 'pending') client?.follow(turn_id);
    } catch (error) {
      if (client === this.#client) this.#historyError = error as Error;
    }
    this.#publish();
  }

  /** Returns the number of exchanges that were added. */
  #place(message: StoredMessage, index: number): number {
    const known = this.#byTurnId.get(message.turn_id);
    const exchange = known ?? this.#add(message.turn_id, index);
    this.#name(exchange, message.turn_id);
    if (message.role === 'user') exchange.question ??= message.content;
    else exchange.answer = message;
    exchange.changed();
    return known ? 0 : 1;
  }

  #begin(turn: Turn): void {
    const exchange = this.#byTurnId.get(turn.id ?? '') ?? this.#add(turn.id ?? newUuid(), this.#exchanges.length);
    exchange.turn = turn;
    exchange.question ??= this.#asking;
    this.#byTurn.set(turn, exchange);
    this.#update(turn);
    // Another tab's question is only in the history.
    if (exchange.question === undefined) void this.#read(null);
  }

  #update(turn: Turn): void {
    const exchange = this.#byTurn.get(turn);
    if (!exchange) return;
    if (turn.id) this.#name(exchange, turn.id);
    exchange.changed();
    this.#publish();
  }

  #add(key: string, index: number): Exchange {
    const exchange = new Exchange(key);
    this.#exchanges.splice(index, 0, exchange);
    return exchange;
  }

  /** The history may have brought a turn before its acknowledgement did. */
  #name(exchange: Exchange, turnId: string): void {
    const twin = this.#byTurnId.get(turnId);
    if (twin !== exchange) this.#exchanges = this.#exchanges.filter(other => other !== twin);
    exchange.turnId = turnId;
    this.#byTurnId.set(turnId, exchange);
  }

  #publish(): void {
    const client = this.#client;
    this.#snapshot = {
      messages: this.#exchanges.flatMap(exchange => exchange.messages),
      status: client?.stateChange ?? { state: 'closed' },
      isBusy: (client?.running.length ?? 0) > 0,
      hasOlder: !!this.#older,
      historyError: this.#historyError,
    };
    for (const listener of this.#listeners) listener();
  }
}
