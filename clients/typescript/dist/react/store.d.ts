import type { ChatOptions, SendOptions } from '../options.js';
import type { Turn } from '../turn.js';
import { type ConversationSnapshot } from './message.js';
/** One conversation as an external store: the history and the turns of the socket, in one list. */
export declare class ConversationStore {
    #private;
    /** Names the conversation that it is for. */
    readonly key: string;
    constructor(key: string);
    /** Takes the latest options of the component; credentials are asked for at each connection. */
    configure(options: ChatOptions): void;
    subscribe: (listener: () => void) => (() => void);
    getSnapshot: () => ConversationSnapshot;
    /** Connects and reads the newest page; the returned function closes. */
    open: () => (() => void);
    send: (text: string, options?: SendOptions) => Turn | undefined;
    stop: () => void;
    /** Asks the question of a message again. A refused question is replaced, a failed answer stays. */
    retry: (messageId: string) => Turn | undefined;
    loadOlder: () => Promise<void>;
    reconnect: () => void;
}
