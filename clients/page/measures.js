/** Measurements of a turn at this end of the socket, in milliseconds of performance.now(). */
export class Measures {
  sentAt = performance.now();
  /** @type {number | undefined} */
  firstAt;
  lastAt = 0;
  chunks = 0;
  #length = 0;

  /** @param {string} [traceId] The trace that the page began; absent when another tab did. */
  constructor(traceId) {
    this.traceId = traceId;
  }

  /** @param {import('./original.js').AnyTurn} turn */
  note(turn) {
    if (turn.text.length > this.#length && !turn.isEnded) {
      this.lastAt = performance.now();
      this.firstAt ??= this.lastAt;
      this.chunks++;
    }
    this.#length = turn.text.length;
  }

  /** Milliseconds from sending to the first token; undefined: none yet. */
  get timeToFirst() {
    return this.firstAt === undefined ? undefined : this.firstAt - this.sentAt;
  }

  /** Tokens per second between the first and the last; undefined: fewer than two. */
  get rate() {
    return this.firstAt === undefined || this.lastAt <= this.firstAt ? undefined : ((this.chunks - 1) * 1000) / (this.lastAt - this.firstAt);
  }
}

/** Starts a W3C trace context. The gateway's spans of the turn become its children. */
export function newTrace() {
  /** @param {number} bytes */
  const hex = bytes => [...crypto.getRandomValues(new Uint8Array(bytes))].map(byte => byte.toString(16).padStart(2, '0')).join('');
  const traceId = hex(16);
  return { traceId, traceparent: `00-${traceId}-${hex(8)}-01` };
}
