import { expiryOf } from './credentials.js';
import { Turn } from './turn.js';
import { closeCodes, subprotocol } from './wire.js';
const steady = 5_000;
const keptTurns = 200;
export class ChatClient {
    state = 'closed';
    #options;
    #url;
    #listeners = {};
    #turns = new Map();
    #socket;
    #timer;
    #refresh;
    #round = 0;
    #failures = 0;
    #openSince = 0;
    #shown = '';
    #refused = '';
    #why = {};
    #held = [];
    #online = () => this.state === 'waiting' && this.reconnect();
    constructor(options) {
        this.#options = options;
        const url = new URL(`/chat/ws/${options.conversationId}`, options.url);
        url.protocol = url.protocol.replace('http', 'ws');
        this.#url = url.href;
    }
    on(type, listener) {
        const listeners = (this.#listeners[type] ??= new Set());
        listeners.add(listener);
        return () => listeners.delete(listener);
    }
    connect() {
        if (this.state === 'closed' || this.state === 'refused')
            this.reconnect();
    }
    reconnect() {
        globalThis.addEventListener?.('online', this.#online);
        this.#failures = 0;
        this.#refused = '';
        this.#drop();
        void this.#open();
    }
    close() {
        globalThis.removeEventListener?.('online', this.#online);
        this.#drop();
        const left = [...this.#turns.keys()].filter(turn => !turn.isEnded);
        this.#turns.clear();
        this.#become({ state: 'closed' });
        for (const turn of left)
            this.#end(turn, 'left');
    }
    send(text, options = {}) {
        const turn = this.#add(true);
        const agentId = options.agentId ?? this.#options.agentId;
        turn.messageId = options.messageId ?? crypto.randomUUID();
        const frame = { type: 'message', text, ...(agentId && { agentId }), ...options, messageId: turn.messageId };
        this.#turns.get(turn).frame = frame;
        this.#emit('turn', turn);
        this.#bring(turn);
        return turn;
    }
    follow(turnId) {
        const known = this.#find(turnId);
        const turn = this.#named(turnId);
        if (!known)
            this.#bring(turn);
        return turn;
    }
    async #open() {
        const round = this.#round;
        this.#become({ state: 'connecting' });
        try {
            const credentials = await this.#credentials();
            if (round !== this.#round)
                return;
            this.#shown = JSON.stringify(credentials);
            if (this.#shown === this.#refused)
                return this.#become({ ...this.#why, state: 'refused' });
            const Socket = this.#options.WebSocket ?? WebSocket;
            const socket = (this.#socket = new Socket(this.#url, subprotocol));
            this.#timer = setTimeout(() => this.#lost(1006), this.#options.connectTimeout ?? 10_000);
            socket.onopen = () => socket === this.#socket && this.#authenticate(credentials);
            socket.onmessage = event => socket === this.#socket && this.#receive(JSON.parse(event.data));
            socket.onclose = event => socket === this.#socket && this.#lost(event.code);
        }
        catch (error) {
            if (round !== this.#round)
                return;
            this.#why.error = error;
            this.#lost(1006);
        }
    }
    async #credentials() {
        const { credentials } = this.#options;
        return typeof credentials === 'function' ? await credentials() : credentials;
    }
    #authenticate(credentials) {
        const { expiresAt: _, ...shown } = credentials;
        this.#write({ type: 'auth', ...shown });
        const left = (expiryOf(credentials) ?? NaN) - Date.now();
        if (!(left > 0))
            return;
        const before = Math.min(this.#options.refreshBefore ?? 30_000, left / 5);
        this.#refresh = setTimeout(() => void this.#renew(), Math.min(left - before, 2 ** 31 - 1));
    }
    async #renew() {
        const round = this.#round;
        try {
            const credentials = await this.#credentials();
            const shown = JSON.stringify(credentials);
            if (round !== this.#round || this.state !== 'open')
                return;
            if (shown === this.#shown)
                return;
            this.#shown = shown;
            this.#authenticate(credentials);
        }
        catch {
            if (round === this.#round)
                this.#refresh = setTimeout(() => void this.#renew(), this.#pause());
        }
    }
    #drop() {
        this.#round++;
        clearTimeout(this.#timer);
        clearTimeout(this.#refresh);
        const socket = this.#socket;
        this.#socket = undefined;
        socket?.close(1000);
    }
    #lost(code) {
        this.#drop();
        if (this.#openSince && Date.now() - this.#openSince >= steady)
            this.#failures = 0;
        this.#openSince = 0;
        let again = Object.values(closeCodes).find(known => known.code === code)?.again ?? 'backoff';
        this.#why.code = code;
        if (code === closeCodes.frameTooBig.code)
            this.#refuseBiggest();
        if (again === 'credentials') {
            if (this.#refused || typeof this.#options.credentials !== 'function')
                again = 'no';
            this.#refused = this.#shown;
        }
        if (again === 'no') {
            this.#become({ ...this.#why, state: code === closeCodes.normal.code ? 'closed' : 'refused' });
            return;
        }
        const retryIn = again === 'soon' && !this.#failures ? Math.random() * 1000 : again === 'later' ? this.#pause(1e6) : this.#pause();
        this.#failures++;
        this.#timer = setTimeout(() => void this.#open(), retryIn);
        this.#become({ ...this.#why, state: 'waiting', retryIn });
    }
    #pause(failures = this.#failures) {
        const { minBackoff = 250, maxBackoff = 10_000 } = this.#options;
        return Math.min(minBackoff * 2 ** Math.min(failures, 30), maxBackoff) * (0.5 + Math.random() / 2);
    }
    #receive(frame) {
        this.#emit('frame', { sent: false, frame });
        switch (frame.type) {
            case 'ready': {
                clearTimeout(this.#timer);
                this.#why = {};
                this.#refused = '';
                this.#openSince = Date.now();
                const unsure = [...this.#turns].some(([turn, { written }]) => written && turn.status === 'sending');
                this.#held = frame.active.map(active => active.turn_id);
                this.#become({ state: 'open' });
                for (const turn of this.#turns.keys())
                    this.#bring(turn);
                if (!unsure)
                    this.#followHeld();
                break;
            }
            case 'typing': {
                const sent = this.#find(undefined, frame.message_id);
                if (sent)
                    sent.id = frame.turn_id;
                const turn = this.#named(frame.turn_id);
                turn.messageId ??= frame.message_id;
                if (turn.status === 'sending')
                    turn.status = 'answering';
                turn.error = undefined;
                this.#emit('update', turn);
                this.#followHeld();
                break;
            }
            case 'chunk': {
                const turn = this.#named(frame.turn_id);
                if (turn.isEnded || frame.attempt < turn.attempt)
                    break;
                if (frame.attempt > turn.attempt)
                    this.#restart(turn, frame.attempt);
                if (frame.seq !== undefined) {
                    if (frame.seq <= turn.seq)
                        break;
                    turn.seq = frame.seq;
                }
                turn.append(frame.text);
                this.#emit('update', turn);
                break;
            }
            case 'reset':
                this.#restart(this.#named(frame.turn_id), frame.attempt);
                break;
            case 'done': {
                const turn = this.#named(frame.turn_id);
                if (turn.isEnded)
                    break;
                turn.attempt = frame.attempt;
                turn.replace(frame.text);
                this.#end(turn, frame.reason);
                break;
            }
            case 'error':
                this.#complain(frame);
                this.#followHeld();
        }
    }
    #restart(turn, attempt) {
        if (turn.isEnded)
            return;
        turn.attempt = attempt;
        turn.seq = 0;
        turn.replace('');
        this.#emit('update', turn);
    }
    #complain(error) {
        const turn = this.#find(error.turn_id) ?? this.#find(undefined, error.message_id);
        if (!turn || turn.isEnded) {
            this.#why.error = error;
            this.#emit('error', error);
            return;
        }
        const sent = this.#turns.get(turn);
        if (error.retryable && sent.tries < (this.#options.retries ?? 5)) {
            turn.error = error;
            this.#emit('update', turn);
            const round = this.#round;
            const pause = this.#pause(sent.tries++) + (error.retry_after_ms ?? 0);
            setTimeout(() => round === this.#round && this.#bring(turn), pause);
        }
        else {
            this.#end(turn, 'refused', error);
        }
    }
    #bring(turn) {
        if (this.state !== 'open' || turn.isEnded)
            return;
        const sent = this.#turns.get(turn);
        if (sent.cancelled)
            this.#cancel(turn);
        if (turn.id)
            this.#write({ type: 'resume', turnId: turn.id, attempt: turn.attempt, after: turn.seq });
        else if (sent.frame)
            this.#write(sent.frame);
        sent.written = true;
    }
    #followHeld() {
        for (const turnId of this.#held.splice(0))
            this.follow(turnId);
    }
    #cancel(turn) {
        const sent = this.#turns.get(turn);
        if (sent)
            sent.cancelled = true;
        if (this.state === 'open')
            this.#write({ type: 'cancel', ...(turn.id ? { turnId: turn.id } : { messageId: turn.messageId }) });
    }
    #refuseBiggest() {
        const size = (turn) => JSON.stringify(this.#turns.get(turn).frame).length;
        const [turn] = [...this.#turns.keys()].filter(turn => turn.status === 'sending').sort((a, b) => size(b) - size(a));
        const error = { type: 'error', code: 'bad_frame', message: 'The message is too long.', retryable: false };
        if (turn)
            this.#end(turn, 'refused', error);
    }
    #end(turn, status, error) {
        turn.end(status, error);
        this.#emit('update', turn);
        const ended = [...this.#turns.keys()].filter(other => other.isEnded);
        for (const old of ended.slice(0, -keptTurns))
            this.#turns.delete(old);
    }
    #add(mine) {
        const turn = new Turn(mine, cancelled => this.#cancel(cancelled));
        this.#turns.set(turn, { tries: 0 });
        return turn;
    }
    #named(id) {
        const known = this.#find(id);
        if (known)
            return known;
        const turn = this.#add(false);
        turn.id = id;
        turn.status = 'answering';
        this.#emit('turn', turn);
        return turn;
    }
    #find(id, messageId) {
        for (const turn of this.#turns.keys())
            if ((id && turn.id === id) || (messageId && turn.messageId === messageId))
                return turn;
        return undefined;
    }
    #write(frame) {
        this.#socket.send(JSON.stringify(frame));
        this.#emit('frame', { sent: true, frame });
    }
    #become(change) {
        this.state = change.state;
        this.#emit('state', change);
    }
    #emit(type, event) {
        for (const listener of this.#listeners[type] ?? [])
            listener(event);
    }
}
