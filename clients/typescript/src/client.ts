import { Connection } from './connection.js';
import { Emitter } from './events.js';
import type { ChatEvents, ChatOptions, ChatState, SendOptions, StateChange } from './options.js';
import type { Turn } from './turn.js';
import { Turns } from './turns.js';
import type { ClientFrame, ServerFrame } from './wire.js';

/** One conversation over one socket. Reconnects whenever the socket breaks, without a gap or a repetition in any answer. */
export class ChatClient {
  readonly options: Readonly<ChatOptions>;

  #events = new Emitter<ChatEvents>();
  #connection: Connection;
  #turns: Turns;

  constructor(options: ChatOptions) {
    this.options = options;
    this.#connection = new Connection(options, {
      stateChanged: change => this.#stateChanged(change),
      received: frame => this.#received(frame),
      sent: frame => this.#emitFrame(true, frame),
      lost: code => this.#turns.lost(code),
      invalidFrame: error => this.#events.emit('error', error),
    });
    this.#turns = new Turns(options, this.#events, { isOpen: () => this.state === 'open', send: frame => this.#connection.send(frame) });
  }

  get state(): ChatState {
    return this.#connection.change.state;
  }

  /** The latest change of the state, with its reason. */
  get stateChange(): StateChange {
    return this.#connection.change;
  }

  /** Turns that have not ended, in the order in which this client met them. */
  get running(): readonly Turn[] {
    return this.#turns.running;
  }

  /** Adds a listener; the returned function removes it. */
  on<K extends keyof ChatEvents>(type: K, listener: (event: ChatEvents[K]) => void): () => void {
    return this.#events.on(type, listener);
  }

  /** Connects, and stays connected until `close`. May be called again after a refusal. */
  connect(): void {
    if (this.state === 'closed' || this.state === 'refused') this.reconnect();
  }

  /** Drops the socket, if any, and reconnects at once. Turns continue. */
  reconnect(): void {
    this.#connection.open();
  }

  /** Closes. Running turns continue in the gateway, where another client can follow them; here they end as `left`. */
  close(): void {
    this.#connection.close();
    this.#turns.leave();
  }

  /** Sends a message. May be called in any state: the message is sent once there is a connection. */
  send(text: string, options: SendOptions = {}): Turn {
    return this.#turns.send(text, options);
  }

  /** Follows a turn by the gateway's id, for example from the history. Running or ended, its text is sent from the beginning. */
  follow(turnId: string): Turn {
    return this.#turns.follow(turnId);
  }

  #received(frame: ServerFrame): void {
    this.#emitFrame(false, frame);
    if (frame.type === 'ready') this.#events.emit('state', this.stateChange);
    this.#turns.receive(frame);
  }

  #stateChanged(change: StateChange): void {
    this.#turns.refuse(change.state === 'refused' ? (change.error ?? new Error(`The gateway closed the connection with ${change.code}.`)) : undefined);
    this.#events.emit('state', change);
  }

  #emitFrame(sent: boolean, frame: ClientFrame | ServerFrame): void {
    this.#events.emit('frame', { sent, frame });
  }
}
