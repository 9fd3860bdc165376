import { byId, el, icon } from './dom.js';

/** @typedef {import('/page/client/index.js').StateChange} StateChange */
/** @typedef {import('./api.js').ApiError} ApiError */

/** Duration of a restart in ms; failed attempts within it are expected. */
const restartTakes = 30_000;

/** The state of the connection: one word beside the title, and a banner with actions if the user should act. */
export class StateView {
  #word = byId('connection');
  #banner = byId('banner');
  /** @type {StateChange} */
  #change = { state: 'closed' };
  #since = 0;
  #restartsUntil = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  /** The last close, for the drawer. */
  lastClose = '–';
  changed = () => {};
  #isApiRefused = false;

  /** @param {{ again: () => void, identity: () => void, create: () => void }} page */
  constructor(page) {
    this.page = page;
    addEventListener('offline', () => this.#draw());
    addEventListener('online', () => this.#draw());
  }

  get state() {
    return this.#change.state;
  }

  get words() {
    const { state } = this.#change;
    if (!navigator.onLine && state !== 'closed' && state !== 'refused') return 'Offline';
    return { closed: 'Not connected', connecting: 'Connecting', open: 'Connected', waiting: 'Reconnecting', refused: 'Refused' }[state];
  }

  /** Whether what is sent would be refused. */
  get isRefused() {
    return this.#isApiRefused || this.state === 'refused';
  }

  /** @param {StateChange} change */
  show(change) {
    if (change.state === 'open' || change.state === 'closed') this.#isApiRefused = false;
    // A retry after a lost connection is still shown as reconnecting.
    const isAnotherTry = change.state === 'connecting' && this.#change.state === 'waiting';
    this.#change = isAnotherTry ? { ...this.#change, retryIn: 0 } : change;
    this.#since = performance.now();
    if (change.code === 1012) this.#restartsUntil = this.#since + restartTakes;
    if (change.state === 'open') this.#restartsUntil = 0;
    if (change.code) this.lastClose = `${change.code}${change.error ? `, ${change.error.message}` : ''}`;
    clearInterval(this.#clock);
    if (change.state === 'waiting') this.#clock = setInterval(() => this.#draw(), 500);
    this.#draw();
    this.changed();
  }

  /**
   * The HTTP API refused the credentials.
   * @param {ApiError} error
   */
  refused(error) {
    this.#isApiRefused = true;
    this.changed();
    this.#say('bad', 'The gateway refused these credentials.', error.message, button('Who am I?', this.page.identity));
  }

  /**
   * A request failed.
   * @param {ApiError} error
   */
  failed(error) {
    this.#say('bad', 'That did not work.', error.message, button('Close', () => this.#draw()));
  }

  #draw() {
    const { state, code, error, retryIn = 0 } = this.#change;
    this.#word.dataset.state = this.words.toLowerCase().replace(' ', '-');
    this.#word.textContent = this.words;
    const again = button('Try now', this.page.again, 'again');
    if (this.words === 'Offline') {
      this.#say('quiet', 'You are offline.', 'What you write is sent as soon as the network is back; answers go on meanwhile.');
    } else if (state === 'waiting') {
      const left = Math.ceil((retryIn - (performance.now() - this.#since)) / 1000);
      const restarts = code === 1012 || (code === 1006 && performance.now() < this.#restartsUntil);
      const why = restarts ? 'The gateway is restarting.' : code === 4009 ? 'There are too many sockets.' : 'The connection was lost.';
      this.#say('quiet', why, `Answers go on meanwhile. ${left > 0 ? `Next try in ${left} s.` : 'Connecting…'}`, again);
    } else if (state === 'refused' && code === 4003) {
      this.#say('bad', 'This conversation is not yours, or does not exist.', '', button('New conversation', this.page.create, 'plus'));
    } else if (state === 'refused') {
      const why = code === 4010 ? 'The credentials have expired.' : 'The gateway refused these credentials.';
      this.#say('bad', why, error?.message ?? '', button('Who am I?', this.page.identity), again);
    } else {
      this.#banner.hidden = true;
      this.#banner.replaceChildren();
    }
  }

  /**
   * @param {'bad' | 'quiet'} kind
   * @param {string} title
   * @param {string} words
   * @param {...Node} actions
   */
  #say(kind, title, words, ...actions) {
    // A rewrite every half second would be read out each time, and a focused button would lose the focus.
    const said = `${title}\n${words}`;
    const isSame = !this.#banner.hidden && this.#banner.dataset.title === title;
    this.#banner.dataset.kind = kind;
    this.#banner.dataset.title = title;
    if (isSame) {
      const place = this.#banner.querySelector('[data-words]');
      if (place && this.#banner.dataset.said !== said) place.textContent = words;
    } else {
      this.#banner.replaceChildren(el('p', null, el('b', null, title), ' ', el('span', { 'data-words': '', 'aria-live': 'off' }, words)), el('div', { class: 'row' }, ...actions));
    }
    this.#banner.dataset.said = said;
    this.#banner.hidden = false;
  }
}

/**
 * @param {string} words
 * @param {() => void} click
 * @param {string} [symbol]
 */
function button(words, click, symbol) {
  return el('button', { type: 'button', click }, symbol ? icon(symbol) : '', words);
}
