/**
 * What the queue ought to know of each message that waits: which attempt is under way, and how much of its budget is used up. Computed from
 * the facts, as the contract says it, and from nothing that `src` keeps.
 */
export interface QueueOracle {
  composed(id: string, channelId: string, at: number): void
  emitted(id: string, attempt: number): void
  /** The outcome of this attempt is unknown: it and all that stands behind it goes again. One that is not under way any more says nothing. */
  delayed(id: string, attempt: number, isWaiting: (id: string) => boolean): void
  failed(id: string): void
  /** The user's retry: a fresh budget. */
  retried(id: string, at: number): void
  /** The connection broke: only the first that was under way in each channel can have been the reason. */
  cut(isWaiting: (id: string) => boolean): void
  /** The user disconnected: nothing is under way, and nothing is to blame. */
  left(): void
  wrote(): void
  crashed(): void
  restored(): void
  /** `attempt under way:spent:losses:budget from`. */
  picture(id: string): string
}

interface Waiting { readonly channelId: string; lease: number | null; spent: number; losses: number; budgetFrom: number }

export function createQueueOracle(): QueueOracle {
  /** In the order of their dispatch, which is the order of each channel. */
  const order: string[] = []
  let known = new Map<string, Waiting>()
  const disk = new Map<string, Waiting>()

  const rest = (): void => { for (const waiting of known.values()) waiting.lease = null }
  const copy = (of: ReadonlyMap<string, Waiting>): Map<string, Waiting> => new Map([...of].map(([id, waiting]) => [id, { ...waiting, lease: null }]))
  const change = (id: string, how: (waiting: Waiting) => void): void => {
    const waiting = known.get(id)
    if (waiting) how(waiting)
  }

  return {
    composed(id, channelId, at) {
      order.push(id)
      known.set(id, { channelId, lease: null, spent: 0, losses: 0, budgetFrom: at })
    },
    emitted: (id, attempt) => change(id, (waiting) => { waiting.lease = attempt }),
    delayed: (id, attempt, isWaiting) => change(id, (waiting) => {
      if (waiting.lease !== attempt || !isWaiting(id)) return
      Object.assign(waiting, { lease: null, losses: 0, spent: waiting.spent + 1 })
      for (const later of order.slice(order.indexOf(id))) change(later, (other) => { if (other.channelId === waiting.channelId) other.lease = null })
    }),
    failed: (id) => change(id, (waiting) => { waiting.lease = null }),
    retried: (id, at) => change(id, (waiting) => void Object.assign(waiting, { spent: 0, losses: 0, budgetFrom: at })),
    cut(isWaiting) {
      const blamed = new Set<string>()
      for (const id of order) {
        change(id, (waiting) => {
          if (waiting.lease === null || !isWaiting(id) || blamed.has(waiting.channelId)) return
          blamed.add(waiting.channelId)
          waiting.losses++
        })
      }
      rest()
    },
    left: rest,
    wrote: () => { for (const [id, waiting] of copy(known)) disk.set(id, waiting) },
    crashed: () => { known = new Map() },
    restored: () => { known = new Map([...copy(disk), ...known]) },
    picture(id) {
      const waiting = known.get(id)
      return waiting ? `${waiting.lease}:${waiting.spent}:${waiting.losses}:${waiting.budgetFrom}` : 'unknown'
    },
  }
}
