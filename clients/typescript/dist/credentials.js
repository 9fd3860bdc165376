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
