export class ClientTurn {
    id;
    messageId;
    mine;
    status = 'sending';
    text = '';
    attempt = 0;
    seq = 0;
    error;
    retryAt;
    ended;
    frame;
    isWritten = false;
    isCancelled = false;
    retries = 0;
    retryTimer;
    #end;
    #wakeReaders = [];
    #replacements = 0;
    #cancel;
    constructor(mine, cancel) {
        this.mine = mine;
        this.#cancel = cancel;
        this.ended = new Promise(resolve => (this.#end = resolve));
    }
    get isEnded() {
        return this.status !== 'sending' && this.status !== 'answering';
    }
    cancel() {
        if (!this.isEnded)
            this.#cancel(this);
    }
    async *[Symbol.asyncIterator]() {
        let replacements = 0;
        let at = 0;
        for (;;) {
            const replaced = replacements !== this.#replacements;
            if (replaced || at < this.text.length) {
                const text = this.text;
                const delta = replaced ? text : text.slice(at);
                replacements = this.#replacements;
                at = text.length;
                yield { text, delta, replaced };
            }
            else if (this.isEnded) {
                return;
            }
            else {
                await new Promise(resolve => this.#wakeReaders.push(resolve));
            }
        }
    }
    append(text) {
        this.text += text;
        this.#changed();
    }
    replace(text) {
        if (!text.startsWith(this.text))
            this.#replacements++;
        this.text = text;
        this.#changed();
    }
    restart(attempt) {
        this.attempt = attempt;
        this.seq = 0;
        this.replace('');
    }
    end(status, error) {
        this.waitNoMore();
        this.status = status;
        this.error = error;
        this.#changed();
        this.#end(this);
    }
    waitNoMore() {
        clearTimeout(this.retryTimer);
        this.error = this.retryAt = undefined;
    }
    #changed() {
        for (const wake of this.#wakeReaders.splice(0))
            wake();
    }
}
