import { useChat } from '@ai-sdk/react';
import { ChatClient, ChatError, type ChatOptions } from '@konstruct/chat';
import { KonstructTransport } from '@konstruct/chat/ai-sdk';
import { useEffect, useState } from 'react';
import { Composer } from './Composer';

/** A chat with `useChat` of the AI SDK. */
export function AiSdkChat({ options }: { options: ChatOptions }) {
  const [client] = useState(() => new ChatClient(options));
  const [transport] = useState(() => new KonstructTransport(client));
  const [isLoaded, setLoaded] = useState(false);
  const [loadError, setLoadError] = useState<Error>();
  const { messages, setMessages, sendMessage, regenerate, resumeStream, stop, status, error } = useChat({ transport });

  useEffect(() => {
    // The history, then the answer that is being written: after a reload, and when another tab asked.
    const synchronise = async () => {
      try {
        const history = await transport.loadMessages();
        if (client.running.some(turn => turn.mine)) return;
        setMessages(history);
        setLoadError(undefined);
        await resumeStream();
      } catch (reason) {
        setLoadError(reason as Error);
      } finally {
        setLoaded(true);
      }
    };
    const ignore = client.on('turn', turn => {
      if (!turn.mine) void synchronise();
    });
    client.connect();
    void synchronise();
    return () => {
      ignore();
      client.close();
    };
  }, [client, transport, setMessages, resumeStream]);

  const problem = error ?? loadError;
  return (
    <section aria-label="AI SDK">
      <h1>AI SDK</h1>
      <ol>
        {messages.map(({ id, role, parts }) => (
          <li key={id} className={role}>{parts.map(part => (part.type === 'text' ? part.text : '')).join('')}</li>
        ))}
      </ol>
      <p role="status">{status}</p>
      {problem && (
        <p role="alert">
          {problem instanceof ChatError ? `${problem.code}: ` : ''}{problem.message} <button type="button" onClick={() => void regenerate()}>Try again</button>
        </p>
      )}
      <Composer isReady={isLoaded} isBusy={status === 'submitted' || status === 'streaming'} send={text => void sendMessage({ text })} stop={() => void stop()} />
    </section>
  );
}
