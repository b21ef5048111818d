import type { Sequence } from '../model'

/** A change copies a chunk and the list of chunks: with 64, some hundred references at 1,000 items as at 10,000. */
const CHUNK = 64

export const EMPTY_SEQUENCE: Sequence<never> = []

export function sequenceOf<T>(items: readonly T[]): Sequence<T> {
  if (items.length <= CHUNK) return items.length === 0 ? EMPTY_SEQUENCE : [items]
  return Array.from({ length: Math.ceil(items.length / CHUNK) }, (_, i) => items.slice(i * CHUNK, (i + 1) * CHUNK))
}

const NONE: readonly never[] = []

/** All of it, or what stands in some of its chunks, flat: costs what it returns. */
export function itemsOf<T>(sequence: Sequence<T>, start = 0, end = sequence.length): readonly T[] {
  const none: readonly T[] = NONE
  return end - start === 1 ? sequence[start] ?? none : none.concat(...sequence.slice(start, end))
}

export function lengthOf<T>(sequence: Sequence<T>): number {
  let length = 0
  for (const chunk of sequence) length += chunk.length
  return length
}

export const firstOf = <T>(sequence: Sequence<T>): T | undefined => sequence[0]?.[0]

export const lastOf = <T>(sequence: Sequence<T>): T | undefined => {
  const chunk = sequence[sequence.length - 1]
  return chunk?.[chunk.length - 1]
}

/** Where an item stands: its chunk, and its place in that. */
export interface Place {
  readonly chunk: number
  readonly at: number
}

export const itemAt = <T>(sequence: Sequence<T>, place: Place | null): T | undefined => (place ? sequence[place.chunk]?.[place.at] : undefined)

/** The first that passes; what stands near the head is found at once. */
export function placeOf<T>(sequence: Sequence<T>, passes: (item: T) => boolean): Place | null {
  for (let chunk = 0; chunk < sequence.length; chunk++) {
    const at = sequence[chunk]?.findIndex(passes) ?? -1
    if (at >= 0) return { chunk, at }
  }
  return null
}

/** The first that is not before the wanted place, of an ordered sequence; found by halving. The end when all are before it. */
export function lowerBound<T>(sequence: Sequence<T>, isBefore: (item: T) => boolean): Place {
  const last = Math.max(0, sequence.length - 1)
  const chunk = halve(last, (i) => {
    const end = sequence[i]?.at(-1)
    return end !== undefined && isBefore(end)
  })
  const items = sequence[chunk] ?? NONE
  return { chunk, at: halve(items.length, (i) => isBefore(items[i] as T)) }
}

/** The first number from 0 to `length` that is not before. */
function halve(length: number, isBefore: (i: number) => boolean): number {
  let [low, high] = [0, length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBefore(middle)) low = middle + 1
    else high = middle
  }
  return low
}

/** Visits in order until a visit returns false. */
export function fromStart<T>(sequence: Sequence<T>, visit: (item: T) => boolean): void {
  for (const chunk of sequence) for (const item of chunk) if (!visit(item)) return
}

/** Visits from the end backwards until a visit returns false. */
export function fromEnd<T>(sequence: Sequence<T>, visit: (item: T) => boolean): void {
  for (let c = sequence.length - 1; c >= 0; c--) {
    const chunk = sequence[c] ?? NONE
    for (let i = chunk.length - 1; i >= 0; i--) if (!visit(chunk[i] as T)) return
  }
}

/** The last that passes; what stands near the end is found at once. */
export function lastWhere<T>(sequence: Sequence<T>, passes: (item: T) => boolean): T | undefined {
  let found: T | undefined
  fromEnd(sequence, (item) => {
    if (passes(item)) found = item
    return found === undefined
  })
  return found
}

/** `a` and the first `count` of `b`. For lists this short the built-in `concat` takes three times as long; a copy that grows is copied twice. */
function joined<T>(a: readonly T[], b: readonly T[], count: number): readonly T[] {
  const both = Array<T>(a.length + count)
  for (let i = 0; i < a.length; i++) both[i] = a[i] as T
  for (let i = 0; i < count; i++) both[a.length + i] = b[i] as T
  return both
}

