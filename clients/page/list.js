import { ApiError } from './api.js';
import { byId, el, icon, whenQuiet } from './dom.js';

/** @typedef {import('./api.js').Conversation} Conversation */

/** The list of conversations, the most recently active first. */
export class ConversationList {
  #list = byId('conversations');
  #state = byId('list-state');
  #search = /** @type {HTMLInputElement} */ (byId('search'));
  /** @type {Conversation[]} */
  #items = [];
  /** @type {string | null} */
  #selected = null;
  /** @type {string | null} */
  #next = null;
  #round = 0;
  /** @type {Promise<Conversation[] | null>} */
  #latest = Promise.resolve(null);
  /** @type {import('./api.js').Api | null} */
  #api = null;
  /** Whether a search may still add conversations that are not loaded. */
  #isSearching = false;
  #searchSoon = whenQuiet(() => void this.#searchAll(), 200);

  /** @param {{ open: (id: string) => void, refused: (error: ApiError) => void }} page */
  constructor(page) {
    this.page = page;
    this.#search.addEventListener('input', () => {
      this.#isSearching = this.#wanted !== '';
      this.#draw();
      this.#searchSoon();
    });
  }

  /** @param {string} id */
  find(id) {
    return this.#items.find(item => item.id === id);
  }

  /**
   * Reads the newest page. Null: it could not be read, and the list shows an error.
   * @param {import('./api.js').Api} api
   * @param {boolean} [isFirst] Clears the list first, so that another user's list is not visible while this one loads.
   * @returns {Promise<Conversation[] | null>}
   */
  load(api, isFirst = false) {
    return (this.#latest = this.#load(api, isFirst));
  }

  /**
   * @param {import('./api.js').Api} api
   * @param {boolean} isFirst
   * @returns {Promise<Conversation[] | null>}
   */
  async #load(api, isFirst) {
    const round = ++this.#round;
    this.#api = api;
    if (isFirst) {
      this.#items = [];
      this.#next = null;
      this.#list.replaceChildren(...Array.from({ length: 4 }, () => el('li', { class: 'skeleton', 'aria-hidden': 'true' })));
      this.#state.textContent = 'Loading…';
    }
    try {
      const page = await api.list();
      // A later call has started; use its result.
      if (round !== this.#round) return this.#latest;
      const known = new Set(page.items.map(item => item.id));
      // Older pages that were opened stay. Conversations in them that were deleted elsewhere disappear on the next start.
      const older = isFirst || !page.next ? [] : this.#items.filter(item => !known.has(item.id));
      if (older.length === 0) this.#next = page.next;
      this.#items = [...page.items, ...older];
      this.#draw(api);
      return this.#items;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (round !== this.#round) return this.#latest;
      if (this.#items.length === 0) this.#list.replaceChildren();
      const again = el('button', { type: 'button', click: () => void this.load(api, isFirst) }, icon('again'), 'Try again');
      this.#state.replaceChildren(`The conversations could not be read. ${error.message} `, again);
      if (error.isRefusal) this.page.refused(error);
      return null;
    }
  }

  /**
   * Adds or updates one conversation.
   * @param {Conversation} conversation
   */
  put(conversation) {
    const at = this.#items.findIndex(item => item.id === conversation.id);
    if (at < 0) this.#items.unshift(conversation);
    else this.#items[at] = conversation;
    this.#draw();
  }

  /** @param {string | null} id */
  select(id) {
    this.#selected = id;
    for (const link of this.#list.querySelectorAll('a')) {
      if (link.dataset.id === id) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  get #wanted() {
    return this.#search.value.trim();
  }

  /** The list filters what is loaded at once; the gateway searches the rest. */
  async #searchAll() {
    const [api, wanted] = [this.#api, this.#wanted];
    if (!api || !wanted) return;
    try {
      const page = await api.search(wanted);
      if (api !== this.#api || wanted !== this.#wanted) return;
      const known = new Set(this.#items.map(item => item.id));
      this.#items.push(...page.items.filter(item => !known.has(item.id)));
      this.#items.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
      this.#state.replaceChildren(...this.#older(api));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (api !== this.#api || wanted !== this.#wanted) return;
      this.#state.replaceChildren(`The search failed. ${error.message} `, ...this.#older(api));
    }
    this.#isSearching = false;
    this.#draw();
  }

  /** @param {import('./api.js').Api} [api] */
  #draw(api) {
    const wanted = this.#wanted.toLocaleLowerCase();
    const found = this.#items.filter(item => titleOf(item).toLocaleLowerCase().includes(wanted));
    const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.dataset.id : undefined;
    this.#list.replaceChildren(...found.map(item => this.#rowOf(item)));
    if (found.length === 0 && this.#items.length > 0 && !this.#isSearching) this.#list.append(el('li', { class: 'list-state' }, 'No title has these words.'));
    this.select(this.#selected);
    if (focused) this.#list.querySelector(`a[data-id="${CSS.escape(focused)}"]`)?.dispatchEvent(new CustomEvent('refocus'));
    if (!api) return;
    this.#state.replaceChildren(this.#items.length === 0 ? 'No conversations yet.' : '', ...this.#older(api));
  }

  /** @param {import('./api.js').Api} api */
  #older(api) {
    return this.#next ? [el('button', { type: 'button', click: () => void this.#more(api) }, 'Older conversations')] : [];
  }

  /** @param {Conversation} item */
  #rowOf(item) {
    /** @param {Event} event */
    const open = event => {
      event.preventDefault();
      this.page.open(item.id);
    };
    const link = el('a', { href: `#/c/${item.id}`, 'data-id': item.id, click: open },
      el('span', { class: 'name', dir: 'auto' }, titleOf(item)),
      el('time', { dateTime: item.updated_at }, ago(item.updated_at)));
    link.addEventListener('refocus', () => link.focus());
    return el('li', null, link);
  }

  /** @param {import('./api.js').Api} api */
  async #more(api) {
    const round = this.#round;
    const page = await api.list(this.#next);
    if (round !== this.#round) return;
    const known = new Set(this.#items.map(item => item.id));
    this.#items.push(...page.items.filter(item => !known.has(item.id)));
    this.#next = page.next;
    this.#draw(api);
  }
}

/** @param {Conversation} item */
function titleOf(item) {
  return item.title ?? 'New conversation';
}

/** @param {string} time */
function ago(time) {
  const minutes = (Date.now() - Date.parse(time)) / 60_000;
  if (!(minutes >= 1)) return 'now';
  if (minutes < 60) return `${Math.floor(minutes)} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  return new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}
