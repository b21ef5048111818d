import type { Extra, Sequence, WireMessage } from '../model'
import { appended, inserted, itemAt, itemsOf, lastOf, lengthOf, lowerBound, removed, sliced, type Place } from './sequence'

/** A window on a channel: ordered, each id and each seq once. */
export type Window<X extends Extra> = Sequence<WireMessage<X>>

type Index<X extends Extra> = Map<string, WireMessage<X>>

/**
 * id -> message, kept beside the newest version of a window and handed on from version to version, so that neither
 * a lookup nor an insert costs more when more is loaded. A cache only: any window without one gets it built anew.
 */
const indexes = new WeakMap<object, unknown>()

function buildIndex<X extends Extra>(window: Window<X>): Index<X> {
  const index: Index<X> = new Map()
  for (const chunk of window) for (const message of chunk) index.set(message.id, message)
  return index
}

function indexOf<X extends Extra>(window: Window<X>): Index<X> {
  const cached = indexes.get(window)
  if (cached) return cached as Index<X>
  const index = buildIndex(window)
  indexes.set(window, index)
  return index
}

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

/** Whether a window has a message at its very place: found by halving, so that a window which is not the newest builds no index. */
export const holds = (window: Window<Extra>, message: WireMessage): boolean =>
  itemAt(window, placeIn(window, message))?.id === message.id

/** A later copy may add the `seq` or the server's fields; it can never move a message that has its place. */
const improves = (held: WireMessage, incoming: WireMessage): boolean =>
  incoming.seq === undefined
    ? held.seq === undefined && held.createdAt !== incoming.createdAt
    : held.seq === undefined || (held.seq === incoming.seq && (held.createdAt !== incoming.createdAt || held.content !== incoming.content))

/** Whether all that came stands behind the window, in order, and is new: the usual burst. */
function follows<X extends Extra>(window: Window<X>, incoming: readonly WireMessage<X>[], index: Index<X>): boolean {
  if (incoming.length > 1 && new Set(incoming.map(({ id }) => id)).size < incoming.length) return false
  let last = lastOf(window)
  for (const message of incoming) {
    if (index.has(message.id) || (last && compareMessages(last, message) >= 0)) return false
    last = message
  }
  return incoming.length > 0
}

/** What is pushed out at one end leaves the index as well. */
function trimmed<X extends Extra>(window: Window<X>, index: Index<X>, limit: number, keep: 'newest' | 'oldest'): Window<X> {
  const length = lengthOf(window)
  if (length <= limit) return window
  const [start, end] = keep === 'newest' ? [length - limit, length] : [0, limit]
  for (const { id } of itemsOf(keep === 'newest' ? sliced(window, 0, start) : sliced(window, end, length))) index.delete(id)
  return sliced(window, start, end)
}

/** Puts one message in its place. Two can never hold one seq: the first that was known stays. */
function put<X extends Extra>(window: Window<X>, index: Index<X>, message: WireMessage<X>): Window<X> {
  const place = placeIn(window, message)
  const there = itemAt(window, place)
  if (there && message.seq !== undefined && there.seq === message.seq) return window
  index.set(message.id, message)
  return inserted(window, place, message)
}

/** One by one, each at the cost of a chunk, so that a late message costs no more than one in time. */
function mergeEach<X extends Extra>(window: Window<X>, incoming: readonly WireMessage<X>[], index: Index<X>): Window<X> {
  let next = window
  for (const message of incoming) {
    const known = index.get(message.id)
    if (known && (known.userId !== message.userId || !improves(known, message))) continue
    if (known) {
      next = removed(next, placeIn(next, known))
      index.delete(known.id)
    }
    next = put(next, index, message)
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
  const isNext = follows(window, incoming, index)
  const merged = isNext ? appended(window, incoming) : mergeEach(window, incoming, index)
  if (merged === window) return window
  if (isNext) for (const message of incoming) index.set(message.id, message)
  const next = trimmed(merged, index, limit, keep)
  indexes.delete(window)
  indexes.set(next, index)
  return next
}

/** The end of the unbroken run of seqs that begins after `cursor`. */
export function contiguousFrom(window: Window<Extra>, cursor: number): number {
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
