const keptEndedTurns = 200;
export class TurnIndex {
    #open = new Set();
    #ended = [];
    #byId = new Map();
    #byMessageId = new Map();
    get open() {
        return [...this.#open];
    }
    get unsure() {
        return this.open.filter(turn => turn.isWritten && turn.status === 'sending');
    }
    byId(id) {
        return id === undefined ? undefined : this.#byId.get(id);
    }
    byMessageId(messageId) {
        return messageId === undefined ? undefined : this.#byMessageId.get(messageId);
    }
    put(turn) {
        if (!turn.isEnded)
            this.#open.add(turn);
        if (turn.id !== undefined)
            this.#byId.set(turn.id, turn);
        if (turn.mine)
            this.#byMessageId.set(turn.messageId, turn);
    }
    ended(turn) {
        this.#open.delete(turn);
        this.#ended.push(turn);
        if (this.#ended.length <= keptEndedTurns)
            return;
        const oldest = this.#ended.shift();
        if (this.byId(oldest.id) === oldest)
            this.#byId.delete(oldest.id);
        if (this.byMessageId(oldest.messageId) === oldest)
            this.#byMessageId.delete(oldest.messageId);
    }
    clear() {
        this.#byId.clear();
        this.#byMessageId.clear();
        this.#ended = [];
    }
}
