import { ApiError } from './api.js';
import { copyFrom } from './copy.js';
import { markDays } from './days.js';
import { byId, el, icon, oncePerFrame, whenQuiet } from './dom.js';
import { Entry } from './entry.js';

/** @typedef {import('./api.js').Message} Message */
/** @typedef {import('./original.js').AnyTurn} AnyTurn */

/** The view follows the answer while it is at most this many pixels from the end. */
const nearEnd = 80;
/** Older messages are loaded this many pixels before they are needed. */
const ahead = 1500;

/** The messages of one conversation: its history, loaded as it is scrolled to, and the running turns. */
export class MessageLog {
  #log = byId('log');
  #scroll = byId('scroll');
  #state = byId('history-state');
  #jump = byId('jump');
  /** @type {Map<string, Entry>} */
  #byTurn = new Map();
  /** @type {Map<AnyTurn, Entry>} */
  #live = new Map();
  /** @type {WeakMap<Element, Entry>} */
  #entries = new WeakMap();
  /** @type {{ api: import('./api.js').Api, id: string } | null} */
  #source = null;
  /** @type {string | null} */
  #next = null;
  #isLoading = false;
  #follows = true;
  /** @type {Set<Entry>} */
  #stale = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #countdown;
  #drawSoon = oncePerFrame(() => this.#draw());
  #fillSoon = whenQuiet(() => void this.fill(), 150);

  /** Called when the log becomes empty or gets its first message. */
  changed = () => {};

