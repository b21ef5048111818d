/** One attempt to connect. `auth` goes into the Socket.IO handshake as it is. */
export interface ConnectRequest {
  readonly url: string
  readonly auth: { readonly token: string; readonly userId: string }
}

/**
 * Why a connection ended, once per connection:
 * `rejected`: the server's middleware refused the handshake (`code`, `retryable`, `retryAfterMs` from its `err.data`);
 * `unreachable`: it never opened; `server_disconnect`: the server closed it on purpose;
 * `ping_timeout`, `transport_close`, `transport_error`: the link broke; `parse_error`: the peer does not speak Socket.IO.
 */
export interface CloseEvent {
  readonly reason:
    | 'rejected' | 'unreachable' | 'server_disconnect' | 'ping_timeout' | 'transport_close' | 'transport_error' | 'parse_error'
  readonly message: string
  readonly code?: string
  readonly retryable?: boolean
  readonly retryAfterMs?: number
}

export interface ConnectionHandlers {
  /** The server accepted the handshake. At most once. */
  onOpen(): void
  /** Every inbound event, arguments unparsed. A server that asked for an acknowledgement gets an empty one when this returns. */
  onEvent(event: string, args: readonly unknown[]): void
  /** The end, at most once, never after `close()`; nothing else is called after it. */
  onClose(event: CloseEvent): void
}

/** One connection from its first packet to its end; never reused. */
export interface Connection {
  /**
   * Sends at once; ignored unless open (the outbox is the only queue). Throws when `args` cannot be serialised.
   * `onAck` gets the arguments of the server's answer at most once, and never after the connection ended.
   */
  emit(event: string, args: readonly unknown[], onAck?: (...answer: readonly unknown[]) => void): void
  /** Ends the connection without `onClose`. Safe to call twice. */
  close(): void
}

/** The port to the network: no retries, no buffer, no clock of its own. */
export interface Transport {
  /** Starts connecting; handlers are called later, never during this call. */
  open(request: ConnectRequest, handlers: ConnectionHandlers): Connection
}
