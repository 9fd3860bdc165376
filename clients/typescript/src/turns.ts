import { backoff } from './backoff.js';
import { ClientTurn } from './client-turn.js';
import { ChatError } from './error.js';
import type { Emitter } from './events.js';
import type { ChatEvents, ChatOptions, SendOptions } from './options.js';
import { byteLength, newUuid, toStorable } from './text.js';
import { TurnIndex } from './turn-index.js';
import type { TurnStatus } from './turn.js';
import { closeCodes, type ClientFrame, type ErrorFrame, type ServerFrame } from './wire.js';

/** What turns need of the connection. */
export interface TurnLink {
  isOpen(): boolean;
  send(frame: ClientFrame): void;
}

/** The turns of a conversation: sends and resumes them, and applies the gateway's frames to them. */
export class Turns {
  #options: ChatOptions;
  #events: Emitter<ChatEvents>;
  #link: TurnLink;
  #index = new TurnIndex();
  /** Running turns that may belong to messages whose acknowledgement was lost with the last socket. */
  #unclaimed: string[] = [];
  #refusal: Error | undefined;

  constructor(options: ChatOptions, events: Emitter<ChatEvents>, link: TurnLink) {
    this.#options = options;
    this.#events = events;
    this.#link = link;
  }

  /** Turns that have not ended, in the order in which this client met them. */
  get running(): ClientTurn[] {
    return this.#index.open;
  }

