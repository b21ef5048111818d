import type { Table } from '../model'

/** A shard that gets more keys than this doubles their number. Up to here V8 copies an object at once, beyond it key by key. */
const SHARD_KEYS = 12

/** Keys that all fall into one shard, by design or by malice, slow that one down and no more. */
const MAX_SHARDS = 1_024

type Shard<T> = { readonly [key: string]: T }

const NOTHING: Shard<never> = {}

export const EMPTY_TABLE: Table<never> = []

/** The number of shards is a power of two. */
function place<T>(table: Table<T>, key: string): number {
  if (table.length <= 1) return 0
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995)
  return (hash ^ (hash >>> 15)) & (table.length - 1)
}

export function valueAt<T>(table: Table<T>, key: string): T | undefined {
  const shard = table[place(table, key)]
  // An own member: keys come from servers.
  return shard && Object.hasOwn(shard, key) ? shard[key] : undefined
}

function replaceShard<T>(table: Table<T>, at: number, shard: Shard<T>): Table<T> {
  const next = table.slice()
  next[at] = shard
  return next
}

export function withValue<T>(table: Table<T>, key: string, value: T): Table<T> {
  const at = place(table, key)
  const shard = table[at] ?? NOTHING
  const next = replaceShard(table, at, { ...shard, [key]: value })
  const isFull = !Object.hasOwn(shard, key) && Object.keys(shard).length >= SHARD_KEYS && next.length < MAX_SHARDS
  return isFull ? grown(next) : next
}

export function withoutKey<T>(table: Table<T>, key: string): Table<T> {
  const at = place(table, key)
  const shard = table[at]
  if (!shard || !Object.hasOwn(shard, key)) return table
  const { [key]: _removed, ...others } = shard
  const next = replaceShard(table, at, others)
  return next.every(isEmpty) ? EMPTY_TABLE : next
}

function isEmpty(shard: object): boolean {
  for (const _key in shard) return false
  return true
}

export function tableOf<T>(entries: Iterable<readonly [string, T]>): Table<T> {
  let table: Table<T> = EMPTY_TABLE
  for (const [key, value] of entries) table = withValue(table, key, value)
  return table
}

export const mapValues = <T>(table: Table<T>, change: (value: T) => T): Table<T> =>
  table.map((shard) => Object.fromEntries(Object.entries(shard).map(([key, value]) => [key, change(value)])))

/** Twice as many shards, at the least: keys that still crowd one double them again. */
function grown<T>(table: Table<T>): Table<T> {
  const shards = Array.from({ length: table.length * 2 }, (): { [key: string]: T } => ({}))
  for (const [key, value] of entriesOf(table)) {
    const shard = shards[place(shards, key)]
    if (shard) shard[key] = value
  }
  const isCrowded = shards.length < MAX_SHARDS && shards.some((shard) => Object.keys(shard).length > SHARD_KEYS)
  return isCrowded ? grown(shards) : shards
}

export const keysOf = <T>(table: Table<T>): readonly string[] => table.flatMap((shard) => Object.keys(shard))

export const valuesOf = <T>(table: Table<T>): readonly T[] => table.flatMap((shard) => Object.values(shard))

export const entriesOf = <T>(table: Table<T>): readonly (readonly [string, T])[] => table.flatMap((shard) => Object.entries(shard))

/** The keys whose values differ between two versions; costs what changed, as long as no growth lies between them. */
export function changedKeys<T>(before: Table<T>, after: Table<T>): readonly string[] {
  if (before === after) return []
  if (before.length !== after.length) return [...new Set([...keysOf(before), ...keysOf(after)])]
  const changed: string[] = []
  for (let i = 0; i < after.length; i++) {
    const [old = NOTHING, now = NOTHING] = [before[i], after[i]]
    if (old === now) continue
    for (const key in now) if (now[key] !== old[key]) changed.push(key)
    for (const key in old) if (!Object.hasOwn(now, key)) changed.push(key)
  }
  return changed
}
