import { byId, el, icon, oncePerFrame } from './dom.js';
import { DropReport } from './drop-report.js';
import { claimsOf } from './identity.js';
import { newUuid } from '/page/client/index.js';

/** @typedef {import('./identity.js').Person} Person */
/** @typedef {import('./original.js').AnyTurn} AnyTurn */

/** Commands of the stub (docs/guide/run.md). */
export const scenarios = [
  ['/stream', 'words at a steady rate'],
  ['/markdown', 'an answer with every kind of formatting'],
  ['/burst 100', '100 tokens at once'],
  ['/long', '2,000 tokens'],
  ['/empty', 'an answer without a token'],
  ['/fail 5', 'five tokens, then the model fails'],
  ['/silent', 'nothing, until it is stopped'],
  ['/unicode', 'text of every width and direction'],
  ['/giant 100000', 'one token of 100,000 characters'],
  ['/tiny 10000', '10,000 tokens of one character'],
  ['/stamp', 'each token with the time at which it was sent'],
];

const keptFrames = 2_000;
const shownFrames = 200;

/**
 * @typedef {object} Page Actions of the page that the drawer can start.
 * @property {(command: string) => void} send
 * @property {() => void} drop
 * @property {(version: 1 | 2) => void} speak
 * @property {(person: Person | null) => void} become null: the gateway's default.
 */