  send(text: string, { signal, ...given }: SendOptions): ClientTurn {
    const messageId = toStorable(given.messageId ?? newUuid());
    const known = this.#index.byMessageId(messageId);
    if (known) return known;
    const turn = new ClientTurn(true, cancelled => this.#cancel(cancelled));
    const agentId = given.agentId ?? this.#options.agentId;
    turn.messageId = messageId;
    turn.frame = { type: 'message', text, ...(given as object), ...(agentId && { agentId }), messageId };
    this.#index.put(turn);
    this.#events.emit('turn', turn);
    if (signal) cancelOnAbort(turn, signal);
    this.#start(turn);
    return turn;
  }

  follow(turnId: string): ClientTurn {
    const known = this.#index.byId(turnId);
    if (known) return known;
    const turn = this.#named(turnId);
    this.#start(turn);
    return turn;
  }

  /** The connection broke. */
  lost(code: number): void {
    const { unsure } = this.#index;
    if (code === closeCodes.frameTooBig.code) {
      // The same frame would close the next socket too.
      const size = (turn: ClientTurn) => byteLength(JSON.stringify(turn.frame));
      const [biggest] = unsure.toSorted((a, b) => size(b) - size(a));
      if (biggest) this.#end(biggest, 'refused', new ChatError('frame_too_big', 'The message is too long.'));
    } else if (code === closeCodes.internalError.code) {
      for (const turn of unsure) {
        if (turn.retries++ < this.#maxRetries) continue;
        this.#end(turn, 'refused', new ChatError('gateway_failed', 'The gateway failed, each time that it got this message.'));
      }
    }
  }

  /** The connection will not be made again by itself: no turn may wait for it. */
  refuse(error: Error | undefined): void {
    this.#refusal = error;
    if (!error) return;
    for (const turn of this.running) this.#endRefused(turn);
  }

  /** Forgets all turns; those that run end here as `left`. */
  leave(): void {
    const left = this.running;
    this.#index.clear();
    for (const turn of left) this.#end(turn, 'left');
  }

  receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'ready': {
        this.#unclaimed = frame.active.map(active => active.turn_id);
        const { unsure } = this.#index;
        for (const turn of this.running) if (turn.retryAt === undefined) this.#resume(turn);
        if (unsure.length === 0) this.#followUnclaimed();
        break;
      }
      case 'typing':
        this.#acknowledge(frame.turn_id, frame.message_id);
        this.#followUnclaimed();
        break;
      case 'chunk': {
        const turn = this.#named(frame.turn_id);
        if (turn.isEnded || frame.attempt < turn.attempt) break;
        if (frame.attempt > turn.attempt) turn.restart(frame.attempt);
        if (frame.seq !== undefined) {
          if (frame.seq <= turn.seq) break;
          turn.seq = frame.seq;
        }
        turn.append(frame.text);
        this.#events.emit('update', turn);
        break;
      }
      case 'reset': {
        const turn = this.#named(frame.turn_id);
        if (turn.isEnded) break;
        turn.restart(frame.attempt);
        this.#events.emit('update', turn);
        break;
      }
      case 'done': {
        const turn = this.#named(frame.turn_id);
        if (turn.isEnded) break;
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

  get #maxRetries(): number {
    return this.#options.retries ?? 5;
  }

  #acknowledge(turnId: string, messageId: string | undefined): void {
    const sent = this.#index.byMessageId(messageId);
    if (sent && sent.id === undefined) {
      const twin = this.#index.byId(turnId);
      sent.id = turnId;
      this.#index.put(sent);
      // Taken for another tab's while the acknowledgement was missing.
      if (twin && !twin.isEnded) this.#end(twin, 'left');
    }
    const turn = this.#named(turnId);
    turn.messageId ??= messageId;
    if (turn.isEnded) return;
    turn.waitNoMore();
    turn.status = 'answering';
    this.#events.emit('update', turn);
  }

  #refused(frame: ErrorFrame): void {
    const turn = this.#index.byId(frame.turn_id) ?? this.#index.byMessageId(frame.message_id);
    const error = ChatError.of(frame);
    if (!turn || turn.isEnded) return this.#events.emit('error', error);
    if (!frame.retryable) return this.#end(turn, 'refused', error);
    if (turn.retries >= this.#maxRetries) return this.#end(turn, turn.id ? 'left' : 'refused', error);
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

  #start(turn: ClientTurn): void {
    if (this.#refusal && !turn.isEnded) this.#endRefused(turn);
    this.#resume(turn);
  }

  /** Resumes a turn that has not ended: by its id from its position, or, without an id, by sending the message again. */
  #resume(turn: ClientTurn): void {
    if (!this.#link.isOpen() || turn.isEnded) return;
    if (turn.isCancelled) this.#sendCancel(turn);
    if (turn.id !== undefined) this.#link.send({ type: 'resume', turnId: turn.id, attempt: turn.attempt, after: turn.seq });
    else if (turn.frame) this.#link.send(turn.frame);
    turn.isWritten = true;
  }

  #followUnclaimed(): void {
    for (const turnId of this.#unclaimed.splice(0)) this.follow(turnId);
  }

  #cancel(turn: ClientTurn): void {
    turn.isCancelled = true;
    if ((turn.isWritten || turn.id !== undefined) && this.#link.isOpen()) this.#sendCancel(turn);
    // The gateway does not have it.
    if (turn.id === undefined && (!turn.isWritten || turn.retryAt !== undefined)) this.#end(turn, 'cancelled');
  }

  #sendCancel(turn: ClientTurn): void {
    this.#link.send({ type: 'cancel', ...(turn.id !== undefined ? { turnId: turn.id } : { messageId: turn.messageId! }) });
  }

  #endRefused(turn: ClientTurn): void {
    this.#end(turn, turn.id !== undefined || turn.isWritten ? 'left' : 'refused', this.#refusal);
  }

  #end(turn: ClientTurn, status: TurnStatus, error?: Error): void {
    turn.end(status, error);
    this.#index.ended(turn);
    this.#events.emit('update', turn);
  }

  /** Finds a turn by id, or adds one that another tab began. */
  #named(id: string): ClientTurn {
    const known = this.#index.byId(id);
    if (known) return known;
    const turn = new ClientTurn(false, cancelled => this.#cancel(cancelled));
    turn.id = id;
    turn.status = 'answering';
    this.#index.put(turn);
    this.#events.emit('turn', turn);
    return turn;
  }
}

function cancelOnAbort(turn: ClientTurn, signal: AbortSignal): void {
  const cancel = () => turn.cancel();
  signal.addEventListener('abort', cancel);
  void turn.ended.then(() => signal.removeEventListener('abort', cancel));
  if (signal.aborted) cancel();
}
