/** Notices a connection that lost all bytes without a close: asks after half of the gateway's interval of silence, gives up after all of it. */
export class Heartbeat {
  #actions: { ping: () => void; dead: () => void };
  #half = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(actions: { ping: () => void; dead: () => void }) {
    this.#actions = actions;
  }

  /** @param interval In milliseconds. Undefined: the gateway answers no pings. */
  start(interval = 0): void {
    this.#half = interval / 2;
    this.heard();
  }

  /** A frame arrived. */
  heard(): void {
    clearTimeout(this.#timer);
    if (this.#half) this.#timer = setTimeout(() => this.check(), this.#half);
  }

  /** Asks at once, for example because the network has changed. */
  check(): void {
    if (!this.#half) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#actions.dead(), this.#half);
    this.#actions.ping();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#half = 0;
  }
}
