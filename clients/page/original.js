/**
 * The original protocol (v1), for comparison with v2: no acknowledgement, no resume, no cancel. It shows the effect of a lost connection:
 * the rest of the answer is in the history, not on the socket.
 */

/** @typedef {import('/page/client/index.js').ChatClient} ChatClient */
/** @typedef {import('/page/client/index.js').ChatError} ChatError */
/** @typedef {import('/page/client/index.js').TurnStatus} TurnStatus */

/** The part of a turn that v1 has. */
class OriginalTurn {
  /** @type {string | undefined} */
  id = undefined;
  mine = true;
  /** @type {TurnStatus} */
  status = 'sending';
  text = '';
  attempt = 0;
  seq = 0;
  /** @type {ChatError | Error | undefined} */
  error = undefined;
  /** @type {number | undefined} */
  retryAt = undefined;

  get isEnded() {
    return this.status !== 'sending' && this.status !== 'answering';
  }

  /** v1 has no cancel. */
  cancel() {}
}

export class OriginalChat {
  /** @type {import('/page/client/index.js').ChatState} */
  state = 'closed';
  /** @type {Record<string, Set<(event: any) => void>>} */
  #listeners = {};
  /** @type {OriginalTurn[]} */
  #turns = [];
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #failures = 0;

  /** @param {{ url: string, conversationId: string, agentId: string, credentials: object }} options */
  constructor(options) {
    this.options = options;
  }

  /**
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  on(type, listener) {
    (this.#listeners[type] ??= new Set()).add(listener);
    return () => this.#listeners[type]?.delete(listener);
  }

  connect() {
    if (this.state === 'closed' || this.state === 'refused') this.reconnect();
  }

  reconnect() {
    this.#drop();
    this.#become({ state: 'connecting' });
    const address = new URL(`/chat/ws/${this.options.conversationId}`, this.options.url);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = (this.#socket = new WebSocket(address));
    socket.onopen = () => {
      this.#failures = 0;
      this.#write({ type: 'auth', ...this.options.credentials });
      this.#become({ state: 'open' }); // v1 does not answer auth.
    };
    socket.onmessage = event => {
      if (socket !== this.#socket) return;
      const frame = parse(event.data);
      if (frame) this.#receive(frame);
      else this.#lost(1006); // A proxy's words, or half a frame.
    };
    socket.onclose = event => socket === this.#socket && this.#lost(event.code);
  }

  close() {
    this.#drop();
    this.#become({ state: 'closed' });
  }

  /** @param {string} text */
  send(text) {
    const turn = new OriginalTurn();
    this.#emit('turn', turn);
    if (this.state === 'open') {
      this.#turns.push(turn);
      this.#write({ type: 'message', text, agentId: this.options.agentId });
    } else {
      this.#end(turn, 'refused', 'There is no connection, and v1 cannot send the message again by itself.');
    }
    return turn;
  }

  /** v1 has no turns to follow. */
  follow() {}

  /** @param {any} frame */
  #receive(frame) {
    this.#emit('frame', { sent: false, frame });
    const turn = this.#turns[0];
    if (!turn) return;
    if (frame.type === 'typing') turn.status = 'answering';
    else if (frame.type === 'chunk') turn.text += frame.text;
    else if (frame.type === 'done') {
      turn.text = frame.text;
      this.#turns.shift();
      turn.status = 'completed';
    } else if (frame.type === 'error') {
      this.#turns.shift();
      return this.#end(turn, turn.status === 'sending' ? 'refused' : 'failed', frame.message);
    }
    this.#emit('update', turn);
  }

  /**
   * @param {OriginalTurn} turn
   * @param {TurnStatus} status
   * @param {string} [message]
   */
  #end(turn, status, message) {
    turn.status = status;
    if (message) turn.error = new Error(message);
    this.#emit('update', turn);
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    for (const turn of this.#turns.splice(0)) this.#end(turn, 'left');
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop();
    if (code === 4001 || code === 4003 || code === 4010) return this.#become({ state: 'refused', code });
    const retryIn = Math.min(10_000, 250 * 2 ** this.#failures++) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.reconnect(), retryIn);
    this.#become({ state: 'waiting', code, retryIn });
  }

  /** @param {any} frame */
  #write(frame) {
    this.#socket?.send(JSON.stringify(frame));
    this.#emit('frame', { sent: true, frame });
  }

  /** @param {import('/page/client/index.js').StateChange} change */
  #become(change) {
    this.state = change.state;
    this.#emit('state', change);
  }

  /**
   * @param {string} type
   * @param {any} event
   */
  #emit(type, event) {
    for (const listener of this.#listeners[type] ?? []) listener(event);
  }
}

/**
 * @param {string} data
 * @returns {any} Null: not a frame.
 */
function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === 'string' ? frame : null;
  } catch {
    return null;
  }
}

/** @typedef {import('/page/client/index.js').Turn | OriginalTurn} AnyTurn */
