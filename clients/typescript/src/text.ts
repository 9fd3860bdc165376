/** A random UUID. Not `crypto.randomUUID`, which pages on plain http do not have. */
export function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 15) | 64;
  bytes[8] = (bytes[8]! & 63) | 128;
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Replaces NUL and unpaired surrogates as the gateway does, so that an id that comes back is the one that was sent. */
export function toStorable(text: string): string {
  return text.replace(/[\0\ud800-\udfff]/gu, '\ufffd');
}

/** Length in UTF-8: the gateway limits frames by bytes. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
