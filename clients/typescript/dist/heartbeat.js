export class Heartbeat {
    #actions;
    #half = 0;
    #timer;
    constructor(actions) {
        this.#actions = actions;
    }
    start(interval = 0) {
        this.#half = interval / 2;
        this.heard();
    }
    heard() {
        clearTimeout(this.#timer);
        if (this.#half)
            this.#timer = setTimeout(() => this.check(), this.#half);
    }
    check() {
        if (!this.#half)
            return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#actions.dead(), this.#half);
        this.#actions.ping();
    }
    stop() {
        clearTimeout(this.#timer);
        this.#half = 0;
    }
}
