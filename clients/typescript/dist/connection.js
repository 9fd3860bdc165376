import { backoff } from './backoff.js';
import { credentialsFrom, expiryOf } from './credentials.js';
import { ChatError } from './error.js';
import { parseFrame } from './frames.js';
import { Heartbeat } from './heartbeat.js';
import { closeCodes, subprotocol } from './wire.js';
const steady = 5_000;
const lostByNetwork = 1006;
export class Connection {
    change = { state: 'closed' };
    #options;
    #url;
    #listener;
    #socket;
    #round = 0;
    #timer;
    #renewal;
    #heartbeat = new Heartbeat({
        ping: () => this.send({ type: 'ping' }),
        dead: () => this.#lost(lostByNetwork, new ChatError('connection_lost', 'The gateway does not answer.', true)),
    });
    #failures = 0;
    #openSince = 0;
    #sentCredentials = '';
    #refusedCredentials = '';
    #code;
    #error;
    #online = () => {
        if (this.change.state === 'waiting')
            this.open();
        else
            this.#heartbeat.check();
    };
    constructor(options, listener) {
        this.#options = options;
        this.#listener = listener;
        const url = new URL(`/chat/ws/${options.conversationId}`, options.url);
        url.protocol = url.protocol.replace('http', 'ws');
        this.#url = url.href;
    }
    open() {
        globalThis.addEventListener?.('online', this.#online);
        this.#failures = 0;
        this.#refusedCredentials = '';
        this.#drop();
        void this.#connect();
    }
    close() {
        globalThis.removeEventListener?.('online', this.#online);
        this.#drop();
        this.#setState({ state: 'closed' });
    }
    send(frame) {
        this.#socket?.send(JSON.stringify(frame));
        this.#listener.sent(frame);
    }
    async #connect() {
        const round = this.#round;
        const limit = this.#options.connectTimeout ?? 10_000;
        this.#timer = setTimeout(() => this.#lost(lostByNetwork, new ChatError('connect_timeout', `No connection within ${limit} ms.`, true)), limit);
        this.#setState({ state: 'connecting' });
        let credentials;
        try {
            credentials = await credentialsFrom(this.#options.credentials);
            if (round !== this.#round)
                return;
            this.#sentCredentials = JSON.stringify(credentials);
        }
        catch (error) {
            if (round === this.#round)
                this.#lost(lostByNetwork, error);
            return;
        }
        if (this.#sentCredentials === this.#refusedCredentials)
            return this.#refuse();
        const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
        try {
            this.#listen((this.#socket = new WebSocket(this.#url, subprotocol)), credentials);
        }
        catch (error) {
            const reason = WebSocket ? error.message : 'This platform has no WebSocket. Pass a class as the option WebSocket, such as the one of the package ws.';
            this.#error = new ChatError('no_websocket', reason);
            this.#refuse();
        }
    }
    #listen(socket, credentials) {
        socket.onopen = () => socket === this.#socket && this.#authenticate(credentials);
        socket.onmessage = event => socket === this.#socket && this.#receive(event.data);
        socket.onclose = event => socket === this.#socket && this.#lost(event.code);
        socket.onerror = () => { };
    }
    #authenticate(credentials) {
        const { expiresAt: _, ...shown } = credentials;
        this.send({ type: 'auth', ...shown });
        const left = (expiryOf(credentials) ?? NaN) - Date.now();
        if (!(left > 0))
            return;
        const before = Math.min(this.#options.refreshBefore ?? 30_000, left / 5);
        this.#renewal = setTimeout(() => void this.#renew(), Math.min(left - before, 2 ** 31 - 1));
    }
    async #renew() {
        const round = this.#round;
        try {
            const credentials = await credentialsFrom(this.#options.credentials);
            const shown = JSON.stringify(credentials);
            if (round !== this.#round || this.change.state !== 'open')
                return;
            if (shown === this.#sentCredentials)
                return;
            this.#sentCredentials = shown;
            this.#authenticate(credentials);
        }
        catch {
            if (round === this.#round)
                this.#renewal = setTimeout(() => void this.#renew(), backoff(this.#failures, this.#options));
        }
    }
    #receive(data) {
        const frame = parseFrame(data);
        if (!frame) {
            const error = new ChatError('invalid_frame', 'The gateway sent something that is not a frame.', true);
            this.#listener.invalidFrame(error);
            return this.#lost(lostByNetwork, error);
        }
        this.#heartbeat.heard();
        if (frame.type === 'ready') {
            clearTimeout(this.#timer);
            this.#code = this.#error = undefined;
            this.#refusedCredentials = '';
            this.#openSince = Date.now();
            this.#heartbeat.start(frame.ping_ms);
            this.change = { state: 'open' };
        }
        else if (frame.type === 'error' && !frame.turn_id && !frame.message_id) {
            this.#error = ChatError.of(frame);
        }
        this.#listener.received(frame);
    }
    #drop() {
        this.#round++;
        clearTimeout(this.#timer);
        clearTimeout(this.#renewal);
        this.#heartbeat.stop();
        const socket = this.#socket;
        this.#socket = undefined;
        socket?.close(closeCodes.normal.code);
    }
    #lost(code, error) {
        this.#drop();
        if (this.#openSince && Date.now() - this.#openSince >= steady)
            this.#failures = 0;
        this.#openSince = 0;
        this.#code = code;
        this.#error = error ?? this.#error;
        this.#listener.lost(code);
        let again = Object.values(closeCodes).find(known => known.code === code)?.again ?? 'backoff';
        if (again === 'credentials') {
            if (this.#refusedCredentials || typeof this.#options.credentials !== 'function')
                again = 'no';
            this.#refusedCredentials = this.#sentCredentials;
        }
        if (again === 'no')
            return this.#refuse();
        const retryIn = again === 'soon' && !this.#failures ? Math.random() * 1000 : backoff(again === 'later' ? Infinity : this.#failures, this.#options);
        this.#failures++;
        this.#timer = setTimeout(() => void this.#connect(), retryIn);
        this.#setState({ state: 'waiting', code, ...(this.#error && { error: this.#error }), retryIn });
    }
    #refuse() {
        this.#drop();
        this.#setState({ state: 'refused', ...(this.#code && { code: this.#code }), ...(this.#error && { error: this.#error }) });
    }
    #setState(change) {
        this.change = change;
        this.#listener.stateChanged(change);
    }
}
