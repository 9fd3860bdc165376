import type { ChatClient } from '../client.js';

/** Resolves once the client knows which turns run. Rejects when the gateway refuses it, or when the signal aborts. */
export function whenReady(client: ChatClient, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const { state, error } = client.stateChange;
      if (state === 'open') settle(resolve);
      else if (state === 'refused') settle(() => reject(error));
    };
    const abort = () => settle(() => reject(signal!.reason as Error));
    const stop = client.on('state', check);
    const settle = (how: () => void) => {
      stop();
      signal?.removeEventListener('abort', abort);
      how();
    };
    signal?.addEventListener('abort', abort);
    check();
  });
}
