/** The words of the library: plain, serialisable data. Nothing here holds a Date, an Error, a Map or a function. */

/** A value that survives JSON unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Extra fields of the app's own message type; `{}` when the app adds none. */
export type Extra = object

/** What every message carries. `createdAt` is milliseconds since the epoch, `seq` the server's place in the channel (from 1). */
export interface MessageFields {
  /** UUID v7 made at dispatch: idempotency key, entity key and React key for the message's whole life. */
  readonly id: string
  readonly channelId: string
  /** Its author. */
  readonly userId: string
  readonly content: string
  /** Milliseconds since the epoch; the author's clock until the server says its own. */
  readonly createdAt: number
  /** The server's place in the channel, from 1; absent while unsent, and on a server without numbers. */
  readonly seq?: number
}

/** A message as the server and the wire know it. */
export type WireMessage<X extends Extra = {}> = MessageFields & X

/**
 * `pending -> sent -> delivered -> read`, or `failed` before `sent`. Derived, never stored. Delivered to, or read by, anybody but its author:
 * somebody else's message is `read` once I have read it.
 */
export type MessageStatus = 'pending' | 'sent' | 'delivered' | 'read' | 'failed'

/** Why a message failed, or why its last attempt did. `attempt` counts emits, from 1. */
export interface SendFailure {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly attempt: number
}

/** A message as `selectMessages` gives it. The delivery fields are there only while it is unsent. */
export type Message<X extends Extra = {}> = WireMessage<X> & {
  readonly status: MessageStatus
  /** True once the message is durable on this device; absent once the server has it. */
  readonly stored?: boolean
  /** Emits so far. */
  readonly attempts?: number
  /** When it is sent again, in milliseconds since the epoch; null when that waits for something else than time. */
  readonly nextAttemptAt?: number | null
  /** Why it failed; while pending, what the last attempt met. */
  readonly failure?: SendFailure
}

/** The mark of an emit under way: its attempt number and the moment (ms since the epoch) after which its outcome is unknown. */
export interface Lease {
  readonly attempt: number
  readonly deadline: number
}

/** One unsent message. `failure` set means it is failed and waits for the user; `lastError` is what the last try met. */
export interface OutboxEntry<X extends Extra = {}> {
  readonly message: WireMessage<X>
  /** Place in the dispatch order of its channel: survives reloads, independent of any clock. */
  readonly order: number
  /** Emits so far; never reset, so that a late outcome of an old emit can be told apart. */
  readonly attempts: number
  /** Attempts that count against `maxAttempts`: refused or timed out, never lost to a cut connection. Reset by a retry. */
  readonly spent: number
  /** Connections lost in a row with this message in flight at the head of its channel. */
  readonly losses: number
  /** Start of the time budget `retryForMs`: the dispatch, or the user's retry. */
  readonly budgetFrom: number
  /** How long the server that it was composed for, or sent to, knows its id: an older copy may be committed twice. */
  readonly dedupWindowMs: number | null
  readonly nextAttemptAt: number | null
  readonly lease: Lease | null
  readonly stored: boolean
  readonly failure: SendFailure | null
  readonly lastError: SendFailure | null
}

/** A place in a channel up to which something holds: `seq`, or `messageId` for a server without `seq`. */
export interface ReadMark {
  readonly seq?: number
  readonly messageId?: string
}

/**
 * A dictionary that is cheap to change: its entries are spread over small lists, and a change copies one of these. (One flat object of 100
 * keys costs 7 us to copy, one of 10,000 5 ms: more than all else that a message costs; and each new key of an object is a new shape to V8.)
 * One list while there are few keys.
 */
export type Table<T> = readonly (readonly (readonly [key: string, value: T])[])[]

/** A list that is cheap to change: in chunks, of which a change copies one. No chunk is empty; read it flat with the selectors. */
export type Sequence<T> = readonly (readonly T[])[]

