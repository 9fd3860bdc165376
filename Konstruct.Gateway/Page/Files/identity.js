/** Who this tab is. Each tab may be somebody else, and stays it when it is loaded again. */

/** @typedef {{ userId: string, tenantId: string, role: string, token: string }} Person */

const key = 'konstruct.person';

/** @returns {Person | null} */
export function rememberedPerson() {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

/** @param {Person | null} person null: whom the gateway names. */
export function rememberPerson(person) {
  if (person) sessionStorage.setItem(key, JSON.stringify(person));
  else sessionStorage.removeItem(key);
}

/**
 * What the chat client is given, and a token's own view of who that is.
 * @param {Person} person
 */
export function credentialsOf(person) {
  return person.token ? { token: person.token } : { userId: person.userId, tenantId: person.tenantId, role: person.role };
}

/**
 * The ids that a token is about, for showing alone: the gateway verifies it.
 * @param {string} token
 * @returns {{ userId?: string, tenantId?: string, role?: string }}
 */
export function claimsOf(token) {
  try {
    const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')));
    return { userId: claims.sub, tenantId: claims.tenant_id, role: claims.role };
  } catch {
    return {};
  }
}
