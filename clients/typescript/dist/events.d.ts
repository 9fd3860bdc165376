/** Listeners by event type. */
export declare class Emitter<Events> {
    #private;
    on<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): () => void;
    /** A listener that throws stops neither the others nor the client. Its error is reported as uncaught, as an EventTarget does. */
    emit<K extends keyof Events>(type: K, event: Events[K]): void;
}
