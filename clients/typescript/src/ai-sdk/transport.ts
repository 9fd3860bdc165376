import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import type { ChatClient } from '../client.js';
import { readMessages, type PageOptions, type StoredMessage } from '../history/index.js';
import { whenReady } from './ready.js';
import { streamOf } from './stream.js';

/**
 * Lets `useChat` of the AI SDK talk to a gateway. The client belongs to the caller, who connects and closes it. Errors reach `useChat` as the client's own,
 * with their codes.
 */
export class KonstructTransport<Message extends UIMessage = UIMessage> implements ChatTransport<Message> {
  /** A resumed stream begins with the first word of the answer. */
  readonly resumeStreamIsReplay = true;

  #client: ChatClient;
  #pendingTurn: string | undefined;
  #reconnects = 0;

  constructor(client: ChatClient) {
    this.#client = client;
  }

  /** Sends the last question, also to regenerate its answer. Aborting cancels the turn. */
  async sendMessages({ messages, abortSignal }: Parameters<ChatTransport<Message>['sendMessages']>[0]): Promise<ReadableStream<UIMessageChunk>> {
    const question = messages.findLast(message => message.role === 'user');
    const text = question?.parts.map(part => (part.type === 'text' ? part.text : '')).join('') ?? '';
    return streamOf(this.#client.send(text, { signal: abortSignal }));
  }

  /** Resumes the newest turn that runs, whoever began it, or that `loadMessages` found unanswered; null: there is none. */
  async reconnectToStream({
    abortSignal: signal,
  }: Parameters<ChatTransport<Message>['reconnectToStream']>[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    const reconnect = ++this.#reconnects;
    await whenReady(this.#client, signal);
    const turn = this.#pendingTurn ? this.#client.follow(this.#pendingTurn) : this.#client.running.at(-1);
    this.#pendingTurn = undefined;
    if (!turn) return null;
    // useChat also aborts a stream to resume it again, at once. That is not a wish to stop the answer.
    signal?.addEventListener('abort', () => setTimeout(() => reconnect === this.#reconnects && turn.cancel()));
    return streamOf(turn);
  }

  /**
   * A page of the history, oldest message first, for `setMessages`. An answer that is being written is left out: `resumeStream` brings it, under the same id.
   * @throws {ChatError} as `readMessages` does.
   */
  async loadMessages(page?: PageOptions): Promise<UIMessage[]> {
    const { items } = await readMessages(this.#client.options, page);
    this.#pendingTurn = items.find(({ status }) => status === 'pending')?.turn_id;
    return items.filter(({ role, status }) => role === 'user' || status !== 'pending').toReversed().map(messageOf);
  }
}

function messageOf({ id, turn_id, role, content, status }: StoredMessage): UIMessage {
  return { id: role === 'user' ? id : turn_id, role, metadata: { turnId: turn_id, status }, parts: [{ type: 'text', text: content }] };
}
