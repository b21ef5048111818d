export const LOG_FILE = 'log.jsonl'
export const ARRIVALS_FILE = 'arrivals.jsonl'

export interface ServerOptions {
  readonly port: number
  readonly folder: string
  /** Announces `ordered`, so that clients pipeline. */
  readonly isOrdered: boolean
}

export interface Committed {
  readonly id: string
  readonly channelId: string
  readonly userId: string
  readonly content: string
  readonly createdAt: number
  readonly seq: number
}

/** What a server saw, in order. Whatever was open when it `started` is closed. */
export type Arrival =
  | { readonly kind: 'started' }
  | { readonly kind: 'opened' | 'closed'; readonly tab: string; readonly socket: string }
  /** `userId` is the message's, `as` who the connection belongs to. */
  | { readonly kind: 'sent'; readonly tab: string; readonly socket: string; readonly id: string; readonly userId: string; readonly as: string; readonly at: number }

/** It dies at the next commit, after the message is in the log and before the ack; or it ends all connections, as a service that shuts somebody out. */
export interface ServerCommand { readonly kind: 'crash at commit' | 'kick' }
