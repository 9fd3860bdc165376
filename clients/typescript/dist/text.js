export function newUuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
export function toStorable(text) {
    return text.replace(/[\0\ud800-\udfff]/gu, '\ufffd');
}
export function byteLength(text) {
    return new TextEncoder().encode(text).length;
}
