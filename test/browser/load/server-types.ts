export interface ServerOptions {
  readonly port: number
  /** So many messages are there from the beginning. */
  readonly history: number
}

/** Emits so many messages, each an event of its own, evenly over the time. */
export interface Burst {
  readonly count: number
  readonly perSecond: number
}

export type ServerReport =
  | { readonly kind: 'listening' }
  /** `late`: the most that the server itself was behind its schedule, in ms. */
  | { readonly kind: 'burst over'; readonly late: number; readonly tookMs: number; readonly syncs: number }
