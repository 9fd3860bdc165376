import type { ServerFrame } from './wire.js';

/** Members that must be strings, by type of frame. Frames of other types pass: later gateways may send them. */
const strings: Record<string, string[]> = {
  typing: ['turn_id'],
  chunk: ['turn_id', 'text'],
  done: ['turn_id', 'text'],
  reset: ['turn_id'],
  error: ['code', 'message'],
};

/** Parses what a socket received; undefined: not a frame. */
export function parseFrame(data: unknown): ServerFrame | undefined {
  try {
    const frame = JSON.parse(data as string);
    const isValid =
      typeof frame.type === 'string'
      && (strings[frame.type] ?? []).every(name => typeof frame[name] === 'string')
      && (frame.type !== 'ready' || frame.active.every((turn: { turn_id: unknown }) => typeof turn.turn_id === 'string'));
    return isValid ? frame : undefined;
  } catch {
    return undefined; // Not JSON, null, or without the members that are read above.
  }
}
