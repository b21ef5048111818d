import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { createManualClock, createMemoryLocks, type MemoryLocks } from 'redux-chat/testing'
import { expect, vi } from 'vitest'
import type { OutboxEntry, OutboxState, ReadMark } from '../../src/model'
import { createIndexedDbStorage } from '../../src/persistence/indexed-db'
import { createKeyValueStorage, type KeyValueStorage } from '../../src/persistence/key-value'
import { createOutboxPersistence } from '../../src/persistence/persist'
import type { RestoredOutbox } from '../../src/persistence/records'
import type { LoadedRecords, RecordChange, RecordStorage, StoredRecord } from '../../src/persistence/record-storage'
import { sequenceOf } from '../../src/policy/sequence'
import { grouped, tableOf } from '../../src/policy/table'
import type { StorageProblem } from '../../src/persistence/problem'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { createDisk } from '../simulation/disk'
import { createGate, createGatedLocks } from '../simulation/gate'

export interface OutboxOptions { readonly userId?: string; readonly channel?: string }

export const entry = (id: string, order = 1, more: Partial<OutboxEntry> = {}, { userId = 'alice', channel = 'general' }: OutboxOptions = {}): OutboxEntry => ({
  message: { id, channelId: channel, userId, content: `content of ${id}`, createdAt: 1_000 + order },
  order, attempts: 0, spent: 0, losses: 0, budgetFrom: 1_000 + order, dedupWindowMs: null, nextAttemptAt: null, lease: null, stored: false, failure: null, lastError: null,
  ...more,
})

export function outbox(entries: readonly OutboxEntry[], userId: string | null = 'alice', reads: { [key: string]: ReadMark } = {}): OutboxState {
  const queues = [...grouped(entries, (each) => each.message.channelId)].map(([channelId, queue]) => [channelId, sequenceOf(queue)] as const)
  return { userId, channels: tableOf(queues), lastOrder: 0, reads }
}

export const record = (id: string, tab = 'tab', userId = 'alice', more: Partial<StoredRecord> = {}): StoredRecord =>
  ({ userId, id, tab, version: 1, data: { message: entry(id, 1, {}, { userId }).message, order: 1 }, ...more })

/** A Web Storage as far as redux-persist knows one; `async` answers as AsyncStorage does. */
export function createBackend({ isAsync = false } = {}) {
  const items = new Map<string, string>()
  const answer = <T>(value: T): T | Promise<T> => (isAsync ? Promise.resolve(value) : value)
  const backend = {
    items,
    bytes: 0,
    refusesAfter: Infinity,
    getItem: (key: string) => answer(items.get(key) ?? null),
    setItem(key: string, value: string) {
      if (backend.refusesAfter-- <= 0) throw new DOMException('full', 'QuotaExceededError')
      backend.bytes += key.length + value.length
      items.set(key, value)
      return answer(undefined)
    },
    removeItem(key: string) {
      items.delete(key)
      return answer(undefined)
    },
  }
  return backend satisfies KeyValueStorage
}

/** As often as a key-value storage asks to be asked again where a part of it is refused. */
export const PATIENCE = 4

export async function loadPatiently(storage: RecordStorage): Promise<LoadedRecords> {
  for (let looks = 0; looks < PATIENCE; looks++) await expect(storage.load('alice')).rejects.toThrow()
  return storage.load('alice')
}

/** Each engine twice over the same device: the second is what a later page finds. */
export const ENGINES: readonly (readonly [name: string, create: () => () => RecordStorage])[] = [
  ['IndexedDB', () => {
    const factory = new IDBFactory()
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    return () => createIndexedDbStorage({ name: 'chat', factory })
  }],
  ['key-value, synchronous', () => {
    const storage = createBackend()
    return () => createKeyValueStorage({ name: 'chat', storage })
  }],
  ['key-value, asynchronous', () => {
    const storage = createBackend({ isAsync: true })
    return () => createKeyValueStorage({ name: 'chat', storage })
  }],
  // The disk of the simulation, whose calls take their time.
  ['simulated', () => {
    const clock = createManualClock()
    const disk = createDisk(clock, () => 0.5, () => undefined)
    const storage = disk.open(() => true)
    const passing = <T>(answer: Promise<T>): Promise<T> => {
      void clock.advance(100)
      return answer
    }
    return () => ({
      load: (userId) => passing(storage.load(userId)),
      write: (change) => passing(storage.write(change)),
      adopt: (...args) => passing(storage.adopt(...args)),
      clear: (...args) => passing(storage.clear(...args)),
      close: () => storage.close(),
    })
  }],
  ['memory', () => {
    const storage = createMemoryStorage()
    return () => storage
  }],
]

