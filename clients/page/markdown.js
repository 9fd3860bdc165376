import { el } from './dom.js';

/**
 * Renders the Markdown that answers use to elements, never to HTML text: a tag in an answer is shown as text. Links lead only to http, https
 * and mailto. Images become links, so that an answer cannot load anything. Look-ahead is bounded for text of any length.
 */
export class MarkdownView {
  /** @type {{ source: string, node: Node }[]} */
  #blocks = [];

  /** @param {HTMLElement} into */
  constructor(into) {
    this.into = into;
  }

  /**
   * Shows the text. Unchanged blocks are kept: while an answer grows, only its last block is rendered again.
   * @param {string} text
   */
  update(text) {
    const sources = blocksOf(text);
    let same = 0;
    while (same < sources.length && same < this.#blocks.length && this.#blocks[same]?.source === sources[same]) same++;
    for (const { node } of this.#blocks.splice(same)) this.into.removeChild(node);
    for (const source of sources.slice(same)) {
      const node = blockOf(source);
      this.into.append(node);
      this.#blocks.push({ source, node });
    }
  }
}

const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)$/;
const heading = /^ {0,3}(#{1,6}) (.*)$/;
const rule = /^ {0,3}([-*_])(?: *\1){2,} *$/;
const item = /^( *)([-*+]|\d{1,9}[.)]) +(.*)$/;
const quote = /^ {0,3}> ?(.*)$/;
const column = /^:?-+:?$/;
const blank = /^\s*$/;

// No two adjacent parts of a pattern may match the same characters: a long line that finally fails would make it try every split.

/** @param {string} line */
function fenceAt(line) {
  return fence.exec(line.trimEnd());
}

/**
 * Whether a line separates a table's head from its body.
 * @param {string} line
 */
function isDelimiter(line) {
  return line.includes('|') && withoutOuterBars(line).split('|').every(cell => column.test(cell.trim()));
}

/** @param {string} line */
function withoutOuterBars(line) {
  return line.trim().replace(/^\||\|$/g, '');
}

/** A longer block is shown as plain text. No answer for a reader has one, and parsing it again for each token would be slow. */
const longest = 20_000;

/**
 * @param {string} text
 * @returns {string[]}
 */
function blocksOf(text) {
  const lines = text.split('\n');
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    if (blank.test(line(at))) {
      at++;
      continue;
    }
    const end = endOf(at);
    blocks.push(lines.slice(at, end).join('\n'));
    at = end;
  }
  return blocks;

  /** @param {number} at */
  function line(at) {
    return lines[at] ?? '';
  }

  /** @param {number} at */
  function endOf(at) {
    const opening = fenceAt(line(at));
    if (opening) {
      let end = at + 1;
      while (end < lines.length && !line(end).trim().startsWith(opening[1] ?? '```')) end++;
      return Math.min(end + 1, lines.length);
    }
    if (heading.test(line(at)) || rule.test(line(at))) return at + 1;
    let end = at + 1;
    if (quote.test(line(at))) while (end < lines.length && quote.test(line(end))) end++;
    else if (item.test(line(at))) while (end < lines.length && (item.test(line(end)) || /^ {2,}\S/.test(line(end)))) end++;
    else while (end < lines.length && !blank.test(line(end)) && !begins(line(end))) end++;
    return end;
  }

  /** @param {string} text */
  function begins(text) {
    return fenceAt(text) !== null || heading.test(text) || rule.test(text) || quote.test(text) || item.test(text);
  }
}

/**
 * @param {string} source
 * @param {number} [depth]
 * @returns {HTMLElement}
 */
function blockOf(source, depth = 0) {
  if (source.length > longest || depth > 6) return el('p', { class: 'plain' }, source);
  const lines = source.split('\n');
  const first = lines[0] ?? '';
  const opening = fenceAt(first);
  if (opening) {
    const isClosed = lines.length > 1 && (lines.at(-1) ?? '').trim().startsWith(opening[1] ?? '```');
    const code = el('code', null, lines.slice(1, isClosed ? -1 : undefined).join('\n'));
    // The head has no text of its own: copying a selection takes only the answer.
    return el('div', { class: 'code' },
      el('div', { class: 'code-head', 'data-language': opening[2] || null }),
      el('pre', { 'data-language': opening[2] || null, tabIndex: 0 }, code),
      el('button', { type: 'button', class: 'copy-code', 'aria-label': 'Copy the code' }));
  }
  const title = heading.exec(first);
  if (title) {
    // Below the page's own heading; models start with # or ##.
    const tag = /** @type {'h2' | 'h3' | 'h4'} */ (`h${Math.min(Math.max((title[1] ?? '').length, 2), 4)}`);
    return el(tag, null, ...inline(title[2] ?? ''));
  }
  if (rule.test(first)) return el('hr');
  if (quote.test(first)) {
    const inner = lines.map(line => quote.exec(line)?.[1] ?? line).join('\n');
    return el('blockquote', null, ...blocksOf(inner).map(block => blockOf(block, depth + 1)));
  }
  if (item.test(first)) return listOf(lines, depth);
  if (isDelimiter(lines[1] ?? '') && first.includes('|')) return tableOf(lines);
  return el('p', null, ...inline(source));
}

/**
 * @param {string[]} lines
 * @param {number} depth
 */
