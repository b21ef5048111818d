import { fieldsOf } from '../policy/json'
import { inDoubt, RefusedInPartError } from './problem'
import type { LoadedRecords, RecordChange, RecordStorage, StoredRecord, UnreadableRecord } from './record-storage'
import { parseRecord } from './record-text'
import { orderOf, recordKey, RECORD_VERSION } from './records'
import { createSlotIndex, isRefused, readEach } from './slot-index'
import type { TabLocks } from './tabs'
import { needed, ownedAfter, readTransfer, transferOf, type Transfer } from './transfers'

/** A storage as redux-persist knows it: localStorage, AsyncStorage, MMKV and their like, synchronous or not. */
export interface KeyValueStorage {
  getItem(key: string): unknown
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

export interface KeyValueOptions {
  readonly name: string
  readonly storage: KeyValueStorage
  /** With them each tab has a part of the index to itself. */
  readonly locks?: TabLocks | null
}

/** A transfer as it stands among the records. */
interface Said extends Transfer {
  readonly userId: string
  readonly id: string
  readonly nth: number
}

/** Null for a record of something else: messages and marks have other fields. */
function readSaid({ userId, id, data }: StoredRecord): Said | null {
  const transfer = readTransfer(data)
  return transfer && { ...transfer, userId, id, nth: Number(fieldsOf(data)['nth']) || 0 }
}

/** So many looks in a row may fail for the sake of a part that is refused: a database that is busy gives it soon, one whose row is too large never. */
const PATIENCE = 4

/**
 * Unsent messages over a storage of keys and texts, which has no transactions and cannot be searched. Each tab writes to numbered slots of
 * its own, one record each, and to a part of the index of its own, which tells how many slots each tab may have used: seldom, before the first
 * of them, and twice, so that no crash and no broken key hides a record. Were a key written by two tabs, one would undo the other: each process
 * of Chromium has its own copy of localStorage, which hears of a write late, whatever lock is held.
 */
export function createKeyValueStorage({ name, storage, locks = null }: KeyValueOptions): RecordStorage {
  const prefix = `redux-chat:${name}:`
  const index = createSlotIndex({ prefix, locks, read: readText, write: (key, text) => storage.setItem(key, text) })
  const slotOf = (tab: string, slot: number): string => `${prefix}${tab}:${slot}`
  const tabOf = (key: string): string => key.slice(prefix.length, key.lastIndexOf(':'))
  const slotsOf = (tab: string, count: number): readonly string[] => Array.from({ length: count }, (_, slot) => slotOf(tab, slot))
  /** The key at which each record was found or put. */
  let places = new Map<string, string>()
  let isScanned = false
  /** Where this tab (and whichever it was before) writes next. */
  const segments = new Map<string, { next: number; readonly free: string[] }>()
  /** Take-overs that have not been carried out, or not to the end, the latest last. */
  let transfers: readonly Said[] = []
  /** Looks in a row of which the device refused a part. */
  let partial = 0
  let last: Promise<unknown> = Promise.resolve()

  /** One change after the other, whatever the storage's own order. */
  function queued<T>(task: () => Promise<T>): Promise<T> {
    const result = last.then(task)
    last = result.catch(() => undefined)
    return result
  }

  /** Asked twice: what a database refuses once, busy with something else, it mostly gives the next time. */
  async function readText(key: string): Promise<string | null> {
    const ask = async (): Promise<unknown> => storage.getItem(key)
    const text = await ask().catch(ask)
    return typeof text === 'string' ? text : null
  }

  /** `needsAll`: a part is no answer, for now. */
  async function scan(needsAll = true): Promise<LoadedRecords> {
    const keys = [...await index.all()].flatMap(([tab, slots]) => slotsOf(tab, slots))
    const texts = await readEach(readText, keys)
    const refused = new Set(keys.filter((_, i) => isRefused(texts[i])))
    // Who takes a part for all sends out of order, leaves behind what is to be removed, and gives up what is its own.
    if (refused.size === 0) partial = 0
    else if (needsAll && partial++ < PATIENCE) throw new RefusedInPartError(texts.find(isRefused)?.reason)
    const records: StoredRecord[] = []
    const unreadable: UnreadableRecord[] = []
    // What is refused now stands where it stood.
    places = new Map([...places].filter(([, key]) => refused.has(key)))
    isScanned = true
    for (const [i, key] of keys.entries()) {
      const text = texts[i] ?? null
      const record = typeof text === 'string' ? parseRecord(text) : null
      if (record) {
        places.set(recordKey(record), key)
        records.push(record)
      // Whose it was cannot be told any more: its key is all there is to name it.
      } else if (text !== null) unreadable.push({ id: key, reason: refused.has(key) ? 'refused' : 'corrupt' })
    }
    // What cannot be written now, on a device that is full, hinders no reading.
    await index.tidy(async (tab, slots) => segments.has(tab) || (await emptyOf(tab, slots)).length < slots).catch(() => undefined)
    const said = records.flatMap((record) => readSaid(record) ?? []).sort((a, b) => a.nth - b.nth)
    transfers = needed(said, records)
    // Whoever wrote the others could not remove them.
    await remove(said.filter(({ id }) => !transfers.some((each) => each.id === id))).catch(() => undefined)
    return { records, unreadable }
  }

  async function emptyOf(tab: string, slots: number): Promise<string[]> {
    const keys = slotsOf(tab, slots)
    const texts = await readEach(readText, keys)
    return keys.filter((_, i) => texts[i] === null)
  }

  /** Makes sure that a reader finds the next `count` slots of a tab, before any of them is used. */
  async function announce(tab: string, count: number): Promise<() => string> {
    const next = segments.has(tab) ? 0 : (await index.all()).get(tab) ?? 0
    const segment = segments.get(tab) ?? { next, free: await emptyOf(tab, next) }
    segments.set(tab, segment)
    await index.raise(tab, segment.next + Math.max(0, count - segment.free.length))
    return () => segment.free.pop() ?? slotOf(tab, segment.next++)
  }

  /** Another tab may have taken a segment out of the index while it was empty, also one that what this tab has taken over stands in. */
  async function confirm(keys: readonly string[]): Promise<void> {
    const needed = new Map<string, number>()
    for (const key of keys) {
      const tab = tabOf(key)
      needed.set(tab, Math.max(needed.get(tab) ?? 0, Number(key.slice(key.lastIndexOf(':') + 1)) + 1))
    }
    for (const [tab, slots] of needed) await index.raise(tab, slots)
  }

  async function put(records: readonly StoredRecord[]): Promise<void> {
    const added = records.filter((record) => !places.has(recordKey(record)))
    const nextSlot = added[0] ? await announce(added[0].tab, added.length) : () => ''
    const placed: StoredRecord[] = []
    let written = 0
    try {
      for (const record of records) {
        const id = recordKey(record)
        const key = places.get(id) ?? nextSlot()
        if (!places.has(id)) placed.push(record)
        places.set(id, key)
        await storage.setItem(key, JSON.stringify(record))
        written++
      }
      await confirm(records.flatMap((record) => places.get(recordKey(record)) ?? []))
    } catch (reason) {
      // All or nothing, as far as such a storage can: what was new goes again.
      await remove(placed).catch(() => { if (written > 0) throw inDoubt(reason) })
      throw reason
    }
  }

  /** What the place of a record holds now. One that has been emptied, or is used for another record by now, is its place no more. */
  async function readAt(wanted: { readonly userId: string; readonly id: string }): Promise<StoredRecord | null> {
    const id = recordKey(wanted)
    const key = places.get(id)
    const text = key === undefined ? null : await readText(key)
    const held = text === null ? null : parseRecord(text)
    if (text !== null && (!held || recordKey(held) === id)) return held
    places.delete(id)
    return null
  }

  /** Which of these another tab has taken over since they were written. */
  async function ofOthers(records: readonly StoredRecord[]): Promise<readonly string[]> {
    const lost: string[] = []
    const owned = ownedAfter(transfers)
    for (const record of records) {
      const held = await readAt(record)
      if (held && owned(held).tab !== record.tab) lost.push(record.id)
    }
    return lost
  }

  async function remove(records: RecordChange['remove']): Promise<void> {
    for (const record of records) {
      const key = places.get(recordKey(record))
      if (key === undefined) continue
      await storage.removeItem(key)
      places.delete(recordKey(record))
      segments.get(tabOf(key))?.free.push(key)
    }
  }

  return {
    spreadMs: 100,
    load: (userId) => queued(async () => {
      const { records, unreadable } = await scan()
      return { records: records.filter((record) => record.userId === userId && !readSaid(record)).map(ownedAfter(transfers)), unreadable }
    }),
    write: ({ put: added, update = [], remove: removed }) => queued(async () => {
      if (!isScanned) await scan()
      await Promise.all([...added, ...removed].map(readAt))
      const lost = await ofOthers(update)
      await put([...added, ...update.filter((record) => !lost.includes(record.id))])
      await remove(removed).catch((reason: unknown) => { throw added.length > 0 ? inDoubt(reason) : reason })
      return lost
    }),
    // One record says first whose they are, so that nobody ever sees a part of them move; it goes when all stand under the new name.
    adopt: (userId, from, tab, ids) => queued(async () => {
      // Anew: a tab may have ended in the middle of taking them over.
      const { records } = await scan()
      const owned = ownedAfter(transfers)
      const found = new Map(records.map((record) => [recordKey(record), record]))
      const theirs = ids.flatMap((id) => found.get(recordKey({ userId, id })) ?? []).filter((record) => owned(record).tab === from)
      const moved = theirs.map((record) => ({ ...record, tab }))
      const nth = 1 + Math.max(0, ...transfers.map((each) => each.nth))
      const said = { userId, id: `transfer:${tab}:${nth}`, tab, version: RECORD_VERSION, data: { ...transferOf(theirs, from, tab), nth } }
      const before = transfers
      if (moved.length > 1) {
        await put([said])
        transfers = [...before, { ...said, ...said.data }]
      }
      try {
        await put(moved)
        await remove([said])
        transfers = before
      } catch (reason) {
        // Once it is said, what is refused can stay as it is.
        if (transfers === before) throw reason
      }
      return moved
    }),
    clear: (userId, upTo = Infinity) => queued(async () => {
      const { records, unreadable } = await scan(false)
      await remove(records.filter((record) => userId === undefined || (record.userId === userId && !(orderOf(record) > upTo))))
      // What may be this user's must not come back when it can be read again.
      if (userId !== undefined) {
        if (unreadable.some(({ reason }) => reason === 'refused')) throw new Error('the device refuses to read what may have to be removed')
        return
      }
      for (const key of [...unreadable.map(({ id }) => id), ...index.keys]) await storage.removeItem(key)
      segments.clear()
    }),
    close: index.close,
  }
}
