import type { ChatOptions } from './options.js';
/** Milliseconds to wait after this many failures: between half of the backoff and the full backoff. */
export declare function backoff(failures: number, { minBackoff, maxBackoff }: ChatOptions): number;
