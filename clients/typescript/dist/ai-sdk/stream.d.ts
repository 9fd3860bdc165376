import type { UIMessageChunk } from 'ai';
import type { Turn } from '../turn.js';
/**
 * A turn as the chunks of one UI message, whose id is the turn's. Chunks are made when they are asked for: an error must not overtake the text before it.
 */
export declare function streamOf(turn: Turn): ReadableStream<UIMessageChunk>;
