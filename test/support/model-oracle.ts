import type { ReceiptEvent, WireMessage } from '../../src/model'

/**
 * What a tab ought to show, computed from scratch from the facts it was told and from nothing else: per id the best fact,
 * per member the highest watermark. It shares no code with `src`, keeps sets only, and so cannot depend on any order.
 */
export interface Oracle {
  composed(id: string, channelId: string, content: string): void
  /** The server has it: an ack, an echo or a page said so. */
  committed(message: WireMessage): void
  receipt(receipt: ReceiptEvent): void
  failed(id: string): void
  retried(id: string): void
  discarded(id: string): void
  /** All changes up to now are durable. */
  wrote(): void
  crashed(): void
  restored(): void
  /** `id:status:seq` of each row, in order. */
  rows(channelId: string): readonly string[]
  unread(channelId: string): number
  /** `user:delivered:read`, sorted. */
  receipts(channelId: string): readonly string[]
  isCommitted(id: string): boolean
  lowestSeq(channelId: string): number | undefined
}

interface Mine { readonly channelId: string; readonly content: string; readonly n: number }
interface Marks { delivered: number; read: number }

const placeOf = (message: WireMessage): number => message.seq ?? message.createdAt

const inOrder = (a: WireMessage, b: WireMessage): number =>
  placeOf(a) - placeOf(b) || (a.id < b.id ? -1 : 1)

export function createOracle(me: string): Oracle {
  const mine = new Map<string, Mine>()
  /** id -> failed. What survives a crash. */
  const disk = new Map<string, boolean>()
  // The facts of this life of the tab.
  let known = new Map<string, WireMessage>()
  let receipts: ReceiptEvent[] = []
  let unsent = new Map<string, boolean>()
  let everUnsent = new Set<string>()

  const of = (channelId: string): WireMessage[] => [...known.values()].filter((message) => message.channelId === channelId).sort(inOrder)

  function marksOf(channelId: string): Map<string, Marks> {
    const marks = new Map<string, Marks>()
    for (const receipt of receipts) {
      const named = receipt.messageId === undefined ? undefined : known.get(receipt.messageId)
      const place = receipt.seq ?? (named && placeOf(named))
      if (receipt.channelId !== channelId || place === undefined) continue
      const held = marks.get(receipt.userId) ?? { delivered: 0, read: 0 }
      marks.set(receipt.userId, held)
      held.delivered = Math.max(held.delivered, place)
      if (receipt.kind === 'read') held.read = Math.max(held.read, place)
    }
    return marks
  }

  function statusOf(message: WireMessage, marks: Map<string, Marks>): string {
    const others = [...marks].filter(([userId]) => userId !== message.userId).map(([, mark]) => mark)
    if (others.some(({ read }) => read >= placeOf(message))) return 'read'
    return others.some(({ delivered }) => delivered >= placeOf(message)) ? 'delivered' : 'sent'
  }

  const waiting = (channelId: string): string[] => [...unsent.keys()]
    .filter((id) => mine.get(id)?.channelId === channelId && !known.has(id))
    .sort((a, b) => (mine.get(a)?.n ?? 0) - (mine.get(b)?.n ?? 0))

  return {
    composed(id, channelId, content) {
      mine.set(id, { channelId, content, n: mine.size })
      unsent.set(id, false)
      everUnsent.add(id)
    },
    committed: (message) => void known.set(message.id, message),
    receipt: (receipt) => void receipts.push(receipt),
    failed: (id) => void (unsent.has(id) && unsent.set(id, true)),
    retried: (id) => void (unsent.has(id) && unsent.set(id, false)),
    discarded: (id) => void unsent.delete(id),
    wrote() {
      for (const id of everUnsent) {
        const failed = unsent.get(id)
        if (failed === undefined || known.has(id)) disk.delete(id)
        else disk.set(id, failed)
      }
    },
    crashed() {
      known = new Map()
      receipts = []
      unsent = new Map()
      everUnsent = new Set()
    },
    restored() {
      for (const [id, failed] of disk) {
        if (!everUnsent.has(id)) unsent.set(id, failed)
        everUnsent.add(id)
      }
    },
    rows(channelId) {
      const marks = marksOf(channelId)
      return [
        ...of(channelId).map((message) => `${message.id}:${statusOf(message, marks)}:${message.seq}`),
        ...waiting(channelId).map((id) => `${id}:${unsent.get(id) === true ? 'failed' : 'pending'}:undefined`),
      ]
    },
    unread(channelId) {
      const read = marksOf(channelId).get(me)?.read ?? 0
      return of(channelId).filter((message) => message.userId !== me && placeOf(message) > read).length
    },
    receipts: (channelId) => [...marksOf(channelId)].map(([userId, { delivered, read }]) => `${userId}:${delivered}:${read}`).sort(),
    isCommitted: (id) => known.has(id),
    lowestSeq: (channelId) => of(channelId)[0]?.seq,
  }
}
