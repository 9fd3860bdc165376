import { el } from './dom.js';

/** Says beside the button what became of a dropped socket: the code, how long the next one took, and from where each turn was resumed. */
export class DropReport {
  element = el('p', { class: 'drop-report', id: 'drop-report', role: 'status' });
  #since = 0;
  #isWatching = false;
  #connected = '';
  /** @type {string[]} */
  #resumed = [];

  begin() {
    this.#since = performance.now();
    this.#isWatching = true;
    this.#connected = 'Connecting…';
    this.#resumed = [];
    this.#show();
  }

  /** @param {{ sent: boolean, frame: any }} event */
  frame({ sent, frame }) {
    if (!this.#isWatching) return;
    if (sent && frame.type === 'resume') this.#resumed.push(`Resumed ${frame.turnId.slice(0, 8)}… after seq ${frame.after}.`);
    else if (sent && frame.type === 'auth') this.#connected = `A new socket after ${(performance.now() - this.#since).toFixed(0)} ms.`;
    else if (frame.type === 'ready') this.#connected = `Connected again after ${(performance.now() - this.#since).toFixed(0)} ms.`;
    else if (!sent) this.#isWatching = false; // The first frame behind `ready` answers what was resumed.
    this.#show();
  }

  #show() {
    this.element.textContent = ['Dropped with 1000.', this.#connected, ...this.#resumed].join(' ');
  }
}
