import { ChatClient } from '/page/client/index.js';
import { Api, ApiError } from './api.js';
import { Composer } from './composer.js';
import { byId, el, icon, oncePerFrame, whenQuiet } from './dom.js';
import { Drawer, scenarios } from './drawer.js';
import { credentialsOf, rememberedPerson, rememberPerson } from './identity.js';
import { ConversationList } from './list.js';
import { Measures, newTrace } from './measures.js';
import { MessageLog } from './messages.js';
import { OriginalChat } from './original.js';
import { isSideOpen, restoreDrawer, showDrawer, showSide, startPanels } from './panels.js';
import { StateView } from './state.js';
import { askForTitle, confirmDeletion } from './dialogs.js';

/** @typedef {import('./api.js').Conversation} Conversation */
/** @typedef {import('./identity.js').Person} Person */
/** @typedef {import('./original.js').AnyTurn} AnyTurn */
/** @typedef {{ tenantId: string, userId: string, role: string, agentId: string, dashboardUrl: string | null }} Settings */

/** The page: one user, one conversation at a time, one socket. */
class ChatPage {
  /** @type {Person} */
  #person;
  #api;
  /** @type {ChatClient | OriginalChat | null} */
  #chat = null;
  /** @type {Conversation | null} */
  #conversation = null;
  /** @type {1 | 2} */
  #version = sessionStorage.getItem('konstruct.version') === '1' ? 1 : 2;
  /** @type {Map<AnyTurn, Measures>} */
  #measures = new Map();
  /** @type {AnyTurn | null} */
  #lastTurn = null;
  #round = 0;
  #settings;
  #drawer;
  #list = new ConversationList({ open: id => void this.open(id), refused: error => this.#state.refused(error) });
  #messages = new MessageLog({ again: question => void this.send(question), announce, refused: error => this.#state.refused(error), isConnected: () => this.#state.state === 'open' });
  #state = new StateView({ again: () => this.#chat?.reconnect(), identity: () => showDrawer(true, 'tenant'), create: () => void this.create() });
  #composer = new Composer({ send: message => void this.send(message), stop: () => this.#stop(), canStop: () => this.#version === 2 && this.#running().length > 0 });
  #listSoon = whenQuiet(() => void this.#refreshList(), 300);
  #turnSoon = oncePerFrame(() => this.#drawer.turn(this.#lastTurn, this.#lastTurn && (this.#measures.get(this.#lastTurn) ?? null)));

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    this.#drawer = new Drawer({
      send: command => void this.send(command),
      drop: () => this.#chat?.reconnect(),
      speak: version => this.#speak(version),
      become: person => this.#become(person),
    }, settings.dashboardUrl);
    this.#person = rememberedPerson() ?? this.#first();
    this.#api = new Api(this.#person);
    this.#messages.changed = () => this.#showEmpty();
    this.#state.changed = () => {
      this.#showFacts();
      this.#drawer.refused(this.#state.isRefused);
      this.#showEmpty();
    };
    byId('new').addEventListener('click', () => void this.create());
    byId('rename').addEventListener('click', () => void this.#rename());
    byId('delete').addEventListener('click', () => void this.#delete());
    document.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) this.#escape(event);
    });
    addEventListener('hashchange', () => {
      const id = idOfAddress();
      if (id && id !== this.#conversation?.id) void this.open(id);
    });
  }

  /** Starts or restarts as this tab's user. */
  async start() {
    const round = ++this.#round;
    this.#leave();
    this.#api = new Api(this.#person);
    this.#drawer.person(this.#person);
    byId('me').textContent = `${this.#person.role || 'no role'} ${this.#person.userId.slice(0, 8)}, tenant ${this.#person.tenantId.slice(0, 8)}`;
    byId('me-avatar').textContent = this.#person.userId.slice(-2);
    const conversations = await this.#list.load(this.#api, true);
    if (round !== this.#round) return;
    const id = idOfAddress() ?? conversations?.[0]?.id;
    if (id) await this.open(id);
    else this.#showEmpty();
  }

  /** @param {string} id */
  async open(id) {
    const round = ++this.#round;
    this.#leave();
    showSide(false);
    this.#conversation = { id, agent_id: this.#settings.agentId, title: null, created_at: '', updated_at: '', ...this.#list.find(id) };
    history.replaceState(null, '', `#/c/${id}`);
    this.#showTitle();
    this.#connect();
    const pending = await this.#messages.open(this.#api, id);
    if (round !== this.#round) return;
    // A turn that was pending and is no longer active has ended meanwhile. Following it gets its end.
    for (const turnId of pending) this.#chat?.follow(turnId);
    if (!this.#list.find(id)) {
      const found = await this.#api.get(id).catch(ignoreApiErrors);
      if (found && round === this.#round) this.#renamed(found);
    }
  }

  async create() {
    try {
      const created = await this.#api.create(this.#settings.agentId);
      this.#list.put(created);
      await this.open(created.id);
      this.#composer.focus();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#state.failed(error);
      return false;
    }
  }

  /** @param {string} message */
  async send(message) {
    if (!this.#chat && !(await this.create())) return;
    const trace = newTrace();
    const begun = new Measures(trace.traceId);
    this.#asking = { question: message, begun };
    if (this.#chat instanceof OriginalChat) this.#chat.send(message);
    else this.#chat?.send(message, { traceparent: trace.traceparent });
    this.#asking = null;
    if (this.#conversation && !this.#conversation.title) await this.#name(message);
  }

  /** The message that `send` is sending while the client reports the new turn. @type {{ question: string, begun: Measures } | null} */
  #asking = null;

  #connect() {
    if (!this.#conversation) return;
    const options = {
      url: location.origin,
      conversationId: this.#conversation.id,
      agentId: this.#conversation.agent_id || this.#settings.agentId,
      credentials: credentialsOf(this.#person),
    };
    const chat = this.#version === 1 ? new OriginalChat(options) : new ChatClient(options);
    this.#chat = chat;
    /** @param {AnyTurn} turn */
    const begin = turn => {
      this.#measures.set(turn, this.#asking?.begun ?? new Measures());
      this.#lastTurn = turn;
      this.#messages.add(turn, this.#asking?.question);
      this.#update(turn);
    };
    chat.on('turn', begin);
    chat.on('update', turn => this.#update(turn));
    chat.on('frame', event => this.#drawer.frame(event));
    chat.on('error', error => announce(error.message));
    chat.on('state', change => {
      const wasLost = this.#state.state === 'waiting';
      this.#state.show(change);
      this.#messages.connectionChanged();
      // Reload what the list and the history could not read while the gateway was unreachable. v1 does not report what happened meanwhile.
      if (change.state === 'open' && wasLost) {
        if (this.#messages.hasFailed) void this.open(this.#conversation?.id ?? '');
        else if (this.#version === 1) void this.#messages.fill();
        this.#listSoon();
      }
    });
    chat.connect();
  }

  /** @param {AnyTurn} turn */
  #update(turn) {
    this.#measures.get(turn)?.note(turn);
    this.#messages.update(turn);
    this.#turnSoon();
    this.#composer.show();
    // The first message names the conversation, in whichever tab it was sent.
    if (turn.isEnded || (!turn.mine && !this.#conversation?.title)) this.#listSoon();
  }

  async #refreshList() {
    await this.#list.load(this.#api);
    const listed = this.#list.find(this.#conversation?.id ?? '');
    if (listed && listed.title !== this.#conversation?.title) this.#renamed(listed);
  }

  #leave() {
    const chat = this.#chat;
    this.#chat = null;
    chat?.close();
    this.#measures.clear();
    this.#lastTurn = null;
    this.#conversation = null;
    this.#messages.clear();
    this.#state.show({ state: 'closed' });
    this.#turnSoon();
    this.#showTitle();
    this.#composer.show();
  }

  /** @returns {Person} */
  #first() {
    const { tenantId, userId, role } = this.#settings;
    return { tenantId, userId, role, token: '' };
  }

  /** @param {Person | null} person */
  #become(person) {
    rememberPerson(person);
    this.#person = person ?? this.#first();
    history.replaceState(null, '', location.pathname);
    void this.start();
  }

  /** @param {1 | 2} version */
  #speak(version) {
    this.#version = version;
    sessionStorage.setItem('konstruct.version', String(version));
    if (this.#conversation) void this.open(this.#conversation.id);
    else this.#showFacts();
  }

  #running() {
    return [...this.#measures.keys()].filter(turn => !turn.isEnded);
  }

  #stop() {
    for (const turn of this.#running()) turn.cancel();
  }

  /** @param {KeyboardEvent} event */
  #escape(event) {
    const drawer = byId('drawer');
    if (isSideOpen()) showSide(false);
    else if (!drawer.hidden && drawer.contains(/** @type {Node} */ (event.target))) showDrawer(false);
    else this.#stop();
  }

  /** @param {string} message */
  async #name(message) {
    const conversation = this.#conversation;
    if (!conversation) return;
    const words = message.trim().split('\n')[0] ?? '';
    const title = words.length > 60 ? `${words.slice(0, 59).trimEnd()}…` : words;
    if (!title) return;
    conversation.title = title;
    const renamed = await this.#api.rename(conversation.id, title).catch(ignoreApiErrors);
    if (renamed) this.#renamed(renamed);
  }

  async #rename() {
    const conversation = this.#conversation;
    if (!conversation) return;
    const title = await askForTitle(conversation.title ?? '');
    if (!title) return;
    try {
      this.#renamed(await this.#api.rename(conversation.id, title));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#state.failed(error);
    }
  }

  async #delete() {
    const conversation = this.#conversation;
    if (!conversation || !(await confirmDeletion(conversation.title ?? 'this conversation'))) return;
    try {
      await this.#api.delete(conversation.id);
      history.replaceState(null, '', location.pathname);
      await this.start();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#state.failed(error);
    }
  }

  /** @param {Conversation} conversation */
  #renamed(conversation) {
    this.#list.put(conversation);
    if (this.#conversation?.id === conversation.id) this.#conversation = conversation;
    this.#showTitle();
  }

  #showTitle() {
    const title = this.#conversation ? (this.#conversation.title ?? 'New conversation') : 'Konstruct';
    byId('title').textContent = title;
    byId('agent').textContent = this.#conversation ? nameOf(this.#conversation.agent_id || this.#settings.agentId) : '';
    document.title = this.#conversation ? `${title} – Konstruct` : 'Konstruct';
    for (const id of ['rename', 'delete']) byId(id).hidden = !this.#conversation;
    this.#list.select(this.#conversation?.id ?? null);
    this.#showFacts();
  }

  #showFacts() {
    this.#drawer.connection({
      state: this.#state.words,
      version: this.#version,
      conversation: this.#conversation?.id ?? '–',
      last: this.#state.lastClose,
    });
  }

  #showEmpty() {
    const empty = byId('empty');
    empty.hidden = !this.#messages.isEmpty || this.#messages.isLoading || this.#messages.hasFailed || this.#state.isRefused;
    if (empty.hidden || empty.childElementCount > 0) return;
    empty.append(
      el('h2', null, 'Say something'),
      el('p', null, 'Each word that comes back went from the gateway through Redis to an orchestrator and back. Here that is a stub: it makes words up, and does something special on command.'),
      el('div', { class: 'chips' }, ...scenarios.slice(0, 8).map(([command, what]) =>
        el('button', { type: 'button', class: 'chip', click: () => void this.send(command ?? '') }, el('b', null, command ?? ''), el('span', null, what ?? '')))));
  }
}

/**
 * The gateway knows AI employees by an id that portals choose: a name, or a UUID.
 * @param {string} agentId
 */
function nameOf(agentId) {
  return `with ${/^[0-9a-f-]{36}$/i.test(agentId) ? `employee ${agentId.slice(0, 8)}` : agentId}`;
}

function idOfAddress() {
  return /^#\/c\/([0-9a-f-]{36})$/i.exec(location.hash)?.[1] ?? null;
}

/** @param {unknown} error */
function ignoreApiErrors(error) {
  // A conversation without a title is acceptable.
  if (!(error instanceof ApiError)) throw error;
  return null;
}

/** @param {string} words */
function announce(words) {
  byId('announcer').textContent = words;
}

async function begin() {
  startPanels();
  let settings;
  try {
    const response = await fetch('/page/settings.json');
    if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
    settings = await response.json();
  } catch (error) {
    byId('history-state').replaceChildren(
      `The page could not begin. ${error instanceof Error ? error.message : ''} `,
      el('button', { type: 'button', click: () => location.reload() }, icon('again'), 'Try again'));
    return;
  }
  restoreDrawer();
  byId('text').focus();
  await new ChatPage(settings).start();
}

await begin();