function listOf(lines, depth) {
  const first = item.exec(lines[0] ?? '');
  const indent = first?.[1]?.length ?? 0;
  const isNumbered = /\d/.test(first?.[2] ?? '');
  /** @type {string[][]} */
  const items = [];
  for (const line of lines) {
    const match = item.exec(line);
    if (match && (match[1]?.length ?? 0) <= indent) items.push([match[3] ?? '']);
    else items.at(-1)?.push(line.slice(Math.min(indent + 2, line.search(/\S|$/))));
  }
  const list = isNumbered ? el('ol', { start: parseInt(first?.[2] ?? '1', 10) }) : el('ul');
  for (const [words, ...rest] of items) {
    list.append(el('li', null, ...inline(words ?? ''), ...blocksOf(rest.join('\n')).map(block => blockOf(block, depth + 1))));
  }
  return list;
}

/** @param {string[]} lines */
function tableOf(lines) {
  /** @param {string} line */
  const cells = line => withoutOuterBars(line).split('|').map(cell => inline(cell.trim()));
  const head = el('tr', null, ...cells(lines[0] ?? '').map(cell => el('th', { scope: 'col' }, ...cell)));
  const body = lines.slice(2).map(line => el('tr', null, ...cells(line).map(cell => el('td', null, ...cell))));
  return el('div', { class: 'table', tabIndex: 0 }, el('table', null, el('thead', null, head), el('tbody', null, ...body)));
}

/** Maximum distance between an opening mark and its closing one. */
const reach = 2_000;

/**
 * @param {string} text
 * @param {number} [depth]
 * @returns {(Node | string)[]}
 */
function inline(text, depth = 0) {
  /** @type {(Node | string)[]} */
  const nodes = [];
  let plain = '';
  /** @param {Node} node */
  const put = node => {
    if (plain) nodes.push(plain);
    plain = '';
    nodes.push(node);
  };
  for (let at = 0; at < text.length; ) {
    const found = depth < 6 ? spanAt(text, at, depth) : null;
    if (found) {
      put(found.node);
      at = found.end;
    } else if (text[at] === '\n') {
      put(el('br'));
      at++;
    } else if (text[at] === '\\' && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1];
      at += 2;
    } else {
      plain += text[at++];
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} depth
 * @returns {{ node: Node, end: number } | null}
 */
function spanAt(text, at, depth) {
  switch (text[at]) {
    case '`': {
      const ticks = /^`+/.exec(text.slice(at, at + reach))?.[0] ?? '`';
      const end = closing(text, at + ticks.length, ticks);
      return end < 0 ? null : { node: el('code', null, text.slice(at + ticks.length, end).trim()), end: end + ticks.length };
    }
    case '*':
    case '_':
    case '~': {
      const mark = text[at] ?? '';
      const isDouble = text[at + 1] === mark;
      const wrap = isDouble ? mark + mark : mark;
      const from = at + wrap.length;
      // A mark inside a word (snake_case), before a space or on its own (2 * 3, ~5) is plain text.
      if ((mark === '~' && !isDouble) || /\s|^$/.test(text[from] ?? '') || (mark === '_' && /\w/.test(text[at - 1] ?? ''))) return null;
      const end = closing(text, from, wrap);
      if (end <= from || /\s/.test(text[end - 1] ?? '') || (mark === '_' && /\w/.test(text[end + wrap.length] ?? ''))) return null;
      const tag = mark === '~' ? 's' : isDouble ? 'strong' : 'em';
      return { node: el(tag, null, ...inline(text.slice(from, end), depth + 1)), end: end + wrap.length };
    }
    case '!':
    case '[': {
      const from = text[at] === '!' ? at + 2 : at + 1;
      if (text[from - 1] !== '[') return null;
      const middle = closing(text, from, '](');
      const end = middle < 0 ? -1 : closing(text, middle + 2, ')');
      if (end < 0) return null;
      const address = safeAddress(text.slice(middle + 2, end).trim().split(/\s/)[0] ?? '');
      const words = text.slice(from, middle);
      return address ? { node: linkTo(address, ...inline(words || address, depth + 1)), end: end + 1 } : null;
    }
    case 'h': {
      if (/\w/.test(text[at - 1] ?? '')) return null;
      const bare = withoutEnd(/^https?:\/\/[^\s<>"'`]+/.exec(text.slice(at, at + reach))?.[0] ?? '');
      const address = bare ? safeAddress(bare) : null;
      return address && bare ? { node: linkTo(address, bare), end: at + bare.length } : null;
    }
    default:
      return null;
  }
}

/**
 * @param {string} text
 * @param {number} from
 * @param {string} mark
 */
function closing(text, from, mark) {
  const found = text.slice(from, from + reach).indexOf(mark);
  return found < 0 ? -1 : from + found;
}

/**
 * An address without the punctuation that ends its sentence.
 * @param {string} address
 */
function withoutEnd(address) {
  let end = address.length;
  while (end > 0 && '.,;:!?)]}*_'.includes(address[end - 1] ?? '')) end--;
  return address.slice(0, end);
}

/**
 * The address if an answer may link to it.
 * @param {string} address
 */
function safeAddress(address) {
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return null;
  return URL.canParse(address) ? address : null;
}

/**
 * @param {string} address
 * @param {...(Node | string)} words
 */
function linkTo(address, ...words) {
  return el('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...words);
}
