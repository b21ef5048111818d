import type { Extra, OutboxEntry, OutboxState, SendFailure, Sequence } from '../model'
import { EMPTY_SEQUENCE, fromStart, itemAt, itemsOf, placeOf, type Place } from './sequence'
import { EMPTY_TABLE, valueAt, valuesOf } from './table'

/** A connection that ends this often in a row with the same message at the head is ended by the message. */
export const POISON_LOSSES = 5

/** From this many losses on, a message is sent alone, so that only the guilty one is suspected further. */
export const SUSPECT_LOSSES = 2

/** A message that may be what breaks the connection goes alone, so that no other is suspected with it. */
export const isSuspect = ({ losses }: OutboxEntry): boolean => losses >= SUSPECT_LOSSES

export const inFlight = ({ lease }: OutboxEntry): boolean => lease !== null

/** This side ended it, to open another or for want of a token, or the browser is offline: nothing that was under way broke it. */
export const isOwnEnd = ({ status, reason }: { readonly status: string; readonly reason: string }): boolean =>
  reason === 'reopened' || status === 'offline' || status === 'unauthorized'

/** The code of a message that another tab took over while this one was frozen. */
export const TAKEN_OVER = 'taken_over'

export const EMPTY_OUTBOX: OutboxState<never> = { userId: null, channels: EMPTY_TABLE, lastOrder: 0, reads: {} }

export type Queue<X extends Extra> = Sequence<OutboxEntry<X>>

/** What parts one entry that may go from one that must wait. */
export interface Gate<X extends Extra> {
  /** This tab may send it. */
  readonly owned: (entry: OutboxEntry<X>) => boolean
  /** Its retry is not due yet. */
  readonly waiting: (entry: OutboxEntry<X>) => boolean
  /** It failed here because another tab has it, which may be sending it at this moment. */
  readonly elsewhere: (entry: OutboxEntry<X>) => boolean
  /** The server has refused it for now, on this connection. */
  readonly refused: (entry: OutboxEntry<X>) => boolean
}

/** An answer that is, or nobody can tell that it is not, about a message before this one. */
const ABOUT_ANOTHER: ReadonlySet<string | undefined> = new Set(['out_of_order', 'invalid_ack'])

/**
 * What may be emitted now from one channel, in order, so that at most `room` of it is in flight. `flying` is how many of its messages are in
 * flight at most, wherever they stand: a retried or adopted message may stand before them.
 */
export function due<X extends Extra>(queue: Queue<X>, room: number, flying: number, { owned, waiting, elsewhere, refused }: Gate<X>): readonly OutboxEntry<X>[] {
  const found: OutboxEntry<X>[] = []
  /** In flight, of what was looked at. */
  let leased = 0
  let isBlocked = false
  /** Something goes, or is on its way, that the server has not refused. */
  let isNew = false
  fromStart(queue, (entry) => {
    const isFull = isBlocked || found.length + leased >= room
    if (leased >= room || (isFull && leased >= flying)) return false
    if (entry.lease) {
      leased++
      isNew ||= !refused(entry)
    } else if (isFull) return true
    else if (entry.failure) isBlocked = elsewhere(entry)
    // Whatever stands behind an entry that must wait has to wait with it: that is the channel's order.
    else if (!owned(entry) || waiting(entry)) isBlocked = true
    // What was refused for the sake of another waits for that one's outcome.
    else if (leased > 0 && ABOUT_ANOTHER.has(entry.lastError?.code)) isBlocked = true
    // An `ordered` server takes this one and refuses what comes before it for the first time: that goes alone until it is answered.
    else if (isNew && refused(entry)) isBlocked = true
    else {
      found.push(entry)
      isNew ||= !refused(entry)
    }
    return true
  })
  return found.slice(0, Math.max(0, room - leased))
}

/** Where an entry stands in its queue, null when it is not there. Those in flight stand at the head, so that an ack finds its own at once. */
export const placeIn = <X extends Extra>(queue: Queue<X>, id: string): Place | null => placeOf(queue, ({ message }) => message.id === id)

export const entryIn = <X extends Extra>(queue: Queue<X>, id: string): OutboxEntry<X> | undefined => itemAt(queue, placeIn(queue, id))

export const queueIn = <X extends Extra>({ channels }: OutboxState<X>, channelId: string): Queue<X> => valueAt(channels, channelId) ?? EMPTY_SEQUENCE

export interface RetryBudget {
  readonly maxAttempts: number
  readonly retryForMs: number
}

/** Why no further attempt is made by itself, or null while the budget lasts. A clock set back expires nothing. */
export function exhausted<X extends Extra>(entry: OutboxEntry<X>, now: number, budget: RetryBudget): 'expired' | 'attempts_exhausted' | 'connection_lost_repeatedly' | null {
  if (entry.losses >= POISON_LOSSES) return 'connection_lost_repeatedly'
  if (now - entry.budgetFrom > budget.retryForMs) return 'expired'
  return entry.spent >= budget.maxAttempts ? 'attempts_exhausted' : null
}

/** All of them, by channel, in dispatch order. */
export const entriesIn = <X extends Extra>({ channels }: Pick<OutboxState<X>, 'channels'>): readonly OutboxEntry<X>[] => valuesOf(channels).flatMap((queue) => itemsOf(queue))

export const idsIn = (outbox: Pick<OutboxState<Extra>, 'channels'>): readonly string[] => entriesIn(outbox).map(({ message }) => message.id)

export function findEntry<X extends Extra>(outbox: OutboxState<X>, id: string): OutboxEntry<X> | undefined {
  for (const queue of valuesOf(outbox.channels)) {
    const entry = entryIn(queue, id)
    if (entry) return entry
  }
  return undefined
}

/** An entry as it is after a crash, a reload or an adoption: pending again, whatever was under way. */
export const rested = <X extends Extra>(entry: OutboxEntry<X>): OutboxEntry<X> => (entry.lease ? { ...entry, lease: null } : entry)

export const failure = (code: string, message: string, retryable: boolean, attempt: number): SendFailure =>
  ({ code, message, retryable, attempt })
