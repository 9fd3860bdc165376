import type { ChatOptions } from '../options.js';
import type { TurnReason } from '../wire.js';
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
/**
 * Reads a page of a conversation's messages.
 * @throws {ChatError} with the code that the socket has for the same refusal, or `unavailable` when there is no answer.
 */
export declare function readMessages({ url, conversationId, credentials }: Pick<ChatOptions, 'url' | 'conversationId' | 'credentials'>, { cursor, limit, signal }?: PageOptions): Promise<MessagePage>;
