/** What an answer may contain to freeze the page: each block has the longest length that is parsed, and fifty of them must not be felt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarkdownView } from './markdown.js';

class FakeElement {
  children = [];
  constructor(tag) {
    this.tag = tag;
  }
  append(...more) {
    this.children.push(...more);
  }
  removeChild(child) {
    this.children.splice(this.children.indexOf(child), 1);
  }
  setAttribute() {}
  get text() {
    return this.children.map(child => (typeof child === 'string' ? child : child.text)).join('');
  }
  find(tag) {
    return this.children.flatMap(child => (typeof child === 'string' ? [] : [...(child.tag === tag ? [child] : []), ...child.find(tag)]));
  }
}
globalThis.document = { createElement: tag => new FakeElement(tag) };

/** @param {string} text */
function shown(text) {
  const into = new FakeElement('div');
  new MarkdownView(into).update(text);
  return into;
}

const most = 19_900;
const blocks = 50;
const runs = Array.from({ length: 150 }, (_, i) => '`'.repeat(160 - i)).join('x');

/** @type {Record<string, string>} */
const hostile = {
  'a table whose second line is spaces': `a|b\n${' '.repeat(most)}x`,
  'a table whose second line is dashes': `a|b\n${'-'.repeat(most)}x`,
  'a table whose second line is dashes and spaces': `a|b\n|${'- '.repeat(most / 2)}x`,
  'a table whose second line is bars': `a|b\n${'-|'.repeat(most / 2)}x`,
  'a table whose second line is colons': `a|b\n|-|${':'.repeat(most)}`,
  'a fence and spaces': `\`\`\`${' '.repeat(most)}!`,
  'a fence, words and spaces': `~~~${'a'.repeat(most / 2)}${' '.repeat(most / 2)}!`,
  'a fence of backticks': `${'`'.repeat(most)}!`,
  'runs of backticks, each shorter': runs.repeat(Math.floor(most / runs.length)),
  'a rule that is none': `${'- '.repeat(most / 2)}x`,
  'a rule of spaces that is none': `-${' '.repeat(most)}-x`,
  'an item of spaces': `${' '.repeat(most)}x`,
  'a number without an end': `1.${' '.repeat(most)}`,
  'a heading of spaces': `# ${' '.repeat(most)}x`,
  'opening stars': '*a'.repeat(most / 2),
  'opening double stars': '**a '.repeat(most / 4),
  'opening strikes': '~~a '.repeat(most / 4),
  'opening brackets': '['.repeat(most),
  'links without an end': '[a]('.repeat(most / 4),
  'images without an end': '![a]('.repeat(most / 5),
  'addresses that are none': 'https://['.repeat(most / 9),
  'addresses that end in dots': `https://a${'.'.repeat(1_900)}x `.repeat(10),
  'quotes in quotes': '> '.repeat(most / 2),
  'lists in lists': Array.from({ length: 140 }, (_, i) => `${' '.repeat(i)}- a`).join('\n'),
  backslashes: '\\'.repeat(most),
};

for (const [name, block] of Object.entries(hostile)) {
  test(`fifty blocks of ${name} are shown at once`, () => {
    assert.ok(block.length <= 20_100 && block.length > 5_000, `${block.length}`);
    const text = Array(blocks).fill(block).join('\n\n');
    const begun = performance.now();
    shown(text);
    const took = performance.now() - begun;
    assert.ok(took < 3_000, `${Math.round(took)} ms for ${text.length} characters`);
  });
}

test('a table is a table, with or without bars around it', () => {
  for (const text of ['a|b\n-|-\n1|2', '| a | b |\n|---|:-:|\n| 1 | 2 |', 'a | b\n:-- | --:\n1 | 2', '|a|\n|-|\n|1|']) {
    assert.equal(shown(text).find('table').length, 1, text);
  }
  for (const text of ['a|b\n-- x', 'a|b\n', 'a|b\n|', 'a|b\n---', 'a\n-|-']) {
    assert.equal(shown(text).find('table').length, 0, text);
  }
});

test('a fence may have a language and spaces behind it', () => {
  for (const text of ['```\ncode\n```', '```js  \ncode\n```', '~~~ c++\ncode\n~~~', '   ```\ncode\n```']) {
    assert.equal(shown(text).find('pre').length, 1, text);
    assert.equal(shown(text).find('code')[0].text, 'code', text);
  }
});

test('backticks mark code, and a run that closes nowhere is text', () => {
  assert.equal(shown('a `b` c').find('code')[0].text, 'b');
  assert.equal(shown('a `` b`c `` d').find('code')[0].text, 'b`c');
  assert.equal(shown('a ``` b').find('code').length, 0);
  assert.equal(shown('a ``` b').text, 'a ``` b');
});
