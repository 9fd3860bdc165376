/** Identity of the client: a token, or only the ids where the gateway trusts its callers. */
export interface Credentials {
  token?: string;
  userId?: string;
  tenantId?: string;
  role?: string;
  /** Expiry in milliseconds since 1970. Default: the token's `exp`; without either, credentials are never refreshed. */
  expiresAt?: number;
}

/** Credentials, or a function that provides them, which is called for each connection and request. */
export type CredentialsSource = Credentials | (() => Credentials | Promise<Credentials>);

/** @throws {TypeError} when the function returns nothing. */
export async function credentialsFrom(source: CredentialsSource): Promise<Credentials> {
  const given = typeof source === 'function' ? await source() : source;
  if (!given) throw new TypeError('The credentials function returned nothing.');
  return given;
}

/** Expiry of credentials in milliseconds since 1970; undefined: unknown. The token is read, not verified: the gateway does that. */
export function expiryOf(credentials: Credentials): number | undefined {
  if (credentials.expiresAt !== undefined) return credentials.expiresAt;
  try {
    const { exp } = JSON.parse(atob(credentials.token!.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined; // No readable token: it may be opaque.
  }
}
