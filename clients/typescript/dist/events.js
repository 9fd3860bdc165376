export class Emitter {
    #listeners = {};
    on(type, listener) {
        const listeners = (this.#listeners[type] ??= new Set());
        listeners.add(listener);
        return () => listeners.delete(listener);
    }
    emit(type, event) {
        for (const listener of [...(this.#listeners[type] ?? [])]) {
            try {
                listener(event);
            }
            catch (error) {
                queueMicrotask(() => {
                    throw error;
                });
            }
        }
    }
}
