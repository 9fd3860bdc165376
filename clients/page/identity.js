/** Identity of this tab. Each tab can have another one, and keeps it across reloads. */

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

/** @param {Person | null} person null: the gateway's default. */
export function rememberPerson(person) {
  if (person) sessionStorage.setItem(key, JSON.stringify(person));
  else sessionStorage.removeItem(key);
}

/**
 * Credentials for the chat client.
 * @param {Person} person
 */
export function credentialsOf(person) {
  return person.token ? { token: person.token } : { userId: person.userId, tenantId: person.tenantId, role: person.role };
}

/**
 * The ids in a token, for display only: the gateway verifies the token.
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
