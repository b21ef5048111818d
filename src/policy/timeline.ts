import type { Extra, WireMessage } from '../model'

/** A window on a channel: ordered, each id and each seq once. */
export type Window<X extends Extra> = readonly WireMessage<X>[]

type Index<X extends Extra> = Map<string, WireMessage<X>>

/**
 * id -> message, kept beside the newest version of a window and handed on from version to version, so that neither
 * a lookup nor an insert costs more when more is loaded. A cache only: any window without one gets it built anew.
 */
const indexes = new WeakMap<object, unknown>()

function buildIndex<X extends Extra>(window: Window<X>): Index<X> {
  const index: Index<X> = new Map()
  for (const message of window) index.set(message.id, message)
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

/** Whether a window has a message at its very place: found by halving, so that a window which is not the newest builds no index. */
export function holds(window: readonly WireMessage[], message: WireMessage): boolean {
  let low = 0
  let high = window.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = window[middle]
    if (other && compareMessages(other, message) < 0) low = middle + 1
    else high = middle
  }
  return window[low]?.id === message.id
}

/** A later copy may add the `seq` or the server's fields; it can never move a message that has its place. */
const improves = (held: WireMessage, incoming: WireMessage): boolean =>
  incoming.seq === undefined
    ? held.seq === undefined && held.createdAt !== incoming.createdAt
    : held.seq === undefined || (held.seq === incoming.seq && (held.createdAt !== incoming.createdAt || held.content !== incoming.content))

/** Whether all that came stands behind the window, in order, and is new: the usual burst. */
function follows<X extends Extra>(window: Window<X>, incoming: Window<X>): boolean {
  if (incoming.length > 1 && new Set(incoming.map(({ id }) => id)).size < incoming.length) return false
  const index = indexOf(window)
  let last = window.at(-1)
  for (const message of incoming) {
    if (index.has(message.id) || (last && compareMessages(last, message) >= 0)) return false
    last = message
  }
  return true
}

function append<X extends Extra>(window: Window<X>, incoming: Window<X>, limit: number): Window<X> {
  const index = indexOf(window)
  const surplus = Math.max(0, window.length + incoming.length - limit)
  const next = window.slice(surplus).concat(incoming)
  for (let i = 0; i < surplus; i++) {
    const evicted = window[i]
    if (evicted) index.delete(evicted.id)
  }
  for (const message of incoming) index.set(message.id, message)
  indexes.delete(window)
  indexes.set(next, index)
  return next
}

/** Inserts one by one into a copy; incoming pages are short, so the usual case is a push. */
function mergeAll<X extends Extra>(window: Window<X>, incoming: Window<X>): Window<X> {
  const held = indexOf(window)
  const added: Index<X> = new Map()
  const replaced = new Set<string>()
  for (const message of incoming) {
    const known = added.get(message.id) ?? held.get(message.id)
    if (known && (known.userId !== message.userId || !improves(known, message))) continue
    if (known && held.has(message.id)) replaced.add(message.id)
    added.set(message.id, message)
  }
  if (added.size === 0) return window
  const kept = replaced.size === 0 ? window : window.filter((message) => !replaced.has(message.id))
  return distinctSeq([...kept, ...added.values()].sort(compareMessages))
}

/** Two messages can never hold one seq: the first that was known stays (sort is stable). */
const distinctSeq = <X extends Extra>(sorted: Window<X>): Window<X> =>
  sorted.filter((message, i) => message.seq === undefined || message.seq !== sorted[i - 1]?.seq)

/**
 * The union of a window and what came in, in order, each message once, at most `limit` long; `keep` says which end
 * stays when it is too long. Returns `window` itself when nothing changed. Idempotent and independent of arrival order.
 */
export function mergeMessages<X extends Extra>(
  window: Window<X>, incoming: Window<X>, limit: number, keep: 'newest' | 'oldest' = 'newest',
): Window<X> {
  if (keep === 'newest' && incoming.length < limit && follows(window, incoming)) return append(window, incoming, limit)
  const merged = mergeAll(window, incoming)
  if (merged.length <= limit) return merged
  return keep === 'newest' ? merged.slice(-limit) : merged.slice(0, limit)
}

/** The end of the unbroken run of seqs that begins after `cursor`. */
export function contiguousFrom(window: readonly WireMessage[], cursor: number): number {
  let low = 0
  let high = window.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((window[middle]?.seq ?? Infinity) <= cursor) low = middle + 1
    else high = middle
  }
  let end = cursor
  while (window[low]?.seq === end + 1) {
    end++
    low++
  }
  return end
}
