import { expiryOf, type Credentials } from './credentials.js';
import { Turn, type TurnStatus } from './turn.js';
import { closeCodes, subprotocol, type Again, type ClientFrame, type ErrorFrame, type ServerFrame } from './wire.js';

export interface ChatOptions {
  /** Address of the gateway: `https://…` or `wss://…`. */
  url: string | URL;
  conversationId: string;
  /** The AI employee for messages whose `send` names none. */
  agentId?: string;
  /**
   * Credentials, or a function that returns them, possibly asynchronously. It is called before
   * every connection and once more shortly before they expire.
   * If it fails, the client retries with backoff.
   */
  credentials: Credentials | (() => Credentials | Promise<Credentials>);
  /** The WebSocket class. Default: the global one, which Node has since version 22 (20: `--experimental-websocket`). */
  WebSocket?: typeof WebSocket;
  /** Milliseconds before the first reconnect; doubled each time. Default 250. */
  minBackoff?: number;
  /** Maximum time between two reconnects in milliseconds. Default 10,000. */
  maxBackoff?: number;
  /** Time-out for a connection to become ready, in milliseconds. Default 10,000. */
  connectTimeout?: number;
  /** Time before expiry at which new credentials are requested, in milliseconds. Default 30,000, but at most a fifth of the remaining time. */
  refreshBefore?: number;
  /** Maximum number of retries of a message that was refused with a retryable error. Default 5; 0: none. */
  retries?: number;
}

/**
 * `closed`: no connection is wanted. `connecting`, then `open`. `waiting`: the connection was lost and the client reconnects by itself.
 * `refused`: it does not reconnect, because it would be refused again; `connect` tries again.
 */
export type ChatState = 'closed' | 'connecting' | 'open' | 'waiting' | 'refused';

export interface StateChange {
  state: ChatState;
  /** Close code that led here; 1006: the network's. */
  code?: number;
  /** Last error frame before the close, or the error of the credentials function. */
  error?: ErrorFrame | Error;
  /** `waiting`: milliseconds until the next attempt. */
  retryIn?: number;
}

export interface ChatEvents {
  state: StateChange;
  /** A turn is new to this client: sent by it, begun in another tab, or found running. */
  turn: Turn;
  /** Text, status or ids of a turn have changed. */
  update: Turn;
  /** An error that concerns no turn. */
  error: ErrorFrame;
  /** Every frame, for observers. The outgoing `auth` contains credentials. */
  frame: { sent: boolean; frame: ClientFrame | ServerFrame };
}

export interface SendOptions {
  agentId?: string;
  displayName?: string;
  /** Unique per conversation, at most 128 characters. Default: a new UUID. */
  messageId?: string;
  /** W3C trace context for the turn. */
  traceparent?: string;
}

/** State of a turn that the client keeps to itself. */
interface Sent {
  frame?: ClientFrame;
  /** The gateway may have the message, acknowledged or not. */
  written?: boolean;
  cancelled?: boolean;
  tries: number;
}

/** A connection that was open for less time counts as another failure. */
const steady = 5_000;
const keptTurns = 200;

/** One conversation over one socket. Reconnects whenever the socket breaks, without a gap or a repetition in any answer. */
export class ChatClient {
  state: ChatState = 'closed';

  #options: ChatOptions;
  #url: string;
  #listeners: { [K in keyof ChatEvents]?: Set<(event: ChatEvents[K]) => void> } = {};
  #turns = new Map<Turn, Sent>();
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #round = 0;
  #failures = 0;
  #openSince = 0;
  #shown = '';
  #refused = '';
  #why: Pick<StateChange, 'code' | 'error'> = {};
  /** Running turns that may belong to messages whose acknowledgement was lost with the last socket. */
  #held: string[] = [];
  #online = () => this.state === 'waiting' && this.reconnect();

  constructor(options: ChatOptions) {
    this.#options = options;
    const url = new URL(`/chat/ws/${options.conversationId}`, options.url);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#url = url.href;
  }