/** The developer's drawer: socket, identity, the stub's scenarios, the last turn, and frames. */
export class Drawer {
  #page;
  /** @type {{ at: Date, sent: boolean, frame: any }[]} */
  #kept = [];
  #frames = el('ol', { class: 'frames', 'aria-label': 'Frames, the newest first' });
  #frameCount = el('span', { class: 'quiet' }, '0');
  #filter = el('select', { 'aria-label': 'Which frames', change: () => this.#redrawFrames() });
  #drop = new DropReport();
  #isPaused = el('input', { type: 'checkbox' });
  #turn = el('dl', { class: 'facts' });
  #connection = el('dl', { class: 'facts' });
  #versions = /** @type {const} */ ([1, 2]).map(version =>
    el('button', { type: 'button', 'aria-pressed': 'false', click: () => this.#page.speak(version) }, `v${version}`));
  #form;
  #scenarios = scenarios.map(([command, what]) =>
    el('button', { type: 'button', class: 'chip', title: what, 'aria-label': `${command}: ${what}`, click: () => this.#page.send(command ?? '') }, command ?? ''));
  #count = 0;
  #drawn = 0;
  /** @type {Set<string>} */
  #types = new Set();
  #drawFrames = oncePerFrame(() => this.#showFrames());
  #dashboardUrl;

  /**
   * @param {Page} page
   * @param {string | null} dashboardUrl
   */
  constructor(page, dashboardUrl) {
    this.#page = page;
    this.#dashboardUrl = dashboardUrl;
    this.#form = identityForm(page);
    byId('drawer-content').replaceChildren(
      section('Connection',
        this.#connection,
        el('div', { class: 'row' },
          el('button', { type: 'button', id: 'drop', click: () => this.#dropSocket() }, 'Drop the socket'),
          el('span', { class: 'segmented', role: 'group', 'aria-label': 'Protocol' }, ...this.#versions)),
        this.#drop.element),
      section('Scenarios of the stub', el('div', { class: 'chips' }, ...this.#scenarios)),
      section('Frames', el('div', { class: 'row small' },
        this.#filter,
        el('label', null, this.#isPaused, ' pause'),
        el('button', { type: 'button', click: () => this.clearFrames() }, 'Clear'),
        el('button', { type: 'button', click: () => this.#export() }, 'Export'),
        this.#frameCount), el('div', { class: 'frames-scroll' }, this.#frames)),
      section('Last turn', this.#turn),
      section('Who this tab is', this.#form.element),
      section('HTTP API', el('p', null, el('a', { href: '/scalar', target: '_blank', rel: 'noopener', id: 'api-link' }, 'Read and try it'))));
    this.#showTypes();
    this.turn(null, null);
  }

  /**
   * What is refused cannot be sent.
   * @param {boolean} isRefused
   */
  refused(isRefused) {
    for (const button of this.#scenarios) button.disabled = isRefused;
  }

  /** @param {Person} person */
  person(person) {
    this.#form.fill(person);
  }

  /**
   * @param {{ state: string, version: number, conversation: string, last: string }} facts
   */
  connection({ state, version, conversation, last }) {
    this.#connection.replaceChildren(...facts([['State', state], ['Conversation', conversation], ['Last close', last]]));
    for (const [i, button] of this.#versions.entries()) button.setAttribute('aria-pressed', String(i + 1 === version));
  }

  /**
   * @param {AnyTurn | null} turn
   * @param {import('./measures.js').Measures | null} measures
   */
  turn(turn, measures) {
    if (!turn || !measures) {
      this.#turn.replaceChildren(el('dd', { class: 'quiet' }, 'Nothing was said yet.'));
      return;
    }
    const trace = measures.traceId;
    const link = trace && this.#dashboardUrl
      ? el('a', { href: `${this.#dashboardUrl.replace(/\/$/, '')}/traces/detail/${trace}`, target: '_blank', rel: 'noopener', id: 'trace-link' }, trace)
      : trace;
    this.#turn.replaceChildren(...facts([
      ['Status', turn.status],
      ['First token', measures.timeToFirst === undefined ? '–' : `${measures.timeToFirst.toFixed(0)} ms`],
      ['Tokens', measures.rate === undefined ? `${measures.chunks}` : `${measures.chunks}, ${measures.rate.toFixed(1)} a second`],
      ['Attempt, seq', turn.attempt ? `${turn.attempt}, ${turn.seq}` : '–'],
      ['Turn', turn.id ?? '–'],
      ['Trace', link ?? '–'],
    ]));
  }

  /** @param {{ sent: boolean, frame: any }} event */
  frame(event) {
    this.#count++;
    this.#drop.frame(event);
    if (this.#isPaused.checked) return;
    this.#kept.push({ at: new Date(), ...event });
    if (this.#kept.length > keptFrames) {
      this.#kept.shift();
      this.#drawn = Math.max(0, this.#drawn - 1);
    }
    if (!this.#types.has(event.frame.type)) {
      this.#types.add(event.frame.type);
      this.#showTypes();
    }
    this.#drawFrames();
  }

  clearFrames() {
    this.#count = 0;
    this.#kept = [];
    this.#drawn = 0;
    this.#frames.replaceChildren();
    this.#frameCount.textContent = '0';
  }

  #showFrames() {
    this.#frameCount.textContent = this.#count.toLocaleString('en');
    const wanted = this.#kept.slice(this.#drawn).filter(({ frame }) => this.#isWanted(frame)).slice(-shownFrames);
    this.#drawn = this.#kept.length;
    this.#frames.prepend(...wanted.toReversed().map(rowOf));
    while (this.#frames.childElementCount > shownFrames) this.#frames.lastElementChild?.remove();
  }

  #redrawFrames() {
    this.#frames.replaceChildren();
    this.#drawn = 0;
    this.#showFrames();
  }

  /** @param {{ type: string }} frame */
  #isWanted({ type }) {
    const { value } = this.#filter;
    return value === '*' || value === type || (value === '-chunk' && type !== 'chunk');
  }

  #showTypes() {
    const { value } = this.#filter;
    const types = [...this.#types].toSorted().map(type => /** @type {const} */ ([type, `only ${type}`]));
    const choices = /** @type {const} */ ([['*', 'all frames'], ['-chunk', 'all but chunks']]);
    this.#filter.replaceChildren(...[...choices, ...types].map(([key, words]) => el('option', { value: key }, words)));
    this.#filter.value = value || '*';
  }

  /** Saves the frames that are kept as JSON lines, without credentials. */
  #export() {
    const lines = this.#kept.map(({ at, sent, frame }) => JSON.stringify({ at: at.toISOString(), sent, frame: withoutToken(frame) }));
    const address = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'application/jsonl' }));
    el('a', { href: address, download: 'konstruct-frames.jsonl' }).click();
    setTimeout(() => URL.revokeObjectURL(address));
  }

  #dropSocket() {
    this.#drop.begin();
    this.#page.drop();
  }
}

/**
 * @param {string} title
 * @param {...Node} content
 */
function section(title, ...content) {
  return el('section', null, el('h3', null, title), ...content);
}

/** @param {[string, Node | string][]} rows */
function facts(rows) {
  return rows.flatMap(([name, value]) => [el('dt', null, name), el('dd', null, value)]);
}

/** @param {{ at: Date, sent: boolean, frame: any }} entry */
function rowOf({ at, sent, frame }) {
  const shown = withoutToken(frame);
  const { type, ...rest } = shown;
  const words = JSON.stringify(rest);
  return el('li', { class: sent ? 'sent' : 'got' },
    el('details', null,
      el('summary', null,
        el('time', null, at.toISOString().slice(11, 23)),
        el('span', { class: 'arrow', 'aria-label': sent ? 'sent' : 'received' }, sent ? '→' : '←'),
        el('b', null, type),
        el('span', { class: 'words' }, words.length > 120 ? `${words.slice(0, 120)}…` : words)),
      el('pre', null, JSON.stringify(shown, null, 2).slice(0, 5000))));
}

/** @param {any} frame */
function withoutToken(frame) {
  return frame.token ? { ...frame, token: '…' } : frame;
}

/** @param {Page} page */
function identityForm(page) {
  const tenant = el('input', { id: 'tenant', autocomplete: 'off', spellcheck: false });
  const user = el('input', { id: 'user', autocomplete: 'off', spellcheck: false });
  const role = el('input', { id: 'role', autocomplete: 'off' });
  const token = el('textarea', { id: 'token', rows: 2, autocomplete: 'off', spellcheck: false, placeholder: 'none: the ids are believed' });
  const read = () => {
    const bearer = token.value.trim();
    const claims = bearer ? claimsOf(bearer) : {};
    return {
      userId: claims.userId ?? user.value.trim(),
      tenantId: claims.tenantId ?? tenant.value.trim(),
      role: claims.role ?? role.value.trim(),
      token: bearer,
    };
  };
  const element = el('form',
    { class: 'identity', submit: (/** @type {Event} */ event) => { event.preventDefault(); page.become(read()); } },
    el('div', { class: 'row' },
      el('button', { type: 'button', click: () => page.become({ ...read(), userId: newUuid(), token: '' }) }, 'Another user'),
      el('button', { type: 'button', click: () => page.become({ ...read(), userId: newUuid(), tenantId: newUuid(), token: '' }) }, 'Another tenant'),
      el('button', { type: 'button', click: () => page.become(null) }, 'The first one')),
    el('label', null, 'Tenant', tenant),
    el('label', null, 'User', user),
    el('label', null, 'Role', role),
    el('label', null, 'Token', token),
    el('button', { type: 'submit', class: 'primary' }, icon('again'), 'Become this'));
  return {
    element,
    /** @param {Person} person */
    fill: person => {
      tenant.value = person.tenantId;
      user.value = person.userId;
      role.value = person.role;
      token.value = person.token;
    },
  };
}
