import type { UIMessageChunk } from 'ai';
import { ChatError } from '../error.js';
import type { Turn } from '../turn.js';

/**
 * A turn as the chunks of one UI message, whose id is the turn's. Chunks are made when they are asked for: an error must not overtake the text before it.
 */
export function streamOf(turn: Turn): ReadableStream<UIMessageChunk> {
  const chunks = chunksOf(turn);
  return new ReadableStream<UIMessageChunk>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* chunksOf(turn: Turn): AsyncGenerator<UIMessageChunk, void, undefined> {
  let part = 0;
  const begin = () => ({ type: 'text-start', id: `${++part}` }) as const;
  for await (const { delta, replaced } of turn) {
    if (part === 0) {
      yield { type: 'start', messageId: turn.id!, messageMetadata: { turnId: turn.id } };
      yield { type: 'start-step' };
      yield begin();
    } else if (replaced) {
      yield { type: 'reset-step' };
      yield begin();
    }
    if (delta) yield { type: 'text-delta', id: `${part}`, delta };
  }
  const { status, error } = turn;
  if (status === 'failed') throw new ChatError('agent_timeout', 'The answer failed. Please try again.', true);
  if (error) throw error;
  if (part > 0) {
    yield { type: 'text-end', id: `${part}` };
    yield { type: 'finish-step' };
  }
  if (status === 'completed') yield { type: 'finish', finishReason: 'stop', messageMetadata: { turnId: turn.id, status } };
  else yield { type: 'abort', reason: status };
}
