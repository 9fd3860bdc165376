import { Connection } from './connection.js';
import { Emitter } from './events.js';
import { Turns } from './turns.js';
export class ChatClient {
    options;
    #events = new Emitter();
    #connection;
    #turns;
    constructor(options) {
        this.options = options;
        this.#connection = new Connection(options, {
            stateChanged: change => this.#stateChanged(change),
            received: frame => this.#received(frame),
            sent: frame => this.#emitFrame(true, frame),
            lost: code => this.#turns.lost(code),
            invalidFrame: error => this.#events.emit('error', error),
        });
        this.#turns = new Turns(options, this.#events, { isOpen: () => this.state === 'open', send: frame => this.#connection.send(frame) });
    }
    get state() {
        return this.#connection.change.state;
    }
    get stateChange() {
        return this.#connection.change;
    }
    get running() {
        return this.#turns.running;
    }
    on(type, listener) {
        return this.#events.on(type, listener);
    }
    connect() {
        if (this.state === 'closed' || this.state === 'refused')
            this.reconnect();
    }
    reconnect() {
        this.#connection.open();
    }
    close() {
        this.#connection.close();
        this.#turns.leave();
    }
    send(text, options = {}) {
        return this.#turns.send(text, options);
    }
    follow(turnId) {
        return this.#turns.follow(turnId);
    }
    #received(frame) {
        this.#emitFrame(false, frame);
        if (frame.type === 'ready')
            this.#events.emit('state', this.stateChange);
        this.#turns.receive(frame);
    }
    #stateChanged(change) {
        this.#turns.refuse(change.state === 'refused' ? (change.error ?? new Error(`The gateway closed the connection with ${change.code}.`)) : undefined);
        this.#events.emit('state', change);
    }
    #emitFrame(sent, frame) {
        this.#events.emit('frame', { sent, frame });
    }
}
