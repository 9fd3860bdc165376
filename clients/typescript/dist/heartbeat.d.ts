/** Notices a connection that lost all bytes without a close: asks after half of the gateway's interval of silence, gives up after all of it. */
export declare class Heartbeat {
    #private;
    constructor(actions: {
        ping: () => void;
        dead: () => void;
    });
    /** @param interval In milliseconds. Undefined: the gateway answers no pings. */
    start(interval?: number): void;
    /** A frame arrived. */
    heard(): void;
    /** Asks at once, for example because the network has changed. */
    check(): void;
    stop(): void;
}
