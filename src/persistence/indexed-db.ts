import { fieldsOf } from '../policy/json'
import type { RecordStorage } from './record-storage'
import { problemOf } from './problem'
import { isRecord } from './record-text'
import { isShared, orderOf } from './records'
import { renewLog } from './renew-log'
import { needed, ownedAfter, readTransfer, transferOf, type Transfer } from './transfers'

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

/** Where the transfers of a user stand, in one value. It sorts after every `[userId, id]`, as `[userId]` sorts before. */
const transfersKey = (userId: string) => [userId, []]
/** All records of one user, or with them the transfers. */
const ofUser = (userId: string, isWhole = false): IDBKeyRange => IDBKeyRange.bound([userId], transfersKey(userId), false, !isWhole)

async function transfersOf(store: IDBObjectStore, userId: string): Promise<readonly Transfer[]> {
  const { transfers } = fieldsOf(await settled<unknown>(store.get(transfersKey(userId))))
  return Array.isArray(transfers) ? transfers.flatMap((value) => readTransfer(value) ?? []) : []
}

async function allOf(store: IDBObjectStore, userId: string) {
  const [found, transfers] = await Promise.all([settled<unknown[]>(store.getAll(ofUser(userId))), transfersOf(store, userId)])
  const records = found.filter(isRecord)
  return { found, records, transfers, owned: ownedAfter(transfers) }
}

function keep(store: IDBObjectStore, userId: string, transfers: readonly Transfer[]): void {
  if (transfers.length > 0) store.put({ userId, id: [], transfers })
  else store.delete(transfersKey(userId))
}

const countIds = (transfers: readonly Transfer[]): number => transfers.flatMap(({ ids }) => ids).length

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
        // Or on a device that was full: then its log may be torn as by a kill, and the next opening goes on behind that.
        isLogRenewed = false
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

  /** Drops what transfers say about messages that are gone, or stand under their owner's name by now. */
  const sweep = (userId: string): Promise<void> => change(async (store) => {
    const { records, transfers } = await allOf(store, userId)
    keep(store, userId, needed(transfers, records))
  }, 'relaxed')

  return {
    async load(userId) {
      const { found, records, transfers, owned } = await change((store) => allOf(store, userId), 'strict', 'readonly')
      // What cannot be written now hinders no reading.
      if (countIds(transfers) > 2 * countIds(needed(transfers, records))) await sweep(userId).catch(() => undefined)
      return { records: records.map(owned), unreadable: found.filter((value) => !isRecord(value)).map((value) => ({ id: String(fieldsOf(value)['id']), reason: 'corrupt' })) }
    },
    write: ({ put, update = [], remove }) => change(async (records) => {
      const lost: string[] = []
      for (const record of put) records.put(record)
      for (const { userId, id } of remove) records.delete([userId, id])
      // With nothing more to ask, the browser needs not wait for it.
      if (update.length === 0) records.transaction.commit()
      const users = [...new Set(update.map(({ userId }) => userId))]
      const owned = ownedAfter((await Promise.all(users.map((userId) => transfersOf(records, userId)))).flat())
      await Promise.all(update.map(async (record) => {
        const held: unknown = await settled(records.get([record.userId, record.id]))
        // What somebody took over and removed is not written again either.
        if (owned(isRecord(held) ? held : record).tab !== record.tab) lost.push(record.id)
        else records.put(record)
      }))
      return lost
    }),
    // The records stay where they are: as many as they may be, one value says whose they are from now on.
    adopt: (userId, from, tab, ids) => change(async (store) => {
      const wanted = new Set(ids)
      const { records, transfers, owned } = await allOf(store, userId)
      const theirs = records.filter((record) => wanted.has(record.id) && owned(record).tab === from)
      const moved = theirs.map((record) => ({ ...record, tab }))
      for (const record of moved) if (isShared(record.id)) store.put(record)
      if (moved.length > 0) keep(store, userId, needed([...transfers, transferOf(theirs, from, tab)], records))
      return moved
      // Were it lost with the power, they would belong to a tab that has ended, as before.
    }, 'relaxed'),
    clear: (userId, upTo = Infinity) => change(async (store) => {
      if (userId === undefined) return void store.clear()
      const { records } = upTo === Infinity ? { records: [] } : await allOf(store, userId)
      const kept = records.filter((record) => orderOf(record) > upTo)
      if (kept.length === 0) return void store.delete(ofUser(userId, true))
      for (const { id } of records.filter((record) => !kept.includes(record))) store.delete([userId, id])
    }),
    close() {
      opening?.then((db) => db.close(), () => undefined)
      opening = null
    },
  }
}
