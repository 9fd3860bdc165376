import type { ClientTurn } from './client-turn.js';

const keptEndedTurns = 200;

/** Finds turns by either id in constant time. Keeps those that run, and the latest that ended: late frames of a turn must not begin it anew. */
export class TurnIndex {
  #open = new Set<ClientTurn>();
  #ended: ClientTurn[] = [];
  #byId = new Map<string, ClientTurn>();
  #byMessageId = new Map<string, ClientTurn>();

  /** Turns that have not ended, in the order in which this client met them. */
  get open(): ClientTurn[] {
    return [...this.#open];
  }

  /** Written messages that the gateway has not acknowledged: it may have them. */
  get unsure(): ClientTurn[] {
    return this.open.filter(turn => turn.isWritten && turn.status === 'sending');
  }

  byId(id: string | undefined): ClientTurn | undefined {
    return id === undefined ? undefined : this.#byId.get(id);
  }

  byMessageId(messageId: string | undefined): ClientTurn | undefined {
    return messageId === undefined ? undefined : this.#byMessageId.get(messageId);
  }

  /** Adds a turn by the ids that it has, or finds it by another from now on. */
  put(turn: ClientTurn): void {
    if (!turn.isEnded) this.#open.add(turn);
    if (turn.id !== undefined) this.#byId.set(turn.id, turn);
    if (turn.mine) this.#byMessageId.set(turn.messageId!, turn);
  }

  ended(turn: ClientTurn): void {
    this.#open.delete(turn);
    this.#ended.push(turn);
    if (this.#ended.length <= keptEndedTurns) return;
    const oldest = this.#ended.shift()!;
    if (this.byId(oldest.id) === oldest) this.#byId.delete(oldest.id!);
    if (this.byMessageId(oldest.messageId) === oldest) this.#byMessageId.delete(oldest.messageId!);
  }

  clear(): void {
    this.#byId.clear();
    this.#byMessageId.clear();
    this.#ended = [];
  }
}
