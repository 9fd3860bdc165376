import { useEffect, useState, useSyncExternalStore } from 'react';
import { ConversationStore } from './store.js';
export function useConversation(options) {
    const key = `${options.url} ${options.conversationId} ${options.agentId}`;
    const [store, setStore] = useState(() => new ConversationStore(key));
    if (store.key !== key)
        setStore(new ConversationStore(key));
    useEffect(() => store.configure(options));
    useEffect(() => store.open(), [store]);
    const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
    const { send, stop, retry, loadOlder, reconnect } = store;
    return { ...snapshot, send, stop, retry, loadOlder, reconnect };
}
