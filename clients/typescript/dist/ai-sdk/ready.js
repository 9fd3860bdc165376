export function whenReady(client, signal) {
    return new Promise((resolve, reject) => {
        const check = () => {
            const { state, error } = client.stateChange;
            if (state === 'open')
                settle(resolve);
            else if (state === 'refused')
                settle(() => reject(error));
        };
        const abort = () => settle(() => reject(signal.reason));
        const closed = () => settle(() => reject(new DOMException('The client was closed.', 'AbortError')));
        const stop = client.on('state', ({ state }) => (state === 'closed' ? closed() : check()));
        const settle = (how) => {
            stop();
            signal?.removeEventListener('abort', abort);
            how();
        };
        signal?.addEventListener('abort', abort);
        check();
    });
}
