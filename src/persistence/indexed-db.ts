import type { LoadedRecords, RecordStorage, UnreadableRecord } from './record-storage'
import { problemOf } from './problem'
import { isRecord } from './record-text'
import { renewLog } from './renew-log'

const STORE = 'records'
const DB_VERSION = 1

const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error ?? new Error('the request failed'))
})

const completed = (transaction: IDBTransaction): Promise<void> => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve()
  transaction.onabort = () => reject(transaction.error ?? new Error('the transaction aborted'))
})

function sort(found: readonly unknown[], keys: readonly IDBValidKey[]): LoadedRecords {
  const records = found.filter(isRecord)
  const unreadable = found.flatMap((value, i): readonly UnreadableRecord[] => {
    const key = keys[i]
    return isRecord(value) ? [] : [{ id: Array.isArray(key) ? String(key[1]) : String(key), reason: 'corrupt' }]
  })
  return { records, unreadable }
}

/** All keys of one user: `[userId]` sorts before, `[userId, []]` after every `[userId, id]`. */
const ofUser = (userId: string): IDBKeyRange => IDBKeyRange.bound([userId], [userId, []])

export interface IndexedDbOptions {
  readonly name: string
  /** Beside it the global `IDBKeyRange` is used. */
  readonly factory?: IDBFactory
  /** Called when all that was stored may be gone: somebody cleared or deleted it. */
  readonly dropped?: (() => void) | undefined
}

/** Unsent messages in IndexedDB, one record each. Opened on first use; opened anew when the browser closed it. */
export function createIndexedDbStorage({ name, factory: given, dropped }: IndexedDbOptions): RecordStorage {
  let opening: Promise<IDBDatabase> | null = null
  let isLogRenewed = false
  /** The last one that began: the writer does one thing after the other. */
  let current: IDBTransaction | undefined

  function connect(): Promise<IDBDatabase> {
    // Only now: where the browser denies it, a look at it throws.
    const factory = given ?? indexedDB
    const request = factory.open(name, DB_VERSION)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ['userId', 'id'] })
    return settled(request).then((db) => {
      if (!isLogRenewed) renewLog(factory, name).catch(() => undefined)
      isLogRenewed = true
      // The browser closes what it clears.
      db.onclose = () => {
        opening = null
        // Chromium may tell a transaction of it nothing, for ever (156: 3 of 16 that were cleared in the middle of writes).
        current?.onabort?.(new Event('abort'))
        dropped?.()
      }
      // Newer code in another tab wants to change the schema, or somebody to delete it: give way, and open again when needed.
      db.onversionchange = ({ newVersion }) => {
        opening = null
        db.close()
        if (newVersion === null) dropped?.()
      }
      return db
    })
  }

  function open(): Promise<IDBDatabase> {
    opening ??= connect().catch((reason: unknown) => {
      opening = null
      throw reason
    })
    return opening
  }

  async function begin(mode: IDBTransactionMode, durability: IDBTransactionDurability = 'strict'): Promise<IDBTransaction> {
    const start = (db: IDBDatabase): IDBTransaction => db.transaction(STORE, mode, { durability })
    try {
      return start(await open())
    } catch (reason) {
      // A connection that the browser closed without telling (storage eviction, WebKit in the background) is opened once more.
      if (problemOf(reason).code !== 'storage_denied') throw reason
      opening = null
      return start(await open())
    }
  }

  /** All of `task` or nothing, whether it throws or is refused. */
  async function change<T>(task: (records: IDBObjectStore) => T | Promise<T>, durability?: IDBTransactionDurability, mode: IDBTransactionMode = 'readwrite'): Promise<T> {
    const transaction = current = await begin(mode, durability)
    const done = completed(transaction)
    // What ends both says why itself.
    done.catch(() => undefined)
    try {
      const [result] = await Promise.all([task(transaction.objectStore(STORE)), done])
      return result
    } catch (reason) {
      try {
        transaction.abort()
      } catch {
        // It has ended already.
      }
      throw reason
    }
  }

  return {
    load: (userId) => change(async (records) => {
      const [found, keys] = await Promise.all([settled(records.getAll(ofUser(userId))), settled(records.getAllKeys(ofUser(userId)))])
      return sort(found, keys)
    }, 'strict', 'readonly'),
    write: ({ put, update = [], remove }) => change(async (records) => {
      const lost: string[] = []
      for (const record of put) records.put(record)
      for (const { userId, id } of remove) records.delete([userId, id])
      // With nothing more to ask, the browser needs not wait for it.
      if (update.length === 0) records.transaction.commit()
      await Promise.all(update.map(async (record) => {
        const held: unknown = await settled(records.get([record.userId, record.id]))
        if (isRecord(held) && held.tab !== record.tab) lost.push(record.id)
        else records.put(record)
      }))
      return lost
    }),
    adopt: (userId, from, tab, ids) => change(async (records) => {
      const wanted = new Set(ids)
      const found: readonly unknown[] = await settled(records.getAll(ofUser(userId)))
      const moved = found.filter(isRecord).filter((record) => record.tab === from && wanted.has(record.id)).map((record) => ({ ...record, tab }))
      for (const record of moved) records.put(record)
      return moved
      // Were it lost with the power, they would belong to a tab that has ended, as before.
    }, 'relaxed'),
    clear: (userId) => change((records) => {
      if (userId === undefined) records.clear()
      else records.delete(ofUser(userId))
    }),
    close() {
      opening?.then((db) => db.close(), () => undefined)
      opening = null
    },
  }
}
