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
  /** `id:status:seq` of each row in order, the number of unread ones, and `user:delivered:read` of each member. */
  picture(channelId: string): { readonly rows: readonly string[]; readonly unread: number; readonly receipts: readonly string[] }
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
    const place = placeOf(message)
    let status = 'sent'
    for (const [userId, { delivered, read }] of marks) {
      if (userId === message.userId || delivered < place) continue
      if (read >= place) return 'read'
      status = 'delivered'
    }
    return status
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
    picture(channelId) {
      const marks = marksOf(channelId)
      const committed = of(channelId)
      const read = marks.get(me)?.read ?? 0
      return {
        rows: [
          ...committed.map((message) => `${message.id}:${statusOf(message, marks)}:${message.seq}`),
          ...waiting(channelId).map((id) => `${id}:${unsent.get(id) === true ? 'failed' : 'pending'}:undefined`),
        ],
        unread: committed.filter((message) => message.userId !== me && placeOf(message) > read).length,
        receipts: [...marks].map(([userId, { delivered, read: own }]) => `${userId}:${delivered}:${own}`).sort(),
      }
    },
    isCommitted: (id) => known.has(id),
    lowestSeq: (channelId) => of(channelId)[0]?.seq,
  }
}
