import { useState, type FormEvent } from 'react';

/** A field and one button: it sends, or stops while an answer is written. */
export function Composer({ isBusy, send, stop }: { isBusy: boolean; send: (text: string) => void; stop: () => void }) {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) send(text);
    setText('');
  };
  return (
    <form onSubmit={submit}>
      <input aria-label="Message" value={text} onChange={event => setText(event.target.value)} />
      <button type="submit">Send</button>
      <button type="button" disabled={!isBusy} onClick={stop}>Stop</button>
    </form>
  );
}
