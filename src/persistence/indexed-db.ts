import type { LoadedRecords, RecordChange, RecordStorage, StoredRecord, UnreadableRecord } from './record-storage'
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
  transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
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

/** Uses the global `IDBKeyRange` beside `factory`. Unsent messages in IndexedDB, one record each. Opened on first use; opened anew when the browser closed it. */
export function createIndexedDbStorage({ name, factory: given }: { readonly name: string; readonly factory?: IDBFactory }): RecordStorage {
  let opening: Promise<IDBDatabase> | null = null
  let isLogRenewed = false

  function connect(): Promise<IDBDatabase> {
    // Only now: where the browser denies it, a look at it throws.
    const factory = given ?? indexedDB
    const request = factory.open(name, DB_VERSION)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ['userId', 'id'] })
    return settled(request).then((db) => {
      if (!isLogRenewed) renewLog(factory, name)
      isLogRenewed = true
      const forget = (): void => { opening = null }
      db.onclose = forget
      // Newer code in another tab wants to change the schema: give way, and open again when needed.
      db.onversionchange = () => {
        forget()
        db.close()
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
      if (!(reason instanceof DOMException) || reason.name !== 'InvalidStateError') throw reason
      opening = null
      return start(await open())
    }
  }

  return {
    async load(userId) {
      const records = (await begin('readonly')).objectStore(STORE)
      const [found, keys] = await Promise.all([settled(records.getAll(ofUser(userId))), settled(records.getAllKeys(ofUser(userId)))])
      return sort(found, keys)
    },
    async write({ put, update = [], remove }: RecordChange) {
      const transaction = await begin('readwrite')
      const done = completed(transaction)
      const records = transaction.objectStore(STORE)
      const lost: string[] = []
      const updateOwned = (record: StoredRecord): void => {
        const found = records.get([record.userId, record.id])
        found.onsuccess = () => {
          const held: unknown = found.result
          if (isRecord(held) && held.tab !== record.tab) lost.push(record.id)
          else records.put(record)
        }
      }
      try {
        for (const record of put) records.put(record)
        for (const { userId, id } of remove) records.delete([userId, id])
        for (const record of update) updateOwned(record)
        // With nothing more to ask, the browser needs not wait for it.
        if (update.length === 0) transaction.commit()
      } catch (reason) {
        // Thrown before the browser saw all of it: nothing of it may stay.
        done.catch(() => undefined)
        transaction.abort()
        throw reason
      }
      await done
      return lost
    },
    async adopt(userId, from, tab, ids) {
      // Were it lost with the power, they would belong to a tab that has ended, as before.
      const transaction = await begin('readwrite', 'relaxed')
      const done = completed(transaction)
      // A refused request ends both, and says why itself.
      done.catch(() => undefined)
      const records = transaction.objectStore(STORE)
      const found = await Promise.all(ids.map((id) => settled<unknown>(records.get([userId, id]))))
      const moved = found.filter(isRecord).filter((record) => record.tab === from).map((record) => ({ ...record, tab }))
      for (const record of moved) records.put(record)
      await done
      return moved
    },
    async clear(userId) {
      const transaction = await begin('readwrite')
      const done = completed(transaction)
      const records = transaction.objectStore(STORE)
      if (userId === undefined) records.clear()
      else records.delete(ofUser(userId))
      await done
    },
    close() {
      opening?.then((db) => db.close(), () => undefined)
      opening = null
    },
  }
}