/** For lists that mostly get one item or none: an empty array that is pushed to makes room for 17. */
export function withItem<T>(list: T[] | null, item: T): T[] {
  if (!list) return [item]
  list.push(item)
  return list
}

export function appended<T>(sequence: Sequence<T>, items: readonly T[]): Sequence<T> {
  const last = sequence.length - 1
  const chunk = sequence[last]
  const room = chunk ? CHUNK - chunk.length : 0
  if (!chunk || room <= 0) return sequence.concat(sequenceOf(items))
  const next = sequence.slice()
  next[last] = joined(chunk, items, Math.min(room, items.length))
  return items.length > room ? next.concat(sequenceOf(items.slice(room))) : next
}

function withChunk<T>(sequence: Sequence<T>, at: number, ...chunks: readonly (readonly T[])[]): Sequence<T> {
  const next = sequence.slice()
  next.splice(at, 1, ...chunks)
  return next
}

export function inserted<T>(sequence: Sequence<T>, { chunk: at, at: index }: Place, item: T): Sequence<T> {
  const chunk = sequence[at]
  if (!chunk) return appended(sequence, [item])
  const items = chunk.slice()
  items.splice(index, 0, item)
  const half = items.length >> 1
  return items.length <= CHUNK ? withChunk(sequence, at, items) : withChunk(sequence, at, items.slice(0, half), items.slice(half))
}

export function replaced<T>(sequence: Sequence<T>, { chunk: at, at: index }: Place, item: T): Sequence<T> {
  const items = sequence[at]?.slice() ?? []
  items[index] = item
  const next = sequence.slice()
  next[at] = items
  return next
}

export function removed<T>(sequence: Sequence<T>, { chunk: at, at: index }: Place): Sequence<T> {
  const chunk = sequence[at] ?? NONE
  if (chunk.length <= 1) return withChunk(sequence, at)
  // The head is the usual case.
  return withChunk(sequence, at, index === 0 ? chunk.slice(1) : [...chunk.slice(0, index), ...chunk.slice(index + 1)])
}

/** Less its first `count` items. */
export function withoutFirst<T>(sequence: Sequence<T>, count: number): Sequence<T> {
  let [first, left] = [0, count]
  for (const { length } of sequence) {
    if (left < length) break
    left -= length
    first++
  }
  const next = sequence.slice(first)
  const [head] = next
  if (head && left > 0) next[0] = head.slice(left)
  return next
}

/** One more at the end and the first one gone, as a full window slides: one copy of the list of chunks for both. */
export function slid<T>(sequence: Sequence<T>, item: T): Sequence<T> {
  const last = sequence.length - 1
  const head = sequence[0] ?? NONE
  const chunk = sequence[last] ?? NONE
  if (last <= 0 || head.length === 1 || chunk.length >= CHUNK) return withoutFirst(appended(sequence, [item]), 1)
  const next = sequence.slice()
  next[0] = head.slice(1)
  next[last] = joined(chunk, [item], 1)
  return next
}

/** The same list when nothing in it changes. */
function eachChanged<T>(items: readonly T[], change: (item: T) => T, isDone: () => boolean): readonly T[] {
  const next = items.slice()
  for (let i = items.length - 1; i >= 0 && !isDone(); i--) next[i] = change(items[i] as T)
  return next.every((item, i) => item === items[i]) ? items : next
}

/**
 * From the end backwards, until no more is to change: among 10,000 items a new one is found at once. Chunks in which nothing changes stay the
 * same, and so does the whole.
 */
export const mapped = <T>(sequence: Sequence<T>, change: (item: T) => T, isDone = (): boolean => false): Sequence<T> =>
  eachChanged(sequence, (chunk) => eachChanged(chunk, change, isDone), isDone)

/** Where two lists differ, from `start` to an end of each. */
export interface Span {
  readonly start: number
  readonly oldEnd: number
  readonly newEnd: number
}

/** What two lists share at their ends lies outside: a queue changes in few places, and the rest is skipped by reference. */
export function unlike(before: readonly unknown[], after: readonly unknown[]): Span {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let [oldEnd, newEnd] = [before.length, after.length]
  while (oldEnd > start && newEnd > start && before[oldEnd - 1] === after[newEnd - 1]) {
    oldEnd--
    newEnd--
  }
  return { start, oldEnd, newEnd }
}
