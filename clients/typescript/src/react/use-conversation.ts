import { useEffect, useState, useSyncExternalStore } from 'react';
import type { ChatOptions, SendOptions } from '../options.js';
import type { Turn } from '../turn.js';
import type { ConversationSnapshot } from './message.js';
import { ConversationStore } from './store.js';

/** A conversation and what a component can do with it. The functions are the same on every render. */
export interface Conversation extends ConversationSnapshot {
  /** Sends a question; undefined: the component is not mounted. */
  send(text: string, options?: SendOptions): Turn | undefined;
  /** Cancels what runs; the partial text stays. */
  stop(): void;
  /** Asks the question of a refused or failed message again. */
  retry(messageId: string): Turn | undefined;
  /** Reads the page of messages before the oldest. */
  loadOlder(): Promise<void>;
  /** Connects again at once, also after a refusal. */
  reconnect(): void;
}

/** Follows a conversation while the component is mounted. Another `url`, `conversationId` or `agentId` begins again; other options are read at each connection. */
export function useConversation(options: ChatOptions): Conversation {
  const key = `${options.url} ${options.conversationId} ${options.agentId}`;
  const [store, setStore] = useState(() => new ConversationStore(key));
  if (store.key !== key) setStore(new ConversationStore(key));
  useEffect(() => store.configure(options));
  useEffect(() => store.open(), [store]);
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const { send, stop, retry, loadOlder, reconnect } = store;
  return { ...snapshot, send, stop, retry, loadOlder, reconnect };
}
