export class ChatError extends Error {
    name = 'ChatError';
    code;
    retryable;
    constructor(code, message, retryable = false) {
        super(message);
        this.code = code;
        this.retryable = retryable;
    }
    static of(frame) {
        return new ChatError(frame.code, frame.message, frame.retryable);
    }
}
