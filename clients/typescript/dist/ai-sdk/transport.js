import { readMessages } from '../history/index.js';
import { whenReady } from './ready.js';
import { streamOf } from './stream.js';
export class KonstructTransport {
    resumeStreamIsReplay = true;
    #client;
    #pendingTurn;
    #reconnects = 0;
    constructor(client) {
        this.#client = client;
    }
    async sendMessages({ messages, abortSignal }) {
        const question = messages.findLast(message => message.role === 'user');
        const text = question?.parts.map(part => (part.type === 'text' ? part.text : '')).join('') ?? '';
        return streamOf(this.#client.send(text, { signal: abortSignal }));
    }
    async reconnectToStream({ abortSignal: signal, }) {
        const reconnect = ++this.#reconnects;
        await whenReady(this.#client, signal);
        const turn = this.#pendingTurn ? this.#client.follow(this.#pendingTurn) : this.#client.running.at(-1);
        this.#pendingTurn = undefined;
        if (!turn)
            return null;
        signal?.addEventListener('abort', () => setTimeout(() => reconnect === this.#reconnects && turn.cancel()));
        return streamOf(turn);
    }
    async loadMessages(page) {
        const { items } = await readMessages(this.#client.options, page);
        this.#pendingTurn = items.find(({ status }) => status === 'pending')?.turn_id;
        return items.filter(({ role, status }) => role === 'user' || status !== 'pending').toReversed().map(messageOf);
    }
}
function messageOf({ id, turn_id, role, content, status }) {
    return { id: role === 'user' ? id : turn_id, role, metadata: { turnId: turn_id, status }, parts: [{ type: 'text', text: content }] };
}
