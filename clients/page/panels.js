import { byId } from './dom.js';

/**
 * The list at the side, which a narrow window hides.
 * @param {boolean} isOpen
 */
export function showSide(isOpen) {
  byId('app').classList.toggle('side-open', isOpen);
}

export function isSideOpen() {
  return byId('app').classList.contains('side-open');
}

/**
 * The developer's drawer.
 * @param {boolean} isOpen
 * @param {string} [focus] The id of what gets the focus.
 */
export function showDrawer(isOpen, focus) {
  byId('drawer').hidden = !isOpen;
  byId('app').classList.toggle('drawer-open', isOpen);
  byId('drawer-toggle').setAttribute('aria-expanded', String(isOpen));
  sessionStorage.setItem('konstruct.drawer', String(isOpen));
  if (isOpen) byId(focus ?? 'drawer-content').focus();
  else byId('drawer-toggle').focus();
}

/** Makes the buttons of both work. */
export function startPanels() {
  for (const button of document.querySelectorAll('[data-do]')) {
    button.addEventListener('click', () => {
      if (button.getAttribute('data-do') === 'side') showSide(!isSideOpen());
      else showDrawer(byId('drawer').hidden !== false);
    });
  }
}

/** Opens the drawer again if it was open before a reload, and there is room. */
export function restoreDrawer() {
  if (sessionStorage.getItem('konstruct.drawer') === 'true' && matchMedia('(width >= 1100px)').matches) showDrawer(true);
}
