import { copyButton } from './copy.js';
import { timeOf } from './days.js';
import { el, icon } from './dom.js';
import { MarkdownView } from './markdown.js';

/** @typedef {import('./original.js').AnyTurn} AnyTurn */

/** Why a message waits, by the code with which the gateway refused it for now. */
const waits = {
  too_many_messages: 'Waiting: more messages in a minute than one user may send.',
  too_many_waiting: 'Waiting: too many messages are ahead of it.',
  too_many_turns: 'Waiting: too many answers are being written in this conversation.',
  unavailable: 'Waiting: the service cannot store messages right now.',
  restarting: 'Waiting: the service is restarting.',
};

/** A question and its answer. */
export class Entry {
  status = 'completed';
  text = '';
  question = '';
  note = '';
  /** When the question was asked. */
  at = new Date();
  /** @type {string | undefined} */
  turnId;
  /** @type {AnyTurn | undefined} */
  turn;
  #bubble = el('div', { class: 'bubble', dir: 'auto' });
  #body = el('div', { class: 'markdown', dir: 'auto' });
  #foot = el('div', { class: 'foot' });
  #asked = el('article', { class: 'question', 'aria-label': 'You', hidden: true }, this.#bubble);
  #answer = el('article', { class: 'answer', 'aria-label': 'Answer', hidden: true }, this.#body, this.#foot);
  #markdown = new MarkdownView(this.#body);
  element = el('div', { class: 'turn' }, this.#asked, this.#answer);
  #again;

  /**
   * @param {(entry: Entry) => void} again Asks the question again.
   * @param {() => boolean} isConnected
   */
  constructor(again, isConnected) {
    this.#again = again;
    this.isConnected = isConnected;
  }

  /** @param {string} text */
  ask(text) {
    this.question = text;
    this.#bubble.textContent = text;
    this.#asked.hidden = false;
  }

  draw() {
    const { status, text } = this;
    this.element.dataset.status = status;
    this.element.dataset.turn = this.turnId ?? '';
    this.#answer.hidden = false;
    this.#answer.setAttribute('aria-busy', String(this.isOpen));
    this.#markdown.update(text);
    this.#foot.replaceChildren(...this.#footer());
  }

  #whyItWaits() {
    const { error, retryAt } = this.turn ?? {};
    if (!this.isConnected()) return 'Waiting for the connection…';
    if (!error || !retryAt) return 'Sending…';
    const why = waits[/** @type {keyof typeof waits} */ (/** @type {any} */ (error).code)] ?? error.message;
    return `${why} Sent again in ${Math.max(0, Math.ceil((retryAt - Date.now()) / 1000))} s.`;
  }

  get isOpen() {
    return this.status === 'sending' || this.status === 'answering' || this.status === 'pending';
  }

  /** @returns {(Node | string)[]} */
  #footer() {
    const again = this.question ? this.#askAgain('Try again', 'again') : '';
    // A page of buttons would be noise: the style shows this one below the last answer only.
    const regenerate = this.question ? this.#askAgain('Regenerate', 'again regenerate') : '';
    const done = [...(this.text ? [copyButton('Copy the answer', () => this.text)] : []), regenerate, timeOf(this.at)];
    switch (this.status) {
      case 'sending':
        return [el('span', { class: 'quiet' }, this.#whyItWaits())];
      case 'answering':
      case 'pending':
        return this.text ? [] : [el('span', { class: 'dots', role: 'img', 'aria-label': 'Waiting for the first word' }, el('i'), el('i'), el('i'))];
      case 'cancelled':
        return [el('span', { class: 'mark' }, this.text ? 'Stopped here' : 'Stopped before the first word'), ...done];
      case 'failed':
        return [el('span', { class: 'mark bad' }, this.note || (this.text ? 'The answer failed here.' : 'The answer failed.')), again];
      case 'refused':
        return [el('span', { class: 'mark bad' }, `Not sent. ${this.note}`), again];
      case 'left':
        return [el('span', { class: 'mark' }, 'The connection was lost. The answer goes on without it, and will be in the history.')];
      default:
        return [...(this.text ? [] : [el('span', { class: 'mark' }, 'An answer without a word')]), ...done];
    }
  }

  /**
   * @param {string} words
   * @param {string} style
   */
  #askAgain(words, style) {
    return el('button', { type: 'button', class: style, click: () => this.#again(this) }, icon('again'), words);
  }
}
