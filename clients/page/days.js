import { el } from './dom.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** @param {Date} at */
export function timeOf(at) {
  return el('time', { class: 'quiet', dateTime: at.toISOString(), title: at.toLocaleString() }, time.format(at));
}

/**
 * Puts the day above the first turn of each day but today's first.
 * @param {Iterable<{ element: HTMLElement, at: Date }>} entries In their order on the page.
 */
export function markDays(entries) {
  const today = day.format(new Date());
  let before = 'Today';
  for (const { element, at } of entries) {
    const words = day.format(at) === today ? 'Today' : day.format(at);
    const separator = element.querySelector(':scope > .day');
    if (words === before) separator?.remove();
    else if (separator) separator.textContent = words;
    else element.prepend(el('div', { class: 'day' }, words));
    before = words;
  }
}
