import { backoff } from './backoff.js';
import { ClientTurn } from './client-turn.js';
import { ChatError } from './error.js';
import { byteLength, newUuid, toStorable } from './text.js';
import { TurnIndex } from './turn-index.js';
import { closeCodes } from './wire.js';
export class Turns {
    #options;
    #events;
    #link;
    #index = new TurnIndex();
    #unclaimed = [];
    #refusal;
    constructor(options, events, link) {
        this.#options = options;
        this.#events = events;
        this.#link = link;
    }
    get running() {
        return this.#index.open;
    }
    send(text, { signal, ...given }) {
        const messageId = toStorable(given.messageId ?? newUuid());
        const known = this.#index.byMessageId(messageId);
        if (known)
            return known;
        const turn = new ClientTurn(true, cancelled => this.#cancel(cancelled));
        const agentId = given.agentId ?? this.#options.agentId;
        turn.messageId = messageId;
        turn.frame = { type: 'message', text, ...given, ...(agentId && { agentId }), messageId };
        this.#index.put(turn);
        this.#events.emit('turn', turn);
        if (signal)
            cancelOnAbort(turn, signal);
        this.#start(turn);
        return turn;
    }
    follow(turnId) {
        const known = this.#index.byId(turnId);
        if (known)
            return known;
        const turn = this.#named(turnId);
        this.#start(turn);
        return turn;
    }
    lost(code) {
        const { unsure } = this.#index;
        if (code === closeCodes.frameTooBig.code) {
            const size = (turn) => byteLength(JSON.stringify(turn.frame));
            const [biggest] = unsure.toSorted((a, b) => size(b) - size(a));
            if (biggest)
                this.#end(biggest, 'refused', new ChatError('frame_too_big', 'The message is too long.'));
        }
        else if (code === closeCodes.internalError.code) {
            for (const turn of unsure) {
                if (turn.retries++ < this.#maxRetries)
                    continue;
                this.#end(turn, 'refused', new ChatError('gateway_failed', 'The gateway failed, each time that it got this message.'));
            }
        }
    }
    refuse(error) {
        this.#refusal = error;
        if (!error)
            return;
        for (const turn of this.running)
            this.#endRefused(turn);
    }
    leave() {
        const left = this.running;
        this.#index.clear();
        for (const turn of left)
            this.#end(turn, 'left');
    }
    receive(frame) {
        switch (frame.type) {
            case 'ready': {
                this.#unclaimed = frame.active.map(active => active.turn_id);
                const { unsure } = this.#index;
                for (const turn of this.running)
                    if (turn.retryAt === undefined)
                        this.#resume(turn);
                if (unsure.length === 0)
                    this.#followUnclaimed();
                break;
            }
            case 'typing':
                this.#acknowledge(frame.turn_id, frame.message_id);
                this.#followUnclaimed();
                break;
            case 'chunk': {
                const turn = this.#named(frame.turn_id);
                if (turn.isEnded || frame.attempt < turn.attempt)
                    break;
                if (frame.attempt > turn.attempt)
                    turn.restart(frame.attempt);
                if (frame.seq !== undefined) {
                    if (frame.seq <= turn.seq)
                        break;
                    turn.seq = frame.seq;
                }
                turn.append(frame.text);
                this.#events.emit('update', turn);
                break;
            }
            case 'reset': {
                const turn = this.#named(frame.turn_id);
                if (turn.isEnded)
                    break;
                turn.restart(frame.attempt);
                this.#events.emit('update', turn);
                break;
            }
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
                this.#refused(frame);
                this.#followUnclaimed();
        }
    }
    get #maxRetries() {
        return this.#options.retries ?? 5;
    }
    #acknowledge(turnId, messageId) {
        const sent = this.#index.byMessageId(messageId);
        if (sent && sent.id === undefined) {
            const twin = this.#index.byId(turnId);
            sent.id = turnId;
            this.#index.put(sent);
            if (twin && !twin.isEnded)
                this.#end(twin, 'left');
        }
        const turn = this.#named(turnId);
        turn.messageId ??= messageId;
        if (turn.isEnded)
            return;
        turn.waitNoMore();
        turn.status = 'answering';
        this.#events.emit('update', turn);
    }
    #refused(frame) {
        const turn = this.#index.byId(frame.turn_id) ?? this.#index.byMessageId(frame.message_id);
        const error = ChatError.of(frame);
        if (!turn || turn.isEnded)
            return this.#events.emit('error', error);
        if (!frame.retryable)
            return this.#end(turn, 'refused', error);
        if (turn.retries >= this.#maxRetries)
            return this.#end(turn, turn.id ? 'left' : 'refused', error);
        const pause = backoff(turn.retries++, this.#options) + (frame.retry_after_ms ?? 0);
        turn.waitNoMore();
        turn.error = error;
        turn.retryAt = Date.now() + pause;
        turn.retryTimer = setTimeout(() => {
            turn.waitNoMore();
            this.#events.emit('update', turn);
            this.#resume(turn);
        }, pause);
        this.#events.emit('update', turn);
    }
    #start(turn) {
        if (this.#refusal && !turn.isEnded)
            this.#endRefused(turn);
        this.#resume(turn);
    }
    #resume(turn) {
        if (!this.#link.isOpen() || turn.isEnded)
            return;
        if (turn.isCancelled)
            this.#sendCancel(turn);
        if (turn.id !== undefined)
            this.#link.send({ type: 'resume', turnId: turn.id, attempt: turn.attempt, after: turn.seq });
        else if (turn.frame)
            this.#link.send(turn.frame);
        turn.isWritten = true;
    }
    #followUnclaimed() {
        for (const turnId of this.#unclaimed.splice(0))
            this.follow(turnId);
    }
    #cancel(turn) {
        turn.isCancelled = true;
        if ((turn.isWritten || turn.id !== undefined) && this.#link.isOpen())
            this.#sendCancel(turn);
        if (turn.id === undefined && (!turn.isWritten || turn.retryAt !== undefined))
            this.#end(turn, 'cancelled');
    }
    #sendCancel(turn) {
        this.#link.send({ type: 'cancel', ...(turn.id !== undefined ? { turnId: turn.id } : { messageId: turn.messageId }) });
    }
    #endRefused(turn) {
        this.#end(turn, turn.id !== undefined || turn.isWritten ? 'left' : 'refused', this.#refusal);
    }
    #end(turn, status, error) {
        turn.end(status, error);
        this.#index.ended(turn);
        this.#events.emit('update', turn);
    }
    #named(id) {
        const known = this.#index.byId(id);
        if (known)
            return known;
        const turn = new ClientTurn(false, cancelled => this.#cancel(cancelled));
        turn.id = id;
        turn.status = 'answering';
        this.#index.put(turn);
        this.#events.emit('turn', turn);
        return turn;
    }
}
function cancelOnAbort(turn, signal) {
    const cancel = () => turn.cancel();
    signal.addEventListener('abort', cancel);
    void turn.ended.then(() => signal.removeEventListener('abort', cancel));
    if (signal.aborted)
        cancel();
}
