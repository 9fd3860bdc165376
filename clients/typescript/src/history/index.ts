import { credentialsFrom, type Credentials } from '../credentials.js';
import { ChatError } from '../error.js';
import type { ChatOptions } from '../options.js';
import type { ErrorCode, TurnReason } from '../wire.js';

/** A message of the HTTP API: a question or its answer, which have the same `turn_id`. The content of a pending answer is empty. */
export interface StoredMessage {
  id: string;
  turn_id: string;
  role: 'user' | 'assistant';
  content: string;
  status: 'pending' | TurnReason;
  created_at: string;
}

/** Messages, newest first. `next` is the cursor of the page before it in time; null: there is none. */
export interface MessagePage {
  items: StoredMessage[];
  next: string | null;
}

export interface PageOptions {
  /** `next` of the page read before. Default: the newest page. */
  cursor?: string | null | undefined;
  /** Number of messages, at most 100. Default 50. */
  limit?: number | undefined;
  signal?: AbortSignal | undefined;
}

const codes: Record<number, ErrorCode> = {
  401: 'auth_invalid_token',
  403: 'auth_invalid_token',
  404: 'conversation_not_found',
  429: 'too_many_requests',
};

/**
 * Reads a page of a conversation's messages.
 * @throws {ChatError} with the code that the socket has for the same refusal, or `unavailable` when there is no answer.
 */
export async function readMessages(
  { url, conversationId, credentials }: Pick<ChatOptions, 'url' | 'conversationId' | 'credentials'>,
  { cursor, limit = 50, signal }: PageOptions = {},
): Promise<MessagePage> {
  const address = new URL(`/chat/conversations/${conversationId}/messages?limit=${limit}`, url);
  address.protocol = address.protocol.replace('ws', 'http');
  if (cursor) address.searchParams.set('cursor', cursor);
  const given = await credentialsFrom(credentials);
  let response;
  try {
    response = await fetch(address, { headers: headersOf(given), signal: signal ?? null });
    if (response.ok) return (await response.json()) as MessagePage;
  } catch (error) {
    signal?.throwIfAborted();
    throw new ChatError('unavailable', `The messages could not be read: ${(error as Error).message}`, true);
  }
  const problem = (await response.json().catch(() => null)) as { detail?: string } | null;
  const code = codes[response.status] ?? 'unavailable';
  throw new ChatError(code, problem?.detail ?? `The gateway answered ${response.status}.`, response.status === 429 || response.status >= 500);
}

function headersOf({ token, userId, tenantId, role }: Credentials): Record<string, string> {
  if (token) return { Authorization: `Bearer ${token}` };
  return { 'X-User-Id': userId ?? '', 'X-Tenant-Id': tenantId ?? '', ...(role && { 'X-Role': role }) };
}
