import type { LoadedRecords, RecordStorage, StoredRecord, UnreadableRecord } from './record-storage'

/** What redux-persist calls a storage: localStorage, AsyncStorage, MMKV and their like, synchronous or not. */
export interface KeyValueBackend {
  getItem(key: string): unknown
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

interface Place { readonly userId: string; readonly id: string }

const isPlace = (value: unknown): value is Place =>
  typeof value === 'object' && value !== null && 'userId' in value && typeof value.userId === 'string' && 'id' in value && typeof value.id === 'string'

const isRecord = (value: unknown): value is StoredRecord =>
  isPlace(value) && 'tab' in value && typeof value.tab === 'string' && 'version' in value && typeof value.version === 'number' && 'data' in value

function parse(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Reported as unreadable by whoever asked, and left as it is.
    return undefined
  }
}

/**
 * Unsent messages over a storage of keys and texts: one key per record, and one that lists them. Such a storage has no transactions, so the
 * order keeps it whole: an id is listed before its record is written, and unlisted after it is removed. A listed id without a record is nothing.
 */
export function createKeyValueStorage({ name, storage }: { readonly name: string; readonly storage: KeyValueBackend }): RecordStorage {
  const indexKey = `redux-chat:${name}:index`
  const keyOf = ({ userId, id }: Place): string => `redux-chat:${name}:${userId.length}:${userId}:${id}`
  let last: Promise<unknown> = Promise.resolve()

  /** One change after the other, whatever the storage's own order. */
  function queued<T>(task: () => Promise<T>): Promise<T> {
    const result = last.then(task, task)
    last = result.catch(() => undefined)
    return result
  }

  async function readIndex(): Promise<readonly Place[]> {
    const listed = parse(await storage.getItem(indexKey))
    return Array.isArray(listed) ? listed.filter(isPlace) : []
  }

  const writeIndex = async (places: readonly Place[]): Promise<void> => {
    await storage.setItem(indexKey, JSON.stringify(places))
  }

  async function list(added: readonly Place[]): Promise<readonly Place[]> {
    const known = await readIndex()
    const keys = new Set(known.map(keyOf))
    const missing = added.filter((place) => !keys.has(keyOf(place))).map(({ userId, id }) => ({ userId, id }))
    if (missing.length === 0) return known
    const all = [...known, ...missing]
    await writeIndex(all)
    return all
  }

  async function remove(places: readonly Place[], listed: readonly Place[]): Promise<void> {
    if (places.length === 0) return
    for (const place of places) await storage.removeItem(keyOf(place))
    const gone = new Set(places.map(keyOf))
    await writeIndex(listed.filter((place) => !gone.has(keyOf(place))))
  }

  async function load(userId: string): Promise<LoadedRecords> {
    const records: StoredRecord[] = []
    const unreadable: UnreadableRecord[] = []
    for (const place of await readIndex()) {
      if (place.userId !== userId) continue
      const text = await storage.getItem(keyOf(place))
      if (text === null || text === undefined) continue
      const record = parse(text)
      if (isRecord(record) && record.userId === userId) records.push(record)
      else unreadable.push({ id: place.id, reason: 'corrupt' })
    }
    return { records, unreadable }
  }

  return {
    load: (userId) => queued(() => load(userId)),
    write: (change) => queued(async () => {
      const listed = await list(change.put)
      for (const record of change.put) await storage.setItem(keyOf(record), JSON.stringify(record))
      await remove(change.remove, listed)
    }),
    adopt: (userId, from, tab) => queued(async () => {
      const { records } = await load(userId)
      const moved = records.filter((record) => record.tab === from).map((record) => ({ ...record, tab }))
      for (const record of moved) await storage.setItem(keyOf(record), JSON.stringify(record))
      return moved
    }),
    clear: (userId) => queued(async () => {
      const listed = await readIndex()
      await remove(listed.filter((place) => userId === undefined || place.userId === userId), listed)
    }),
    close: () => undefined,
  }
}