  /** Adds a listener; the returned function removes it. */
  on<K extends keyof ChatEvents>(type: K, listener: (event: ChatEvents[K]) => void): () => void {
    const listeners: Set<(event: ChatEvents[K]) => void> = (this.#listeners[type] ??= new Set() as never);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Connects, and stays connected until `close`. May be called again after a refusal. */
  connect(): void {
    if (this.state === 'closed' || this.state === 'refused') this.reconnect();
  }

  /** Drops the socket, if any, and reconnects at once. Turns continue. */
  reconnect(): void {
    globalThis.addEventListener?.('online', this.#online);
    this.#failures = 0;
    this.#refused = '';
    this.#drop();
    void this.#open();
  }

  /** Closes. Running turns continue in the gateway, where another client can follow them; here they end as `left`. */
  close(): void {
    globalThis.removeEventListener?.('online', this.#online);
    this.#drop();
    const left = [...this.#turns.keys()].filter(turn => !turn.isEnded);
    this.#turns.clear();
    this.#become({ state: 'closed' });
    for (const turn of left) this.#end(turn, 'left');
  }

  /** Sends a message. May be called in any state: the message is sent once there is a connection. */
  send(text: string, options: SendOptions = {}): Turn {
    const turn = this.#add(true);
    const agentId = options.agentId ?? this.#options.agentId;
    turn.messageId = options.messageId ?? crypto.randomUUID();
    const frame = { type: 'message', text, ...(agentId && { agentId }), ...options, messageId: turn.messageId } as const;
    this.#turns.get(turn)!.frame = frame;
    this.#emit('turn', turn);
    this.#bring(turn);
    return turn;
  }

  /** Follows a turn by the gateway's id, for example from the history. Running or ended, its text is sent from the beginning. */
  follow(turnId: string): Turn {
    const known = this.#find(turnId);
    const turn = this.#named(turnId);
    if (!known) this.#bring(turn);
    return turn;
  }

  async #open(): Promise<void> {
    const round = this.#round;
    this.#become({ state: 'connecting' });
    try {
      const credentials = await this.#credentials();
      if (round !== this.#round) return;
      this.#shown = JSON.stringify(credentials);
      if (this.#shown === this.#refused) return this.#become({ ...this.#why, state: 'refused' });
      const Socket = this.#options.WebSocket ?? WebSocket;
      const socket = (this.#socket = new Socket(this.#url, subprotocol));
      this.#timer = setTimeout(() => this.#lost(1006), this.#options.connectTimeout ?? 10_000);
      socket.onopen = () => socket === this.#socket && this.#authenticate(credentials);
      socket.onmessage = event => socket === this.#socket && this.#receive(JSON.parse(event.data));
      socket.onclose = event => socket === this.#socket && this.#lost(event.code);
    } catch (error) {
      if (round !== this.#round) return;
      this.#why.error = error as Error;
      this.#lost(1006);
    }
  }

  async #credentials(): Promise<Credentials> {
    const { credentials } = this.#options;
    return typeof credentials === 'function' ? await credentials() : credentials;
  }

  /** Sends the credentials, and schedules their renewal on the same socket. */
  #authenticate(credentials: Credentials): void {
    const { expiresAt: _, ...shown } = credentials;
    this.#write({ type: 'auth', ...shown });
    const left = (expiryOf(credentials) ?? NaN) - Date.now();
    if (!(left > 0)) return;
    const before = Math.min(this.#options.refreshBefore ?? 30_000, left / 5);
    this.#refresh = setTimeout(() => void this.#renew(), Math.min(left - before, 2 ** 31 - 1));
  }

  async #renew(): Promise<void> {
    const round = this.#round;
    try {
      const credentials = await this.#credentials();
      const shown = JSON.stringify(credentials);
      if (round !== this.#round || this.state !== 'open') return;
      // Unchanged credentials stay valid until the gateway closes with 4010. Then new ones are requested.
      if (shown === this.#shown) return;
      this.#shown = shown;
      this.#authenticate(credentials);
    } catch {
      if (round === this.#round) this.#refresh = setTimeout(() => void this.#renew(), this.#pause());
    }
  }

  /** Drops the socket: its later frames are ignored. */
  #drop(): void {
    this.#round++;
    clearTimeout(this.#timer);
    clearTimeout(this.#refresh);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
  }

  #lost(code: number): void {
    this.#drop();
    if (this.#openSince && Date.now() - this.#openSince >= steady) this.#failures = 0;
    this.#openSince = 0;
    let again: Again = Object.values(closeCodes).find(known => known.code === code)?.again ?? 'backoff';
    this.#why.code = code;
    if (code === closeCodes.frameTooBig.code) this.#refuseBiggest();
    if (again === 'credentials') {
      // Other credentials may be tried, but not without end: a provider of invalid tokens would never stop.
      if (this.#refused || typeof this.#options.credentials !== 'function') again = 'no';
      this.#refused = this.#shown;
    }
    if (again === 'no') {
      this.#become({ ...this.#why, state: code === closeCodes.normal.code ? 'closed' : 'refused' });
      return;
    }
    const retryIn = again === 'soon' && !this.#failures ? Math.random() * 1000 : again === 'later' ? this.#pause(1e6) : this.#pause();
    this.#failures++;
    this.#timer = setTimeout(() => void this.#open(), retryIn);
    this.#become({ ...this.#why, state: 'waiting', retryIn });
  }

  /** Between half of the backoff and the full backoff. */
  #pause(failures = this.#failures): number {
    const { minBackoff = 250, maxBackoff = 10_000 } = this.#options;
    return Math.min(minBackoff * 2 ** Math.min(failures, 30), maxBackoff) * (0.5 + Math.random() / 2);
  }

  #receive(frame: ServerFrame): void {
    this.#emit('frame', { sent: false, frame });
    switch (frame.type) {
      case 'ready': {
        clearTimeout(this.#timer);
        this.#why = {};
        this.#refused = '';
        this.#openSince = Date.now();
        const unsure = [...this.#turns].some(([turn, { written }]) => written && turn.status === 'sending');
        this.#held = frame.active.map(active => active.turn_id);
        this.#become({ state: 'open' });
        for (const turn of this.#turns.keys()) this.#bring(turn);
        if (!unsure) this.#followHeld();
        break;
      }
      case 'typing': {
        const sent = this.#find(undefined, frame.message_id);
        if (sent) sent.id = frame.turn_id;
        const turn = this.#named(frame.turn_id);
        turn.messageId ??= frame.message_id;
        if (turn.status === 'sending') turn.status = 'answering';
        turn.error = undefined;
        this.#emit('update', turn);
        this.#followHeld();
        break;
      }
      case 'chunk': {
        const turn = this.#named(frame.turn_id);
        if (turn.isEnded || frame.attempt < turn.attempt) break;
        if (frame.attempt > turn.attempt) this.#restart(turn, frame.attempt);
        if (frame.seq !== undefined) {
          if (frame.seq <= turn.seq) break;
          turn.seq = frame.seq;
        }
        turn.append(frame.text);
        this.#emit('update', turn);
        break;
      }
      case 'reset':
        this.#restart(this.#named(frame.turn_id), frame.attempt);
        break;
      case 'done': {
        const turn = this.#named(frame.turn_id);
        if (turn.isEnded) break;
        turn.attempt = frame.attempt;
        turn.replace(frame.text);
        this.#end(turn, frame.reason);
        break;
      }
      case 'error':
        this.#complain(frame);
        this.#followHeld();
    }
  }

  #restart(turn: Turn, attempt: number): void {
    if (turn.isEnded) return;
    turn.attempt = attempt;
    turn.seq = 0;
    turn.replace('');
    this.#emit('update', turn);
  }

  #complain(error: ErrorFrame): void {
    const turn = this.#find(error.turn_id) ?? this.#find(undefined, error.message_id);
    if (!turn || turn.isEnded) {
      this.#why.error = error;
      this.#emit('error', error);
      return;
    }
    const sent = this.#turns.get(turn)!;
    if (error.retryable && sent.tries < (this.#options.retries ?? 5)) {
      turn.error = error;
      this.#emit('update', turn);
      const round = this.#round;
      // After a reconnect all open turns are resumed anyway.
      const pause = this.#pause(sent.tries++) + (error.retry_after_ms ?? 0);
      setTimeout(() => round === this.#round && this.#bring(turn), pause);
    } else {
      this.#end(turn, 'refused', error);
    }
  }

  /** Resumes a turn that has not ended: by its id from its position, or, without an id, by sending the message again. */
  #bring(turn: Turn): void {
    if (this.state !== 'open' || turn.isEnded) return;
    const sent = this.#turns.get(turn)!;
    if (sent.cancelled) this.#cancel(turn);
    if (turn.id) this.#write({ type: 'resume', turnId: turn.id, attempt: turn.attempt, after: turn.seq });
    else if (sent.frame) this.#write(sent.frame);
    sent.written = true;
  }

  #followHeld(): void {
    for (const turnId of this.#held.splice(0)) this.follow(turnId);
  }

  #cancel(turn: Turn): void {
    const sent = this.#turns.get(turn);
    if (sent) sent.cancelled = true;
    if (this.state === 'open') this.#write({ type: 'cancel', ...(turn.id ? { turnId: turn.id } : { messageId: turn.messageId! }) });
  }

  /** 1009: the same frame would close the next socket too. */
  #refuseBiggest(): void {
    const size = (turn: Turn) => JSON.stringify(this.#turns.get(turn)!.frame).length;
    const [turn] = [...this.#turns.keys()].filter(turn => turn.status === 'sending').sort((a, b) => size(b) - size(a));
    const error: ErrorFrame = { type: 'error', code: 'bad_frame', message: 'The message is too long.', retryable: false };
    if (turn) this.#end(turn, 'refused', error);
  }

  #end(turn: Turn, status: TurnStatus, error?: ErrorFrame): void {
    turn.end(status, error);
    this.#emit('update', turn);
    const ended = [...this.#turns.keys()].filter(other => other.isEnded);
    for (const old of ended.slice(0, -keptTurns)) this.#turns.delete(old);
  }

  #add(mine: boolean): Turn {
    const turn = new Turn(mine, cancelled => this.#cancel(cancelled));
    this.#turns.set(turn, { tries: 0 });
    return turn;
  }

  /** Finds a turn by id, or adds one that another tab began. */
  #named(id: string): Turn {
    const known = this.#find(id);
    if (known) return known;
    const turn = this.#add(false);
    turn.id = id;
    turn.status = 'answering';
    this.#emit('turn', turn);
    return turn;
  }

  #find(id?: string, messageId?: string): Turn | undefined {
    for (const turn of this.#turns.keys()) if ((id && turn.id === id) || (messageId && turn.messageId === messageId)) return turn;
    return undefined;
  }

  #write(frame: ClientFrame): void {
    this.#socket!.send(JSON.stringify(frame));
    this.#emit('frame', { sent: true, frame });
  }

  #become(change: StateChange): void {
    this.state = change.state;
    this.#emit('state', change);
  }

  #emit<K extends keyof ChatEvents>(type: K, event: ChatEvents[K]): void {
    for (const listener of this.#listeners[type] ?? []) (listener as (event: ChatEvents[K]) => void)(event);
  }
}
