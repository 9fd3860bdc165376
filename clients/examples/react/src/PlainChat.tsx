import type { ChatOptions } from '@konstruct/chat';
import { useConversation, type ConversationMessage, type ConversationSnapshot } from '@konstruct/chat/react';
import { Composer } from './Composer';

/** A chat without the AI SDK. */
export function PlainChat({ options }: { options: ChatOptions }) {
  const { messages, status, isBusy, hasOlder, historyError, send, stop, retry, loadOlder, reconnect } = useConversation(options);
  return (
    <section aria-label="useConversation">
      <h1>useConversation</h1>
      {hasOlder && <button type="button" onClick={() => void loadOlder()}>Older messages</button>}
      <ol>
        {messages.map(message => (
          <li key={message.id} className={message.role} data-status={message.status}>
            {message.text}
            <Note message={message} retry={() => retry(message.id)} />
          </li>
        ))}
      </ol>
      <p role="status">{connectionOf(status)}</p>
      {(status.state === 'refused' || historyError) && (
        <p role="alert">
          {(status.error ?? historyError)?.message}
          <button type="button" onClick={reconnect}>Connect again</button>
        </p>
      )}
      <Composer isReady isBusy={isBusy} send={send} stop={stop} />
    </section>
  );
}

function Note({ message: { status, error, retryAt }, retry }: { message: ConversationMessage; retry: () => void }) {
  if (status === 'sending') return <small>{retryAt ? `Waits until ${new Date(retryAt).toLocaleTimeString()}: ${error?.message}` : 'Sending…'}</small>;
  if (status === 'refused' || status === 'failed') {
    return <small>{error?.message ?? 'The answer failed.'} <button type="button" onClick={retry}>Try again</button></small>;
  }
  return status === 'cancelled' ? <small>Stopped</small> : null;
}

function connectionOf({ state, retryIn, error }: ConversationSnapshot['status']) {
  return state === 'waiting' ? `Connects again in ${Math.ceil((retryIn ?? 0) / 1000)} s. ${error?.message ?? ''}` : state;
}
