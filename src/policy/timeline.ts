import type { Extra, Sequence, WireMessage } from '../model'
import { createCompanions } from './companions'
import { isSameJson } from './json'
import { appended, firstOf, fromEnd, fromStart, inserted, itemAt, itemsOf, lastOf, lengthOf, lowerBound, removed, sequenceOf, slid, withoutFirst, type Place } from './sequence'

/** A window on a channel: ordered, each id and each seq once. */
export type Window<X extends Extra> = Sequence<WireMessage<X>>

type Index<X extends Extra> = Map<string, WireMessage<X>>

/** id -> message, beside each window, so that neither a lookup nor an insert costs more when more is loaded. */
const indexes = createCompanions((window: Window<Extra>) => {
  const index: Index<Extra> = new Map()
  for (const chunk of window) for (const message of chunk) index.set(message.id, message)
  return index
})

// Whose messages a window holds is for its type to say.
const indexOf = <X extends Extra>(window: Window<X>): Index<X> => indexes.of(window) as Index<X>

export function findMessage<X extends Extra>(window: Window<X>, id: string): WireMessage<X> | undefined {
  return indexOf(window).get(id)
}

/**
 * Where a message stands in its channel: its `seq`, or for servers without one its `createdAt`.
 * Watermarks are compared with it.
 */
export const positionOf = (message: { readonly seq?: number; readonly createdAt: number }): number =>
  message.seq ?? message.createdAt

const byId = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** `seq` first; messages without one come after all that have it, by `createdAt`, then `id`. A total order. */
export function compareMessages(a: WireMessage, b: WireMessage): number {
  if (a.seq !== undefined && b.seq !== undefined) return a.seq - b.seq
  if (a.seq !== b.seq) return a.seq === undefined ? 1 : -1
  return a.createdAt - b.createdAt || byId(a.id, b.id)
}

const placeIn = <X extends Extra>(window: Window<X>, message: WireMessage): Place =>
  lowerBound(window, (other) => compareMessages(other, message) < 0)

/** Whether a window has another message under the same seq. */
export function contradicts(window: Window<Extra>, message: WireMessage): boolean {
  if (message.seq === undefined) return false
  const there = itemAt(window, placeIn(window, message))
  return there?.seq === message.seq && there.id !== message.id
}

/** Whether a window has a message at its very place: found by halving, so that a window which is not the newest builds no index. */
export const holds = (window: Window<Extra>, message: WireMessage): boolean =>
  itemAt(window, placeIn(window, message))?.id === message.id

/**
 * A later copy may add the `seq` or the server's fields; it can never move a message that has its place. What is held may be what this client
 * wrote and the server acknowledged: the server's own copy says what all others see, whichever of the two came first.
 */
const improves = (held: WireMessage, incoming: WireMessage): boolean =>
  (incoming.seq !== undefined && held.seq === undefined) || (held.seq === incoming.seq && !isSameJson(held, incoming))

/**
 * Whether all that came stands behind the window, in order, and is new: the usual burst. It is in the index then; else the index is as before.
 */
function follows<X extends Extra>(window: Window<X>, incoming: readonly WireMessage<X>[], index: Index<X>): boolean {
  let last = lastOf(window)
  let count = 0
  for (const message of incoming) {
    if (index.has(message.id) || (last && compareMessages(last, message) >= 0)) {
      for (const { id } of incoming.slice(0, count)) index.delete(id)
      return false
    }
    index.set(message.id, message)
    last = message
    count++
  }
  return incoming.length > 0
}

/** What is pushed out at one end leaves the index as well. */
function trimmed<X extends Extra>(window: Window<X>, index: Index<X>, limit: number, keep: 'newest' | 'oldest'): Window<X> {
  const surplus = lengthOf(window) - limit
  if (surplus <= 0) return window
  let left = surplus
  const forget = ({ id }: WireMessage<X>): boolean => {
    index.delete(id)
    return --left > 0
  }
  if (keep === 'newest') fromStart(window, forget)
  else fromEnd(window, forget)
  return keep === 'newest' ? withoutFirst(window, surplus) : sequenceOf(itemsOf(window).slice(0, limit))
}

/** All of it at the end. */
function behind<X extends Extra>(window: Window<X>, incoming: readonly WireMessage<X>[], index: Index<X>, limit: number, keep: 'newest' | 'oldest'): Window<X> {
  const [first, item] = [firstOf(window), incoming[0]]
  // The usual case: one more in a full window.
  if (!first || !item || incoming.length > 1 || keep === 'oldest' || lengthOf(window) !== limit) return trimmed(appended(window, incoming), index, limit, keep)
  index.delete(first.id)
  return slid(window, item)
}

/** One by one, each at the cost of a chunk, so that a late message costs no more than one in time. */
function mergeEach<X extends Extra>(window: Window<X>, incoming: readonly WireMessage<X>[], index: Index<X>): Window<X> {
  let next = window
  for (const message of incoming) {
    const known = index.get(message.id)
    if (known && (known.userId !== message.userId || !improves(known, message))) continue
    // Two can never hold one seq: the first that was known stays.
    if (contradicts(next, message)) continue
    if (known) next = removed(next, placeIn(next, known))
    index.set(message.id, message)
    next = inserted(next, placeIn(next, message), message)
  }
  return next
}

/**
 * The union of a window and what came in, in order, each message once, at most `limit` long; `keep` says which end
 * stays when it is too long. Returns `window` itself when nothing changed. Idempotent and independent of arrival order.
 */
export function mergeMessages<X extends Extra>(
  window: Window<X>, incoming: readonly WireMessage<X>[], limit: number, keep: 'newest' | 'oldest' = 'newest',
): Window<X> {
  const index = indexOf(window)
  const merged = follows(window, incoming, index) ? null : mergeEach(window, incoming, index)
  if (merged === window) return window
  const next = merged ? trimmed(merged, index, limit, keep) : behind(window, incoming, index, limit, keep)
  indexes.handOn(window, next, index)
  return next
}

/** The end of the unbroken run of seqs that begins after `cursor`. */
export function contiguousFrom(window: Window<Extra>, cursor: number): number {
  // The usual case: one more stands at the end.
  if (lastOf(window)?.seq === cursor + 1) return cursor + 1
  const { chunk, at } = lowerBound(window, ({ seq }) => (seq ?? Infinity) <= cursor)
  let end = cursor
  for (let c = chunk, i = at; c < window.length; c++, i = 0) {
    const messages = window[c] ?? []
    while (i < messages.length && messages[i]?.seq === end + 1) {
      end++
      i++
    }
    if (i < messages.length) return end
  }
  return end
}
