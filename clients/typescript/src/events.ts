/** Listeners by event type. */
export class Emitter<Events> {
  #listeners: { [K in keyof Events]?: Set<(event: Events[K]) => void> } = {};

  on<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): () => void {
    const listeners: Set<(event: Events[K]) => void> = (this.#listeners[type] ??= new Set() as never);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** A listener that throws stops neither the others nor the client. Its error is reported as uncaught, as an EventTarget does. */
  emit<K extends keyof Events>(type: K, event: Events[K]): void {
    for (const listener of [...((this.#listeners[type] as Set<(event: Events[K]) => void>) ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
