import { credentialsFrom } from '../credentials.js';
import { ChatError } from '../error.js';
const codes = {
    401: 'auth_invalid_token',
    403: 'auth_invalid_token',
    404: 'conversation_not_found',
    429: 'too_many_requests',
};
export async function readMessages({ url, conversationId, credentials }, { cursor, limit = 50, signal } = {}) {
    const address = new URL(`/chat/conversations/${conversationId}/messages?limit=${limit}`, url);
    address.protocol = address.protocol.replace('ws', 'http');
    if (cursor)
        address.searchParams.set('cursor', cursor);
    const given = await credentialsFrom(credentials);
    let response;
    try {
        response = await fetch(address, { headers: headersOf(given), signal: signal ?? null });
        if (response.ok)
            return (await response.json());
    }
    catch (error) {
        signal?.throwIfAborted();
        throw new ChatError('unavailable', `The messages could not be read: ${error.message}`, true);
    }
    const problem = (await response.json().catch(() => null));
    const code = codes[response.status] ?? 'unavailable';
    throw new ChatError(code, problem?.detail ?? `The gateway answered ${response.status}.`, response.status === 429 || response.status >= 500);
}
function headersOf({ token, userId, tenantId, role }) {
    if (token)
        return { Authorization: `Bearer ${token}` };
    return { 'X-User-Id': userId ?? '', 'X-Tenant-Id': tenantId ?? '', ...(role && { 'X-Role': role }) };
}
