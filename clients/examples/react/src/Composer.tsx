import { useState, type FormEvent } from 'react';

interface Props {
  /** Whether the history is there: it would replace what is sent before. */
  isReady: boolean;
  isBusy: boolean;
  send: (text: string) => void;
  stop: () => void;
}

/** A field and one button: it sends, or stops while an answer is written. */
export function Composer({ isReady, isBusy, send, stop }: Props) {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) send(text);
    setText('');
  };
  return (
    <form onSubmit={submit}>
      <input aria-label="Message" disabled={!isReady} value={text} onChange={event => setText(event.target.value)} />
      <button type="submit">Send</button>
      <button type="button" disabled={!isBusy} onClick={stop}>Stop</button>
    </form>
  );
}
