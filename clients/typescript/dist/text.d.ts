/** A random UUID. Not `crypto.randomUUID`, which pages on plain http do not have. */
export declare function newUuid(): string;
/** Replaces NUL and unpaired surrogates as the gateway does, so that an id that comes back is the one that was sent. */
export declare function toStorable(text: string): string;
/** Length in UTF-8: the gateway limits frames by bytes. */
export declare function byteLength(text: string): number;
