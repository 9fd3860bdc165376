import { el } from './dom.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** @param {Date} at */
export function timeOf(at) {
  return el('time', { class: 'quiet', dateTime: at.toISOString(), title: at.toLocaleString() }, time.format(at));
}

/**
 * Puts the day before the first turn of each day.
 * @param {HTMLElement} log
 * @param {Iterable<{ element: HTMLElement, at: Date }>} entries In their order on the page.
 */
export function markDays(log, entries) {
  const today = day.format(new Date());
  let before = 'Today';
  for (const { element, at } of entries) {
    const words = day.format(at) === today ? 'Today' : day.format(at);
    const above = element.previousElementSibling;
    const separator = above?.className === 'day' ? above : null;
    if (words === before) separator?.remove();
    else if (separator) separator.textContent = words;
    else element.before(el('div', { class: 'day' }, words));
    before = words;
  }
  // Left behind by turns that were removed.
  for (const separator of log.querySelectorAll(':scope > .day')) if (!separator.nextElementSibling?.classList.contains('turn')) separator.remove();
}
