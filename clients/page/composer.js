import { byId, icon } from './dom.js';

/** The box that a message is written in, with its one button: it sends if there is text, and otherwise stops the answer. */
export class Composer {
  #text = /** @type {HTMLTextAreaElement} */ (byId('text'));
  #button = /** @type {HTMLButtonElement} */ (byId('send'));

  /** @param {{ send: (message: string) => void, stop: () => void, canStop: () => boolean }} page */
  constructor(page) {
    this.page = page;
    byId('composer').addEventListener('submit', event => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        if (this.#isFilled) this.#submit();
      }
    });
    this.#text.addEventListener('input', () => this.show());
  }

  get #isFilled() {
    return this.#text.value.trim() !== '';
  }

  focus() {
    this.#text.focus();
  }

  /** Shows what the button does now. */
  show() {
    const stops = !this.#isFilled && this.page.canStop();
    const button = this.#button;
    button.classList.toggle('stop', stops);
    button.setAttribute('aria-label', stops ? 'Stop the answer' : 'Send');
    button.disabled = !stops && !this.#isFilled;
    if (button.dataset.icon !== String(stops)) button.replaceChildren(icon(stops ? 'stop' : 'send'));
    button.dataset.icon = String(stops);
  }

  #submit() {
    if (!this.#isFilled) {
      this.page.stop();
      return;
    }
    const message = this.#text.value;
    this.#text.value = '';
    this.show();
    this.page.send(message);
  }
}