  /**
   * @param {{ again: (question: string) => void, announce: (text: string) => void, refused: (error: ApiError) => void, isConnected: () => boolean }} page
   */
  constructor(page) {
    this.page = page;
    this.#scroll.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener('click', () => this.toEnd());
    this.#log.addEventListener('click', event => {
      const button = event.target instanceof Element ? event.target.closest('.copy-code') : null;
      if (button) void copyFrom(button, button.parentElement?.querySelector('code')?.textContent ?? '');
    });
    // Keeps the end visible when the text or the view grows.
    const observer = new ResizeObserver(() => this.#follows && this.#snap());
    observer.observe(this.#log);
    observer.observe(this.#scroll);
  }

  get isEmpty() {
    return this.#log.childElementCount === 0;
  }

  get isLoading() {
    return this.#isLoading;
  }

  get hasFailed() {
    return this.#state.dataset.state === 'failed';
  }

  clear() {
    this.#source = null;
    this.#next = null;
    this.#isLoading = false;
    this.#byTurn.clear();
    this.#live.clear();
    this.#stale.clear();
    this.#log.replaceChildren();
    this.#show('');
    this.toEnd();
  }

  /**
   * Opens a conversation. Resolves with the turns that were pending when its newest page was read.
   * @param {import('./api.js').Api} api
   * @param {string} id
   * @returns {Promise<string[]>}
   */
  async open(api, id) {
    this.clear();
    this.#source = { api, id };
    const items = await this.#load(null);
    return items.filter(message => message.status === 'pending').map(message => message.turn_id);
  }

  /**
   * Adds a turn of the socket: this tab's, another tab's, or one that was already running.
   * @param {AnyTurn} turn
   * @param {string} [question]
   */
  add(turn, question) {
    let entry = turn.id ? this.#byTurn.get(turn.id) : undefined;
    if (!entry) {
      entry = this.#make();
      this.#log.append(entry.element);
    }
    entry.turn = turn;
    this.#live.set(turn, entry);
    if (question !== undefined) entry.ask(question);
    this.#markDays();
    if (this.#state.dataset.state === 'absent') this.#show('');
    this.update(turn);
    if (turn.mine) this.toEnd();
    this.changed();
  }

  /** @param {AnyTurn} turn */
  update(turn) {
    const entry = this.#live.get(turn);
    if (!entry) return;
    if (turn.id && entry.turnId !== turn.id) {
      // The history may contain the turn before it is acknowledged.
      const other = this.#byTurn.get(turn.id);
      if (other && other !== entry) other.element.remove();
      entry.turnId = turn.id;
      this.#byTurn.set(turn.id, entry);
    }
    if (!turn.mine && !entry.question) this.#fillSoon();
    const wasOpen = entry.isOpen;
    entry.status = turn.status;
    entry.text = turn.text;
    entry.note = turn.error?.message ?? '';
    if (wasOpen && turn.isEnded) this.#announce(entry);
    this.#stale.add(entry);
    this.#drawSoon();
  }

  /** Reads the newest messages again: another tab's questions are only in the history. */
  async fill() {
    const source = this.#source;
    if (!source) return;
    try {
      const { items } = await source.api.messages(source.id, null, 20);
      if (source !== this.#source) return;
      for (const message of items.toReversed()) this.#place(message, 'after');
      this.#markDays();
      this.changed();
    } catch (error) {
      // The next call retries; the socket reports the gateway's state.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  toEnd() {
    this.#follows = true;
    this.#jump.hidden = true;
    this.#snap();
  }

  /**
   * @param {string | null} cursor
   * @returns {Promise<Message[]>}
   */
  async #load(cursor) {
    const source = this.#source;
    if (!source) return [];
    this.#isLoading = true;
    this.#show(cursor ? 'older' : 'loading', el('span', { class: 'spinner' }), cursor ? 'Older messages…' : 'Loading…');
    this.changed();
    try {
      const page = await source.api.messages(source.id, cursor);
      if (source !== this.#source) return [];
      this.#keepPlace(() => {
        // The newest page can contain turns that are already shown. Every message of an older page precedes all of them.
        if (cursor) for (const message of page.items) this.#place(message, 'before');
        else for (const message of page.items.toReversed()) this.#place(message, 'sorted');
        this.#next = page.next;
        this.#markDays();
        this.#show('');
      });
      this.#isLoading = false;
      this.changed();
      this.#scrolled();
      return page.items;
    } catch (error) {
      if (source !== this.#source) return [];
      if (!(error instanceof ApiError)) throw error;
      this.#isLoading = false;
      if (error.status === 404 && !cursor) {
        this.#show('absent', 'This conversation does not exist, or is somebody else’s. In Development the first message begins one that does not exist.');
        this.changed();
        return [];
      }
      if (error.isRefusal) this.page.refused(error);
      const again = el('button', { type: 'button', click: () => void this.#load(cursor) }, icon('again'), 'Try again');
      this.#show('failed', `The messages could not be read. ${error.message} `, again);
      this.changed();
      return [];
    }
  }

  /**
   * @param {Message} message
   * @param {'before' | 'after' | 'sorted'} where
   */
  #place(message, where) {
    let entry = this.#byTurn.get(message.turn_id);
    if (!entry) {
      entry = this.#make();
      entry.turnId = message.turn_id;
      this.#byTurn.set(message.turn_id, entry);
      if (where === 'before') this.#log.prepend(entry.element);
      else if (where === 'after') this.#log.append(entry.element);
      else this.#log.insertBefore(entry.element, this.#live.values().next().value?.element ?? null);
    }
    if (message.role === 'user') {
      if (!entry.question) entry.ask(message.content);
      entry.at = new Date(message.created_at);
    } else if (!entry.turn) {
      entry.status = message.status;
      entry.text = message.content;
    }
    entry.draw();
  }

  #markDays() {
    markDays(this.#log, this.#turns().flatMap(turn => this.#entries.get(turn) ?? []));
  }

  #turns() {
    return [...this.#log.querySelectorAll(':scope > .turn')];
  }

  #make() {
    const made = new Entry(entry => {
      if (entry.status === 'refused') {
        // It was never sent: the retry replaces it.
        entry.element.remove();
        if (entry.turn) this.#live.delete(entry.turn);
      }
      this.page.again(entry.question);
    }, () => this.page.isConnected());
    this.#entries.set(made.element, made);
    return made;
  }

  /** Messages that wait say for what. */
  connectionChanged() {
    for (const [turn, entry] of this.#live) if (turn.status === 'sending') this.#stale.add(entry);
    this.#drawSoon();
  }

  #draw() {
    for (const entry of this.#stale) entry.draw();
    this.#stale.clear();
    clearTimeout(this.#countdown);
    const waiting = [...this.#live].filter(([turn]) => turn.retryAt && !turn.isEnded);
    if (waiting.length > 0) this.#countdown = setTimeout(() => this.connectionChanged(), 500);
    if (this.#follows) this.#snap();
    else this.#jump.hidden = false;
  }

  /** @param {Entry} entry */
  #announce(entry) {
    const how = { completed: 'Answer', cancelled: 'Stopped', failed: 'The answer failed', refused: 'Not sent' }[entry.status] ?? '';
    this.page.announce(`${how}: ${(entry.text || entry.note).slice(0, 1000)}`);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    this.#follows = scrollHeight - scrollTop - clientHeight < nearEnd;
    if (this.#follows) this.#jump.hidden = true;
    else if (scrollHeight - scrollTop - clientHeight > clientHeight) this.#jump.hidden = false;
    if (scrollTop < ahead && this.#next && !this.#isLoading) void this.#load(this.#next);
  }

  #snap() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /**
   * Keeps the visible messages in place while others are inserted above.
   * @param {() => void} change
   */
  #keepPlace(change) {
    if (this.#follows) {
      change();
      this.#snap();
      return;
    }
    const top = this.#scroll.getBoundingClientRect().top;
    const anchor = this.#turns().find(turn => turn.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor) this.#scroll.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  /**
   * @param {'' | 'loading' | 'older' | 'failed' | 'absent'} state
   * @param {...(Node | string)} content
   */
  #show(state, ...content) {
    this.#state.dataset.state = state;
    this.#state.replaceChildren(...content);
  }
}
