import { byId } from './dom.js';

const dialog = /** @type {HTMLDialogElement} */ (byId('dialog'));
const input = /** @type {HTMLInputElement} */ (byId('dialog-input'));

/**
 * @param {string} title
 * @returns {Promise<string | null>} Null: unchanged.
 */
export async function askForTitle(title) {
  input.value = title;
  const isWanted = await ask('Rename the conversation', '', 'Rename', true);
  return isWanted && input.value.trim() && input.value.trim() !== title ? input.value.trim() : null;
}

/** @param {string} title */
export function confirmDeletion(title) {
  return ask('Delete the conversation?', `“${title}” and its messages will be gone. An answer that is being written is stopped.`, 'Delete', false);
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @param {boolean} hasField
 * @returns {Promise<boolean>}
 */
function ask(title, text, yes, hasField) {
  byId('dialog-title').textContent = title;
  byId('dialog-text').textContent = text;
  byId('dialog-text').hidden = !text;
  byId('dialog-field').hidden = !hasField;
  byId('dialog-yes').textContent = yes;
  byId('dialog-yes').classList.toggle('danger', !hasField);
  dialog.returnValue = '';
  dialog.showModal();
  if (hasField) input.select();
  return new Promise(resolve => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }));
}
