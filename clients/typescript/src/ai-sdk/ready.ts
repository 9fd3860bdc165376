import type { ChatClient } from '../client.js';

/** Resolves once the client knows which turns run. Rejects when the gateway refuses it, when it is closed, or when the signal aborts. */
export function whenReady(client: ChatClient, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const { state, error } = client.stateChange;
      if (state === 'open') settle(resolve);
      else if (state === 'refused') settle(() => reject(error));
    };
    const abort = () => settle(() => reject(signal!.reason as Error));
    const closed = () => settle(() => reject(new DOMException('The client was closed.', 'AbortError')));
    const stop = client.on('state', ({ state }) => (state === 'closed' ? closed() : check()));
    const settle = (how: () => void) => {
      stop();
      signal?.removeEventListener('abort', abort);
      how();
    };
    signal?.addEventListener('abort', abort);
    check();
  });
}
