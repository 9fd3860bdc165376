import type { ChatEvents, ChatOptions, ChatState, SendOptions, StateChange } from './options.js';
import type { Turn } from './turn.js';
/** One conversation over one socket. Reconnects whenever the socket breaks, without a gap or a repetition in any answer. */
export declare class ChatClient {
    #private;
    readonly options: Readonly<ChatOptions>;
    constructor(options: ChatOptions);
    get state(): ChatState;
    /** The latest change of the state, with its reason. */
    get stateChange(): StateChange;
    /** Turns that have not ended, in the order in which this client met them. */
    get running(): readonly Turn[];
    /** Adds a listener; the returned function removes it. */
    on<K extends keyof ChatEvents>(type: K, listener: (event: ChatEvents[K]) => void): () => void;
    /** Connects, and stays connected until `close`. May be called again after a refusal. */
    connect(): void;
    /** Drops the socket, if any, and reconnects at once. Turns continue. */
    reconnect(): void;
    /** Closes. Running turns continue in the gateway, where another client can follow them; here they end as `left`. */
    close(): void;
    /** Sends a message. May be called in any state: the message is sent once there is a connection. */
    send(text: string, options?: SendOptions): Turn;
    /** Follows a turn by the gateway's id, for example from the history. Running or ended, its text is sent from the beginning. */
    follow(turnId: string): Turn;
}
