/**
 * Version 2 of the wire, as docs/reference/asyncapi.yaml publishes it. A test compares the two, and both with the gateway: change all three together.
 * Frames that a client sends have camelCase members, frames that it gets have snake_case ones: so it was in the original protocol.
 */

/** What a client offers as WebSocket subprotocol to speak version 2. */
export const subprotocol = 'konstruct.chat.v2';

/** First frame of a socket; on an open one: fresh credentials. */
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

/** End a turn, by the one id or the other. */
export interface CancelFrame {
  type: 'cancel';
  turnId?: string;
  messageId?: string;
}

export type ClientFrame = AuthFrame | MessageFrame | ResumeFrame | CancelFrame;

/** After auth. The turns it lists are silent on this socket until they are resumed. */
export interface ReadyFrame {
  type: 'ready';
  conversation_id: string;
  active: ActiveTurn[];
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

/** `text` replaces whatever the client has of the turn. */
export interface DoneFrame {
  type: 'done';
  text: string;
  conversation_id: string;
  turn_id: string;
  attempt: number;
  reason: TurnReason;
}

/** Drop what you have of the turn: its answer starts again at seq 1. */
export interface ResetFrame {
  type: 'reset';
  turn_id: string;
  attempt: number;
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

export type ServerFrame = ReadyFrame | TypingFrame | ChunkFrame | DoneFrame | ResetFrame | ErrorFrame;

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

/** Whether to connect again after a close, and how. */
export type Again =
  /** Not by itself. */
  | 'no'
  /** With exponential backoff. */
  | 'backoff'
  /** At once, shifted by up to a second, so that not everybody comes at the same time; then with backoff. */
  | 'soon'
  /** With backoff that begins at its upper limit. */
  | 'later'
  /** With credentials that differ from the refused ones. */
  | 'credentials';

/** Every close code that a gateway sends. Any other is the network's: connect again with backoff. */
export const closeCodes = {
  normal: { code: 1000, again: 'no' },
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