/** The queue. */
export interface OutboxState<X extends Extra = {}> {
  readonly userId: string | null
  /** Unsent messages by channel, in dispatch order. A channel without any has no key. */
  readonly channels: Table<Sequence<OutboxEntry<X>>>
  /** The highest `order` given so far, whoever is signed in: what a user composes stays behind what the same user composed before. */
  readonly lastOrder: number
  /** My read watermarks that the server has not confirmed, by `#` + channelId: no channel's name can touch an object's own members. */
  readonly reads: { readonly [channelKey: string]: ReadMark }
}

/** How far a member has got: everything up to `seq` (or, without `seq`, up to that `createdAt`). 0 is nothing. */
export interface Receipt {
  readonly delivered: number
  readonly read: number
}

export type ConnectionStatus =
  | 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'unauthorized' | 'failed'

export interface ConnectionState {
  readonly status: ConnectionStatus
  readonly userId: string | null
  /** Reconnection attempts since the last good connection. */
  readonly attempt: number
  /** When the next attempt starts, in milliseconds since the epoch. */
  readonly nextRetryAt: number | null
  readonly lastConnectedAt: number | null
  /** Why the connection is as it is: a code, not a sentence. */
  readonly reason: string | null
  /** What the server announced in its `session` event; empty until then. */
  readonly capabilities: readonly string[]
  readonly maxMessageBytes: number | null
  readonly dedupWindowMs: number | null
}

/**
 * `auth_failed`, `connection_error` and `message_failed` are what went wrong with the session or a message;
 * `invalid_payload` is inbound data that was dropped, `storage_error` a device that cannot keep messages,
 * `sync_failed` a channel that could not catch up, `emit_failed` a bound action that could not be emitted.
 */
export type SocketErrorType =
  | 'auth_failed' | 'connection_error' | 'message_failed' | 'invalid_payload' | 'storage_error' | 'sync_failed'
  | 'emit_failed'

/** An error as state. `at` is milliseconds since the epoch; `count` how often the same one came in a row. */
export interface ChatError {
  readonly id: string
  readonly type: SocketErrorType
  readonly code: string
  readonly message: string
  readonly at: number
  readonly retryable: boolean
  readonly channelId?: string
  readonly messageId?: string
  readonly count?: number
}

/** The error half of a `SocketResponse`. `retryAfterMs` is the server's wish for the pause before the next try. */
export interface SocketErrorBody {
  readonly code: string
  readonly message: string
  readonly retryable?: boolean
  readonly retryAfterMs?: number
}

/** Every acknowledgement of the wire protocol. */
export type SocketResponse<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: string | SocketErrorBody }

/** The events that the library itself speaks; `PROTOCOL.md` describes each. */
export interface SocketEvents<X extends Extra = {}> {
  'message:send': WireMessage<X>
  'message:new': WireMessage<X>
  'message:delivered': { channelId: string; userId?: string; seq?: number; messageId?: string }
  'message:read': { channelId: string; userId?: string; seq?: number; messageId?: string }
  'message:sync': { channelId: string; after: number; limit: number }
  'message:history': { channelId: string; before: number; limit: number }
  'auth:refresh': { token: string }
  'auth:expired': { code: string }
  session: { capabilities: readonly string[]; maxMessageBytes?: number; dedupWindowMs?: number; tokenExpiresAt?: number }
}

/** A server's answer to a sync or history request, after parsing. */
export interface Page<X extends Extra = {}> {
  readonly messages: readonly WireMessage<X>[]
  readonly receipts: readonly ReceiptEvent[]
  readonly latest: number | null
  readonly more: boolean
}

/** A watermark of one member, as it comes from the server. */
export interface ReceiptEvent {
  readonly kind: 'delivered' | 'read'
  /** Empty when the server names the message only; the channel is then looked up. */
  readonly channelId: string
  readonly userId: string
  readonly seq?: number
  readonly messageId?: string
}
