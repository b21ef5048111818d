import type { MessageStatus } from '../../src/model'

/** What the world saw of one composed message. */
export interface Composed {
  readonly id: string
  /** The life of the page in which it was composed. */
  readonly tab: string
  readonly browser: string
  readonly userId: string
  readonly channelId: string
  readonly content: string
  /** When it was dispatched, in milliseconds since the run began. */
  readonly at: number
  /** Its place among the messages of its tab, user and channel. */
  readonly order: number
  /** Some view has shown `stored: true`. */
  wasStored: boolean
  /** The user gave it up, or its owner asked to. */
  isDiscarded: boolean
  /** The user retried it: its place may change. */
  isRetried: boolean
  /** Its record was destroyed from outside. */
  isDestroyed: boolean
}

/** A view of one message in one tab, as last seen. */
export interface Seen { readonly channelId: string; readonly status: MessageStatus; readonly seq: number | undefined }

export function createLedger() {
  const composed = new Map<string, Composed>()
  const counts = new Map<string, number>()
  return {
    composed,
    all: (): readonly Composed[] => [...composed.values()],
    add(message: Pick<Composed, 'id' | 'tab' | 'browser' | 'userId' | 'channelId' | 'content' | 'at'>): void {
      const key = `${message.tab}|${message.userId}|${message.channelId}`
      const order = (counts.get(key) ?? 0) + 1
      counts.set(key, order)
      composed.set(message.id, { ...message, order, wasStored: false, isDiscarded: false, isRetried: false, isDestroyed: false })
    },
  }
}

export type Ledger = ReturnType<typeof createLedger>
