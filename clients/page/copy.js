import { byId, el, icon } from './dom.js';

/** How long a button says that it has copied, in ms. */
const shown = 2_000;

/**
 * A button that copies a text.
 * @param {string} name
 * @param {() => string} text
 */
export function copyButton(name, text) {
  const button = el('button', { type: 'button', class: 'again copy', 'aria-label': name, click: () => void copyFrom(button, text()) }, icon('copy'));
  return button;
}

/**
 * Copies a text, and says so on the button and to a screen reader.
 * @param {Element} button
 * @param {string} text
 */
export async function copyFrom(button, text) {
  const isCopied = await copy(text);
  byId('announcer').textContent = isCopied ? 'Copied' : 'The browser does not allow copying.';
  button.toggleAttribute('data-copied', isCopied);
  setTimeout(() => button.removeAttribute('data-copied'), shown);
}

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages on plain http have no clipboard, and a user may forbid it.
    const area = el('textarea', { class: 'hidden', value: text, 'aria-hidden': 'true' });
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return isCopied;
  }
}
