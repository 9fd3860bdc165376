const strings = {
    typing: ['turn_id'],
    chunk: ['turn_id', 'text'],
    done: ['turn_id', 'text'],
    reset: ['turn_id'],
    error: ['code', 'message'],
};
export function parseFrame(data) {
    try {
        const frame = JSON.parse(data);
        const isValid = typeof frame.type === 'string'
            && (strings[frame.type] ?? []).every(name => typeof frame[name] === 'string')
            && (frame.type !== 'ready' || frame.active.every((turn) => typeof turn.turn_id === 'string'));
        return isValid ? frame : undefined;
    }
    catch {
        return undefined;
    }
}