/** A device that does what the test says: refuses, hangs, and counts. */
export function createDevice(inner: RecordStorage = createMemoryStorage()) {
  const writes: RecordChange[] = []
  const held: (() => void)[] = []
  const device = {
    writes,
    opened: 0,
    closed: 0,
    /** Name of the error that every call ends with. */
    refuses: null as string | null,
    /** Records with more JSON than this are too many for it. */
    room: Infinity,
    hangs: false,
    /** Lets the oldest held write go. */
    release: () => held.shift()?.(),
    ids: async (userId = 'alice') => (await inner.load(userId)).records.map(({ id }) => id),
    inner,
    open(): RecordStorage {
      device.opened++
      return storage
    },
  }
  const pass = async <T>(task: () => Promise<T>): Promise<T> => {
    if (device.refuses !== null) throw new DOMException('no', device.refuses)
    if (device.hangs) await new Promise<void>((resolve) => { held.push(resolve) })
    return task()
  }
  const storage: RecordStorage = {
    ...inner,
    load: (userId) => pass(() => inner.load(userId)),
    write: (change) => {
      writes.push(change)
      return pass(() => {
        if ([...change.put, ...change.update ?? []].some((each) => JSON.stringify(each).length > device.room)) throw new DOMException('full', 'QuotaExceededError')
        return inner.write(change)
      })
    },
    adopt: (...args) => pass(() => inner.adopt(...args)),
    clear: (...args) => pass(() => inner.clear(...args)),
    close: () => { device.closed++ },
  }
  return device
}

export type Device = ReturnType<typeof createDevice>

export interface TabOptions {
  readonly device?: Device
  readonly clock?: ReturnType<typeof createManualClock>
  readonly locks?: MemoryLocks | null
  readonly tabId?: string
}

/** One page: its persistence, and what it reported. */
export function openTab({ device = createDevice(), clock = createManualClock(), locks = createMemoryLocks(), tabId = 'tab' }: TabOptions = {}) {
  const stored: string[] = []
  const failed: StorageProblem[] = []
  const lost: string[] = []
  const adopted: RestoredOutbox<{}>[] = []
  const purged = vi.fn()
  const gatedLocks = locks && createGatedLocks(createGate(), locks.forTab(tabId))
  const persistence = createOutboxPersistence<{}>({
    key: 'chat', storage: device.open, locks: gatedLocks?.locks ?? null, clock, random: () => 0.5, tabId,
    report: {
      stored: (ids) => stored.push(...ids),
      failed: (problem) => failed.push(problem),
      // As the state takes it: what it shows already, or nothing, is nothing new.
      adopted: (_userId, { entries, reads, unreadable }) => {
        const news = entries.filter(({ message: { id } }) => !adopted.some((earlier) => contents(earlier).includes(id)))
        if (news.length + unreadable.length + Object.keys(reads).length > 0) adopted.push({ entries: news, reads, unreadable })
      },
      unstored: purged,
      lost: (ids) => lost.push(...ids),
    },
  })
  return {
    ...persistence, persistence, device, clock, locks, tabId, lost, stored, failed, adopted, purged,
    kill: () => locks?.kill(tabId),
    /** The browser takes the locks of a page that it has put away. */
    loseLocks: () => gatedLocks?.releaseAll(),
  }
}

export const contents = (restored: RestoredOutbox<{}>): readonly string[] => restored.entries.map(({ message }) => message.id)
