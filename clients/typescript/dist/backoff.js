export function backoff(failures, { minBackoff = 250, maxBackoff = 10_000 }) {
    return Math.min(minBackoff * 2 ** Math.min(failures, 30), maxBackoff) * (0.5 + Math.random() / 2);
}
