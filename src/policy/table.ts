import type { Table } from '../model'
import { unlike, withItem } from './sequence'

/** A shard that gets more keys than this doubles their number: so many are searched in less time than a hash of the key takes. */
const SHARD_KEYS = 12

/** Keys that all fall into one shard, by design or by malice, slow that one down and no more. */
const MAX_SHARDS = 1_024

type Shard<T> = Table<T>[number]
type Entry<T> = Shard<T>[number]

const NOTHING: Shard<never> = []
const NO_KEYS: readonly string[] = []

export const EMPTY_TABLE: Table<never> = []

/** The number of shards is a power of two. */
function place<T>(table: Table<T>, key: string): number {
  if (table.length <= 1) return 0
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995)
  return (hash ^ (hash >>> 15)) & (table.length - 1)
}

function slotOf<T>(shard: Shard<T>, key: string): number {
  for (let i = 0; i < shard.length; i++) if (shard[i]?.[0] === key) return i
  return -1
}

const valueIn = <T>(shard: Shard<T>, key: string): T | undefined => shard[slotOf(shard, key)]?.[1]

export const valueAt = <T>(table: Table<T>, key: string): T | undefined => valueIn(table[place(table, key)] ?? NOTHING, key)

function replaceShard<T>(table: Table<T>, at: number, shard: Shard<T>): Table<T> {
  const next = table.slice()
  next[at] = shard
  return next
}

export function withValue<T>(table: Table<T>, key: string, value: T): Table<T> {
  const at = place(table, key)
  const shard = (table[at] ?? NOTHING).slice()
  const slot = slotOf(shard, key)
  shard[slot < 0 ? shard.length : slot] = [key, value]
  const next = replaceShard(table, at, shard)
  return slot < 0 && shard.length > SHARD_KEYS && next.length < MAX_SHARDS ? grown(next) : next
}

export function withoutKey<T>(table: Table<T>, key: string): Table<T> {
  const at = place(table, key)
  const shard = table[at] ?? NOTHING
  const slot = slotOf(shard, key)
  if (slot < 0) return table
  const others = shard.slice()
  others.splice(slot, 1)
  const next = replaceShard(table, at, others)
  return next.every(({ length }) => length === 0) ? EMPTY_TABLE : next
}

export function tableOf<T>(entries: Iterable<readonly [string, T]>): Table<T> {
  let table: Table<T> = EMPTY_TABLE
  for (const [key, value] of entries) table = withValue(table, key, value)
  return table
}

export const mapValues = <T>(table: Table<T>, change: (value: T) => T): Table<T> =>
  table.map((shard) => shard.map(([key, value]) => [key, change(value)] as const))

/** Twice as many shards, at the least: keys that still crowd one double them again. */
function grown<T>(table: Table<T>): Table<T> {
  const shards = Array.from({ length: table.length * 2 }, (): (readonly [string, T])[] => [])
  for (const entry of entriesOf(table)) shards[place(shards, entry[0])]?.push(entry)
  const isCrowded = shards.length < MAX_SHARDS && shards.some((shard) => shard.length > SHARD_KEYS)
  return isCrowded ? grown(shards) : shards
}

export function entriesOf<T>(table: Table<T>): readonly (readonly [key: string, value: T])[] {
  const entries: (readonly [key: string, value: T])[] = []
  for (const shard of table) for (const entry of shard) entries.push(entry)
  return entries
}

export const keysOf = <T>(table: Table<T>): readonly string[] => entriesOf(table).map(([key]) => key)

export const valuesOf = <T>(table: Table<T>): readonly T[] => entriesOf(table).map(([, value]) => value)

/** Items by a text of each, in the order in which they stand. */
export function grouped<T>(items: readonly T[], nameOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const name = nameOf(item)
    const group = groups.get(name)
    if (group) group.push(item)
    else groups.set(name, [item])
  }
  return groups
}

/** The keys whose values differ between two versions; costs what changed, as long as no growth lies between them. */
export function changedKeys<T>(before: Table<T>, after: Table<T>): readonly string[] {
  if (before === after) return NO_KEYS
  if (before.length !== after.length) return [...new Set([...keysOf(before), ...keysOf(after)])]
  let changed: string[] | null = null
  for (let i = 0; i < after.length; i++) {
    const old = before[i] ?? NOTHING
    const now = after[i] ?? NOTHING
    if (old === now) continue
    const { start, oldEnd, newEnd } = unlike(old, now)
    for (let at = start; at < newEnd; at++) {
      const [key, value] = now[at] as Entry<T>
      if (valueIn(old, key) !== value) changed = withItem(changed, key)
    }
    for (let at = start; at < oldEnd; at++) {
      const [key] = old[at] as Entry<T>
      if (slotOf(now, key) < 0) changed = withItem(changed, key)
    }
  }
  return changed ?? NO_KEYS
}
