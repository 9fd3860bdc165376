import type { ChatOptions } from './options.js';

/** Milliseconds to wait after this many failures: between half of the backoff and the full backoff. */
export function backoff(failures: number, { minBackoff = 250, maxBackoff = 10_000 }: ChatOptions): number {
  return Math.min(minBackoff * 2 ** Math.min(failures, 30), maxBackoff) * (0.5 + Math.random() / 2);
}
