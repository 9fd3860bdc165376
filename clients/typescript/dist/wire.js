export const subprotocol = 'konstruct.chat.v2';
export const closeCodes = {
    normal: { code: 1000, again: 'backoff' },
    protocolError: { code: 1002, again: 'no' },
    invalidText: { code: 1007, again: 'backoff' },
    frameTooBig: { code: 1009, again: 'backoff' },
    internalError: { code: 1011, again: 'backoff' },
    restarting: { code: 1012, again: 'soon' },
    authenticationFailed: { code: 4001, again: 'credentials' },
    forbidden: { code: 4003, again: 'no' },
    tooSlow: { code: 4008, again: 'backoff' },
    tooManySockets: { code: 4009, again: 'later' },
    credentialsExpired: { code: 4010, again: 'credentials' },
};
