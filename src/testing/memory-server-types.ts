import type { Stop } from '../environment'
import type { CloseEvent } from '../transport/transport'
import type { LogMessage, ReceiptMarks } from './memory-log'

/** A refusal as it goes over the wire. `retryable` defaults to false, `message` to the code. */
export interface Refusal {
  readonly code: string
  readonly message?: string
  readonly retryable?: boolean
  readonly retryAfterMs?: number
}

/** What `authenticate` answers. `expiresAt` is in milliseconds since the epoch. */
export type AuthResult = { readonly ok: true; readonly expiresAt?: number } | Refusal

export interface MemoryServerOptions {
  /** The server's wall clock, milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number
  /**
   * What the `session` event announces; default `['sync', 'ordered', 'auth-refresh']`. What is not announced does not exist on the
   * server either. `null` is a server that knows only the plan's four events: no `session`, `seq`, `sync` or `history`.
   */
  readonly capabilities?: readonly string[] | null
  /** Announced in `session` and enforced as Socket.IO does it: the connection breaks. Default: no limit. */
  readonly maxMessageBytes?: number
  /** Announced in `session`; the log itself never forgets by time. */
  readonly dedupWindowMs?: number
  /** Most messages in one page of `sync` or `history`; default 200. */
  readonly maxPage?: number
  /** When the sending connection gets its own `message:new`; `'none'`: never. Other connections always do. Default `'after_ack'`. */
  readonly echo?: 'after_ack' | 'before_ack' | 'none'
  /** Asked for each handshake and `auth:refresh`. Default: everybody is who they say. */
  readonly authenticate?: (auth: { readonly token: string; readonly userId: string }) => AuthResult | Promise<AuthResult>
  /** Default: everybody is a member of every channel. */
  readonly isMember?: (userId: string, channelId: string) => boolean
}

/** One connection as the server sees it. */
export interface ServerPeer {
  readonly id: string
  readonly userId: string
  readonly auth: { readonly token: string; readonly userId: string }
  /** Sends an event, arguments as they are. A trailing function is an ack, which clients of the port never see. */
  emit(event: string, ...args: readonly unknown[]): void
  /** Ends it; default reason `server_disconnect`. */
  disconnect(reason?: CloseEvent['reason']): void
  /** Called once, when the connection is gone, whoever ended it. */
  onGone(listener: () => void): void
}

/** `reply` acknowledges; it does nothing when the client did not ask for an ack. */
export type ServerHandler = (payload: unknown, peer: ServerPeer, reply: (...answer: readonly unknown[]) => void) => void

/** A message that the server commits by itself. `createdAt` defaults to the server's clock, `id` to a fixed series per server. */
export interface PushedMessage {
  readonly userId: string
  readonly content: string
  readonly id?: string
  readonly createdAt?: number
  readonly [extra: string]: unknown
}

/** One inbound event, as the server got it. */
export interface ReceivedEvent {
  readonly event: string
  /** The first argument. */
  readonly payload: unknown
  readonly args: readonly unknown[]
  readonly userId: string
  readonly peerId: string
  readonly at: number
}

/** Decides about a `message:send` that is valid and new; null lets it pass. */
export type SendJudge = (message: { readonly id: string; readonly channelId: string; readonly content: string }, peer: ServerPeer) =>
  Refusal | null

/** The server's end of a link, given by the transport: what the server calls to reach the client. */
export interface ServerLink {
  deliver(event: string, args: readonly unknown[]): void
  end(close: CloseEvent): void
}

/** The server's end of an accepted connection: what the transport calls. */
export interface ServerSocket {
  /** Called once the client's side is open, before anything else. */
  start(): void
  receive(event: string, args: readonly unknown[], reply: (...answer: readonly unknown[]) => void): void
  /** The link is gone, whoever ended it. */
  lost(): void
}

export type Handshake = { readonly socket: ServerSocket } | { readonly refused: CloseEvent }

/** An in-memory chat server that speaks `PROTOCOL.md`, v1. */
export interface MemoryServer {
  /** The transport's way in. */
  handshake(auth: { readonly token: string; readonly userId: string }, link: ServerLink): Promise<Handshake>
  /** The committed messages of a channel, in `seq` order. */
  log(channelId: string): readonly LogMessage[]
  /** How far a member has got in a channel. */
  receipts(channelId: string, userId: string): ReceiptMarks
  /** Open connections, of one user or of all. */
  connections(userId?: string): number
  /** Handshakes accepted since the server was created. */
  readonly accepted: number
  /** Every event that arrived, or every one with that name, in order. */
  received(event?: string): readonly ReceivedEvent[]
  /** Changes options while it runs. Capabilities are announced to new connections only. */
  configure(options: MemoryServerOptions): void
  /** Handles an event of the app's, or replaces a built-in handler. The stop brings the old one back. */
  on(event: string, handler: ServerHandler): Stop
  /** Called for every accepted connection. */
  onConnection(listener: (peer: ServerPeer) => void): Stop
  /** Commits a message as if `userId` had sent it elsewhere, and tells every member. */
  push(channelId: string, message: PushedMessage): LogMessage
  /** Raises a watermark as if `userId` had confirmed elsewhere, and tells every member. Default `seq`: the channel's latest. */
  pushReceipt(kind: 'delivered' | 'read', channelId: string, userId: string, seq?: number): void
  /** Sends any event with any arguments to every connection of `userId`. */
  emitRaw(userId: string, event: string, ...args: readonly unknown[]): void
  /** Tells every connection of `userId` that its token is no longer good; default code `token_expired`. */
  expireAuth(userId: string, code?: string): void
  /** Refuses the next new `message:send`, or, given a function, the first that the function refuses. */
  rejectNext(refusal: Refusal | SendJudge): Stop
  /** Refuses every new `message:send` that the function refuses, until stopped. */
  rejectWhile(judge: SendJudge): Stop
  /** At the next new `message:send` every connection breaks, before or after the commit, and nothing is acknowledged. */
  crashNext(moment: 'before_commit' | 'after_commit'): void
  /** Ends every connection (of one user). Default reason `server_disconnect`. */
  disconnectAll(reason?: CloseEvent['reason'], userId?: string): void
  /** Breaks every connection and refuses new ones as unreachable until `start`. */
  stop(): void
  start(): void
  /** Breaks every connection and starts afresh: with its log (default), without it, or with a log but no memory of ids. */
  restart(options?: { readonly keepLog?: boolean; readonly keepIds?: boolean }): void
}
