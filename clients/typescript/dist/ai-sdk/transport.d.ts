import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import type { ChatClient } from '../client.js';
import { type PageOptions } from '../history/index.js';
/**
 * Lets `useChat` of the AI SDK talk to a gateway. The client belongs to the caller, who connects and closes it. Errors reach `useChat` as the client's own,
 * with their codes.
 */
export declare class KonstructTransport<Message extends UIMessage = UIMessage> implements ChatTransport<Message> {
    #private;
    /** A resumed stream begins with the first word of the answer. */
    readonly resumeStreamIsReplay = true;
    constructor(client: ChatClient);
    /** Sends the last question, also to regenerate its answer. Aborting cancels the turn. */
    sendMessages({ messages, abortSignal }: Parameters<ChatTransport<Message>['sendMessages']>[0]): Promise<ReadableStream<UIMessageChunk>>;
    /** Resumes the newest turn that runs, whoever began it, or that `loadMessages` found unanswered; null: there is none. */
    reconnectToStream({ abortSignal: signal, }: Parameters<ChatTransport<Message>['reconnectToStream']>[0]): Promise<ReadableStream<UIMessageChunk> | null>;
    /**
     * A page of the history, oldest message first, for `setMessages`. An answer that is being written is left out: `resumeStream` brings it, under the same id.
     * @throws {ChatError} as `readMessages` does.
     */
    loadMessages(page?: PageOptions): Promise<UIMessage[]>;
}
