import type { ErrorCode, ErrorFrame } from './wire.js';

/**
 * Codes of the client itself. `no_websocket`: the platform has no WebSocket class, or it refused the address. `connect_timeout`: no connection within
 * `connectTimeout`. `connection_lost`: the gateway answered no ping. `invalid_frame`: the gateway sent something that is not a frame.
 * `frame_too_big`, `gateway_failed`: the gateway closed the connection because of the message.
 */
export type ClientErrorCode = 'no_websocket' | 'connect_timeout' | 'connection_lost' | 'invalid_frame' | 'frame_too_big' | 'gateway_failed';

/** An error of the gateway, with the code of its frame, or of the client. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: ErrorCode | ClientErrorCode;
  /** Whether the same can succeed later. */
  readonly retryable: boolean;

  constructor(code: ErrorCode | ClientErrorCode, message: string, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }

  /** @internal */
  static of(frame: ErrorFrame): ChatError {
    return new ChatError(frame.code, frame.message, frame.retryable);
  }
}
