import type { Extra, Message, MessageStatus, OutboxEntry, Receipt, WireMessage } from '../model'
import { frozen } from '../policy/frozen'
import { keyOf } from '../policy/keys'
import { committedStatus, othersBest } from '../policy/status'
import { positionOf, type Window } from '../policy/timeline'
import type { Queue } from '../policy/outbox'
import { itemsOf } from '../policy/sequence'
import { perObject } from './memo'

type Receipts = { readonly [userKey: string]: Receipt }

/** Views are made once per message and status, so that an unchanged row keeps its reference. */
const committed = perObject((message: WireMessage, status: MessageStatus): Message => ({ ...message, status }))
const unsent = new WeakMap<object, unknown>()
const othersOf = perObject((receipts: Receipts, userId: string) => othersBest(receipts, keyOf(userId)))

export const viewOf = <X extends Extra>(message: WireMessage<X>, receipts: Receipts): Message<X> =>
  committed(message, committedStatus(positionOf(message), othersOf(receipts, message.userId))) as Message<X>

export function unsentView<X extends Extra>(entry: OutboxEntry<X>): Message<X> {
  const known = unsent.get(entry)
  if (known) return known as Message<X>
  const { message, failure, lastError, stored, attempts, nextAttemptAt } = entry
  const reason = failure ?? lastError
  const view: Message<X> = {
    ...message, status: failure ? 'failed' : 'pending', stored, attempts, nextAttemptAt, ...(reason && { failure: reason }),
  }
  unsent.set(entry, view)
  return view
}

const EMPTY: readonly never[] = Object.freeze([])

interface ChunkViews { readonly receipts: Receipts; readonly views: readonly unknown[] }

/** The newest views of each chunk of a window: a live message makes those of the last one anew. */
const chunks = new WeakMap<object, ChunkViews>()

function viewsOfChunk<X extends Extra>(chunk: readonly WireMessage<X>[], receipts: Receipts): readonly Message<X>[] {
  const known = chunks.get(chunk)
  if (known?.receipts === receipts) return known.views as readonly Message<X>[]
  const views = chunk.map((message) => viewOf(message, receipts))
  chunks.set(chunk, { receipts, views })
  return views
}

interface Made { readonly receipts: Receipts; readonly queue: Queue<Extra>; readonly views: readonly unknown[] }

/** The newest views of each window (or, for an empty one, of each queue). */
const made = new WeakMap<object, Made>()

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i])

/** What a channel shows: the timeline, then what is unsent. */
export function viewsOf<X extends Extra>(window: Window<X>, receipts: Receipts, queue: Queue<X>): readonly Message<X>[] {
  const owner = window.length > 0 ? window : queue
  if (owner.length === 0) return EMPTY
  const known = made.get(owner)
  if (known && known.receipts === receipts && known.queue === queue) return known.views as readonly Message<X>[]
  const fresh = itemsOf([...window.map((chunk) => viewsOfChunk(chunk, receipts)), ...queue.map((chunk) => chunk.map((entry) => unsentView(entry)))])
  const views = known && isSameList(known.views, fresh) ? known.views as readonly Message<X>[] : fresh
  made.set(owner, { receipts, queue, views: frozen(views) })
  return views
}
