export async function credentialsFrom(source) {
    const given = typeof source === 'function' ? await source() : source;
    if (!given)
        throw new TypeError('The credentials function returned nothing.');
    return given;
}
export function expiryOf(credentials) {
    if (credentials.expiresAt !== undefined)
        return credentials.expiresAt;
    try {
        const { exp } = JSON.parse(atob(credentials.token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
        return typeof exp === 'number' ? exp * 1000 : undefined;
    }
    catch {
        return undefined;
    }
}
