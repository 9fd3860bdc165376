import type { ServerFrame } from './wire.js';
/** Parses what a socket received; undefined: not a frame. */
export declare function parseFrame(data: unknown): ServerFrame | undefined;
