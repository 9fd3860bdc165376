/**
 * Version 2 of the wire, as published in docs/reference/asyncapi.yaml. Tests compare the two, and both with the gateway: change all three together.
 * A client's frames have camelCase members, a gateway's have snake_case ones, as in the original protocol.
 */

/** WebSocket subprotocol with which a client selects version 2. */
export const subprotocol = 'konstruct.chat.v2';

/** First frame of a socket; later: new credentials. */
export interface AuthFrame {
  type: 'auth';
  token?: string;
  userId?: string;
  tenantId?: string;
  role?: string;
}

export interface MessageFrame {
  type: 'message';
  text: string;
  agentId?: string;
  conversationId?: string;
  displayName?: string;
  messageId?: string;
  traceparent?: string;
}

/** Replay a turn from `after` + 1, then live. */
export interface ResumeFrame {
  type: 'resume';
  turnId: string;
  attempt?: number;
  after?: number;
}

/** Cancel a turn, by either id. */
export interface CancelFrame {
  type: 'cancel';
  turnId?: string;
  messageId?: string;
}

/** Asks for a `pong`: the heartbeat of a client that cannot send WebSocket pings. */
export interface PingFrame {
  type: 'ping';
}

export type ClientFrame = AuthFrame | MessageFrame | ResumeFrame | CancelFrame | PingFrame;

/** Follows auth. Listed turns are silent on this socket until they are resumed. */
export interface ReadyFrame {
  type: 'ready';
  conversation_id: string;
  active: ActiveTurn[];
  ping_ms?: number;
}

export interface ActiveTurn {
  turn_id: string;
  attempt: number;
  seq: number;
}

/** The message is stored and will end in exactly one `done`. */
export interface TypingFrame {
  type: 'typing';
  turn_id: string;
  message_id?: string;
}

export interface ChunkFrame {
  type: 'chunk';
  text: string;
  turn_id: string;
  attempt: number;
  seq?: number;
}

/** `text` replaces the client's text of the turn. */
export interface DoneFrame {
  type: 'done';
  text: string;
  conversation_id: string;
  turn_id: string;
  attempt: number;
  reason: TurnReason;
}

/** Drop the text of the turn: its answer starts again at seq 1. */
export interface ResetFrame {
  type: 'reset';
  turn_id: string;
  attempt: number;
}

export interface PongFrame {
  type: 'pong';
}

export interface ErrorFrame {
  type: 'error';
  code: ErrorCode;
  message: string;
  retryable: boolean;
  turn_id?: string;
  message_id?: string;
  retry_after_ms?: number;
}

export type ServerFrame = ReadyFrame | TypingFrame | ChunkFrame | DoneFrame | ResetFrame | PongFrame | ErrorFrame;

export type TurnReason = 'completed' | 'cancelled' | 'failed';

export type ErrorCode =
  | 'auth_first'
  | 'auth_incomplete'
  | 'auth_invalid_id'
  | 'auth_invalid_token'
  | 'auth_contradiction'
  | 'too_many_sockets'
  | 'bad_frame'
  | 'empty_text'
  | 'text_too_long'
  | 'invalid_conversation_id'
  | 'conversation_not_found'
  | 'conversation_mismatch'
  | 'invalid_message_id'
  | 'turn_not_found'
  | 'too_many_messages'
  | 'too_many_requests'
  | 'too_many_waiting'
  | 'too_many_turns'
  | 'unavailable'
  | 'restarting'
  | 'agent_timeout';

/** Whether and how to reconnect after a close. */
export type Again =
  /** Not automatically. */
  | 'no'
  /** With exponential backoff. */
  | 'backoff'
  /** At once, with up to a second of jitter to spread clients; then with backoff. */
  | 'soon'
  /** With backoff that starts at its upper limit. */
  | 'later'
  /** With credentials other than the refused ones. */
  | 'credentials';

/**
 * All close codes of a gateway. Other codes come from the network: reconnect with backoff. So does a 1000 that this side did not ask for: proxies send it in
 * the middle of an answer.
 */
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
} as const satisfies Record<string, { code: number; again: Again }>;
