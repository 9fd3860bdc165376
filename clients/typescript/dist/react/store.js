import { ChatClient } from '../client.js';
import { credentialsFrom } from '../credentials.js';
import { readMessages } from '../history/index.js';
import { newUuid } from '../text.js';
import { Exchange } from './message.js';
const nothing = { messages: [], status: { state: 'closed' }, isBusy: false, hasOlder: false, historyError: undefined };
export class ConversationStore {
    key;
    #options;
    #client;
    #exchanges = [];
    #byTurn = new Map();
    #byTurnId = new Map();
    #older;
    #historyError;
    #asking;
    #snapshot = nothing;
    #listeners = new Set();
    constructor(key) {
        this.key = key;
    }
    configure(options) {
        this.#options = options;
    }
    subscribe = (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    };
    getSnapshot = () => this.#snapshot;
    open = () => {
        const client = (this.#client = new ChatClient({ ...this.#given, credentials: () => credentialsFrom(this.#given.credentials) }));
        this.#exchanges = [];
        this.#older = undefined;
        this.#byTurn.clear();
        this.#byTurnId.clear();
        client.on('turn', turn => this.#begin(turn));
        client.on('update', turn => this.#update(turn));
        client.on('state', ({ state }) => {
            if (state === 'open' && this.#historyError)
                void this.#read(null);
            this.#publish();
        });
        client.connect();
        void this.#read(null);
        return () => {
            this.#client = undefined;
            client.close();
        };
    };
    send = (text, options) => {
        this.#asking = text;
        const turn = this.#client?.send(text, options);
        this.#asking = undefined;
        return turn;
    };
    stop = () => {
        for (const turn of this.#client?.running ?? [])
            turn.cancel();
    };
    retry = (messageId) => {
        const exchange = this.#exchanges.find(({ messages }) => messages.some(message => message.id === messageId));
        if (exchange?.question === undefined)
            return undefined;
        if (exchange.turn?.status === 'refused')
            this.#exchanges = this.#exchanges.filter(other => other !== exchange);
        return this.send(exchange.question);
    };
    loadOlder = async () => {
        if (this.#older)
            await this.#read(this.#older);
    };
    reconnect = () => this.#client?.reconnect();
    get #given() {
        if (!this.#options)
            throw new Error('The store has no options.');
        return this.#options;
    }
    async #read(cursor) {
        const client = this.#client;
        try {
            const { items, next } = await readMessages(this.#given, { cursor });
            if (client !== this.#client)
                return;
            const at = cursor ? 0 : this.#exchanges.findIndex(exchange => exchange.turn);
            let index = at < 0 ? this.#exchanges.length : at;
            for (const message of items.toReversed())
                index += this.#place(message, index);
            if (cursor || this.#older === undefined)
                this.#older = next;
            this.#historyError = undefined;
            for (const { status, turn_id } of items)
                if (status === 'pending')
                    client?.follow(turn_id);
        }
        catch (error) {
            if (client === this.#client)
                this.#historyError = error;
        }
        this.#publish();
    }
    #place(message, index) {
        const known = this.#byTurnId.get(message.turn_id);
        const exchange = known ?? this.#add(message.turn_id, index);
        this.#name(exchange, message.turn_id);
        if (message.role === 'user')
            exchange.question ??= message.content;
        else
            exchange.answer = message;
        exchange.changed();
        return known ? 0 : 1;
    }
    #begin(turn) {
        const exchange = this.#byTurnId.get(turn.id ?? '') ?? this.#add(turn.id ?? newUuid(), this.#exchanges.length);
        exchange.turn = turn;
        exchange.question ??= this.#asking;
        this.#byTurn.set(turn, exchange);
        this.#update(turn);
        if (exchange.question === undefined)
            void this.#read(null);
    }
    #update(turn) {
        const exchange = this.#byTurn.get(turn);
        if (!exchange)
            return;
        if (turn.id)
            this.#name(exchange, turn.id);
        exchange.changed();
        this.#publish();
    }
    #add(key, index) {
        const exchange = new Exchange(key);
        this.#exchanges.splice(index, 0, exchange);
        return exchange;
    }
    #name(exchange, turnId) {
        const twin = this.#byTurnId.get(turnId);
        if (twin !== exchange)
            this.#exchanges = this.#exchanges.filter(other => other !== twin);
        exchange.turnId = turnId;
        this.#byTurnId.set(turnId, exchange);
    }
    #publish() {
        const client = this.#client;
        this.#snapshot = {
            messages: this.#exchanges.flatMap(exchange => exchange.messages),
            status: client?.stateChange ?? { state: 'closed' },
            isBusy: (client?.running.length ?? 0) > 0,
            hasOlder: !!this.#older,
            historyError: this.#historyError,
        };
        for (const listener of this.#listeners)
            listener();
    }
}
