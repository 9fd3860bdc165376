export class Exchange {
    turnId;
    turn;
    question;
    answer;
    #key;
    #messages;
    constructor(key) {
        this.#key = key;
    }
    changed() {
        this.#messages = undefined;
    }
    get messages() {
        return (this.#messages ??= [...this.#question(), ...this.#answer()]);
    }
    *#question() {
        if (this.question === undefined)
            return;
        const { status, error, retryAt } = this.turn ?? {};
        const isSent = status !== 'sending' && status !== 'refused';
        yield { id: `${this.#key}?`, role: 'user', text: this.question, status: isSent ? 'sent' : status, error: isSent ? undefined : error, retryAt };
    }
    *#answer() {
        const { status, text, error } = this.turn ?? {};
        if (status === 'sending' || status === 'refused')
            return;
        if (status)
            yield { id: this.#key, role: 'assistant', text: text ?? '', status, error, retryAt: undefined };
        else if (this.answer && this.answer.status !== 'pending') {
            yield { id: this.#key, role: 'assistant', text: this.answer.content, status: this.answer.status, error: undefined, retryAt: undefined };
        }
    }
}
