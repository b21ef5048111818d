import { configureStore, isAction, type Middleware } from '@reduxjs/toolkit'
import { createChat, type RecordChange, type RecordStorage, type SocketConfig, type StoredRecord, type Transport } from '../../src/index'
import { createSocketIoTransport } from '../../src/transport/socket-io'

export interface Item { readonly id: string; readonly channelId: string; readonly userId: string; readonly content: string; readonly createdAt: number; readonly seq: number }

export const CONTENT = 'a message of a usual length, as people write them to each other'
const START = 1_700_000_000_000

/** The message with that seq - 1, new strings each time as a socket would give them. */
export const message = (i: number, channelId = 'general'): Item =>
  ({ id: `${channelId}-${i}`, channelId, userId: 'bob', content: `${CONTENT} ${i}`, createdAt: START + i, seq: i + 1 })

export const series = (from: number, count: number, channelId = 'general'): Item[] => Array.from({ length: count }, (_, i) => message(from + i, channelId))

export const received = (messages: readonly Item[]) => ({ type: 'chat/messagesReceived', payload: { messages } })

export type Told = (type: string, payload: unknown) => void

/** A store as an app has it, in production mode; `told` hears of every action once the state has it. */
export function openChat(config: Partial<SocketConfig>, told?: Told) {
  const chat = createChat({ url: 'http://localhost', token: 'token', ...config, reducerPath: 'chat' })
  const watch: Middleware = () => (next) => (action) => {
    const result = next(action)
    if (told && isAction(action)) told(action.type, 'payload' in action ? action.payload : undefined)
    return result
  }
  const store = configureStore({
    reducer: { chat: chat.reducer },
    // Nothing beside ours on the measured path where nobody listens.
    middleware: (getDefault) => (told ? getDefault().concat(chat.middleware, watch) : getDefault().concat(chat.middleware)),
  })
  return { chat, store }
}

/** `before` messages received by bursts into one channel. */
export function loaded(before: number, windowSize: number) {
  const opened = openChat({ storage: false, history: { windowSize } })
  // What the window takes in one action, and 500 at the least.
  const burst = Math.max(500, Math.min(before, windowSize))
  for (let from = 0; from < before; from += burst) opened.store.dispatch(received(series(from, Math.min(burst, before - from))))
  return opened
}

export interface CountingStorage extends RecordStorage {
  /** Bytes of JSON that were put so far, and how many records. */
  readonly written: { bytes: number; puts: number; removes: number; writes: number }
}

/**
 * Records in a Map, cloned as IndexedDB clones them: what a device's storage costs the page at the very least. (The memory storage of
 * `redux-chat/testing` filters its whole list at each write; that would be measured in place of the library.)
 */
export function createCountingStorage(isCounting = false): CountingStorage {
  const records = new Map<string, StoredRecord>()
  const written = { bytes: 0, puts: 0, removes: 0, writes: 0 }
  const keyOf = ({ userId, id }: { userId: string; id: string }): string => `${userId}/${id}`
  return {
    written,
    load: async (userId) => ({ records: structuredClone([...records.values()].filter((record) => record.userId === userId)), unreadable: [] }),
    async write({ put, update = [], remove }: RecordChange) {
      const all = [...put, ...update]
      for (const record of all) records.set(keyOf(record), structuredClone(record))
      for (const gone of remove) records.delete(keyOf(gone))
      written.writes++
      written.puts += all.length
      written.removes += remove.length
      if (isCounting) for (const record of all) written.bytes += Buffer.byteLength(JSON.stringify(record))
      return []
    },
    async adopt(userId, from, tab, ids) {
      const wanted = new Set(ids)
      const moved = [...records.values()].filter((record) => record.userId === userId && record.tab === from && wanted.has(record.id))
        .map((record) => ({ ...record, tab }))
      for (const record of moved) records.set(keyOf(record), record)
      return structuredClone(moved)
    },
    async clear(userId) {
      for (const [key, record] of records) if (userId === undefined || record.userId === userId) records.delete(key)
    },
    close: () => undefined,
  }
}

export const withMemory = (storage: RecordStorage = createCountingStorage()): Partial<SocketConfig> =>
  ({ environment: { storage: () => storage } })

/** Socket.IO behind a gate: until it opens, every attempt to connect is under way and messages queue up. */
export function gated(): { readonly transport: Transport; readonly release: () => void } {
  const real = createSocketIoTransport()
  const waiting: (() => void)[] = []
  return {
    release: () => { for (const open of waiting.splice(0)) open() },
    transport: {
      open(request, handlers) {
        let inner: ReturnType<Transport['open']> | null = null
        let isClosed = false
        waiting.push(() => { if (!isClosed) inner = real.open(request, handlers) })
        return {
          emit: (event, args, onAck) => inner?.emit(event, args, onAck),
          close: () => {
            isClosed = true
            inner?.close()
          },
        }
      },
    },
  }
}
