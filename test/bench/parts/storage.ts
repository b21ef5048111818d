import { createSlice, configureStore, type PayloadAction } from '@reduxjs/toolkit'
import { FLUSH, PAUSE, PERSIST, PURGE, persistReducer, persistStore, REGISTER, REHYDRATE } from 'redux-persist'
import type { KeyValueStorage } from '../../../src/index'
import { CONTENT, createCountingStorage, gated, openChat } from '../chat'
import { computed, counted, type Line } from '../lines'
import { interleave, signal, stopwatch, turn, type Sample, type Side } from '../measure'
import type { Part } from '../part'

const FEW = 10
/** Plain redux-persist writes its whole queue each time: minutes for 10,000. */
const manyOf = (isQuick: boolean): number => (isQuick ? 3_000 : 10_000)
const ONE_BY_ONE = 50

interface Draft { readonly id: string; readonly channelId: string; readonly userId: string; readonly content: string; readonly createdAt: number }

const draft = (): Draft => ({ id: crypto.randomUUID(), channelId: 'backlog', userId: 'alice', content: CONTENT, createdAt: Date.now() })
/** What a message itself weighs: what any storage has to write at least. */
const PAYLOAD_BYTES = Buffer.byteLength(JSON.stringify(draft()))

/** A queue on a device: `compose` puts one more into it, `isStored` says whether all of them are durable, `bytes` what was written so far. */
export interface Queue {
  readonly compose: () => void
  readonly isStored: () => boolean
  readonly bytes: () => number
}

export const until = async (isSo: () => boolean): Promise<void> => { while (!isSo()) await turn() }

const queueUp = async (queue: Queue, count: number): Promise<void> => {
  for (let i = 0; i < count; i++) queue.compose()
  await until(queue.isStored)
}

/** Ours behind a connection that never opens. */
export async function ours(config: Parameters<typeof openChat>[0], bytes: () => number): Promise<Queue> {
  let stored = 0
  let composed = 0
  const { chat, store } = openChat(
    { reconnection: { timeoutMs: 600_000 }, ...config, environment: { ...config.environment, transport: gated().transport } },
    (type, payload) => {
      if (type !== 'chat/outboxStored' || typeof payload !== 'object' || payload === null || !('ids' in payload) || !Array.isArray(payload.ids)) return
      stored += payload.ids.length
    },
  )
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  for (let i = 0; i < 20; i++) await turn()
  return {
    bytes, isStored: () => stored === composed,
    compose() {
      composed++
      store.dispatch(chat.actions.sendMessage({ channelId: 'backlog', content: CONTENT }))
    },
  }
}

/** Keys and texts in memory, as any redux-persist storage. */
export function createTexts(): { readonly storage: Required<KeyValueStorage>; readonly written: { bytes: number; writes: number } } {
  const texts = new Map<string, string>()
  const written = { bytes: 0, writes: 0 }
  return {
    written,
    storage: {
      getItem: async (key) => texts.get(key) ?? null,
      async setItem(key, value) {
        texts.set(key, value)
        written.bytes += Buffer.byteLength(value)
        written.writes++
      },
      removeItem: async (key) => { texts.delete(key) },
    },
  }
}

const outbox = createSlice({
  name: 'outbox', initialState: { entries: [] as Draft[] },
  // Not spread into a new array: Immer would answer each read of the old one through a proxy, a minute for 10,000.
  reducers: { composed: (state, { payload }: PayloadAction<Draft>) => { state.entries.push(payload) } },
})

/** A queue as an app without us keeps it: an array in a slice, under redux-persist. */
export function persisted(texts = createTexts()) {
  const { storage } = texts
  const { reached: isReady, reach } = signal()
  const reducer = persistReducer({
    key: 'outbox',
    storage: {
      getItem: async (key: string) => storage.getItem(key),
      setItem: async (key: string, value: string) => storage.setItem(key, value),
      removeItem: async (key: string) => storage.removeItem(key),
    },
  }, outbox.reducer)
  const store = configureStore({
    reducer: { outbox: reducer },
    middleware: (getDefault) => getDefault({ serializableCheck: { ignoredActions: [FLUSH, PAUSE, PERSIST, PURGE, REGISTER, REHYDRATE] } }),
  })
  persistStore(store, null, reach)
  return { store, isReady, texts }
}

async function plain(): Promise<Queue> {
  const { store, isReady, texts: { written } } = persisted()
  await isReady
  let [composed, writes] = [0, 0]
  return {
    bytes: () => written.bytes,
    compose() {
      // Several messages may share a write; one that comes after a message is behind it.
      writes = written.writes
      composed++
      store.dispatch(outbox.actions.composed(draft()))
    },
    isStored: () => composed === 0 || written.writes > writes,
  }
}

/** From dispatch to durable, one message after the other, onto a queue that is so long already. */
function enqueue(queue: Queue): Side {
  return async (): Promise<Sample> => {
    const stop = stopwatch()
    for (let i = 0; i < ONE_BY_ONE; i++) await queueUp(queue, 1)
    return stop(ONE_BY_ONE)
  }
}

async function bytesOfOne(queue: Queue): Promise<number> {
  const before = queue.bytes()
  for (let i = 0; i < ONE_BY_ONE; i++) await queueUp(queue, 1)
  return (queue.bytes() - before) / ONE_BY_ONE
}

const records = (): Promise<Queue> => {
  const storage = createCountingStorage(true)
  return ours({ environment: { storage: () => storage } }, () => storage.written.bytes)
}

const keyValue = (): Promise<Queue> => {
  const { storage, written } = createTexts()
  return ours({ storage }, () => written.bytes)
}

const filled = async (create: () => Promise<Queue>, count: number): Promise<Queue> => {
  const queue = await create()
  await queueUp(queue, count)
  return queue
}

/** A queue of ten stays one of ten: each round has a new one. */
const fresh = (create: () => Promise<Queue>): Side => async () => enqueue(await filled(create, FEW))()

async function written(peer: Queue, queued: number): Promise<Line[]> {
  const more = `one more at ${queued.toLocaleString('en')} queued`
  const lineOf = async (id: string, what: string, create: () => Promise<Queue>, budget?: number): Promise<Line[]> => {
    const [few, many] = [await filled(create, FEW), await filled(create, queued)]
    const all = many.bytes() / queued
    const [atFew, atMany, theirs] = [await bytesOfOne(few), await bytesOfOne(many), await bytesOfOne(peer)]
    return [
      counted({ id: `${id}.total`, what: `${what}, per message of ${queued.toLocaleString('en')}`, peer: 'its payload', kind: 'cost', ...(budget !== undefined && { budget }) }, 'B', all, PAYLOAD_BYTES),
      counted({ id: `${id}.few`, what: `${what}, one more at 10 queued`, peer: 'its payload', kind: 'cost' }, 'B', atFew, PAYLOAD_BYTES),
      counted({ id: `${id}.many`, what: `${what}, ${more}`, peer: 'its payload', kind: 'cost', ...(budget !== undefined && { budget }) }, 'B', atMany, PAYLOAD_BYTES),
      counted({ id: `${id}.persist`, what: `${what}, ${more}`, peer: 'plain redux-persist', kind: 'faster' }, 'B', atMany, theirs),
    ]
  }
  return [...await lineOf('bytes.records', 'bytes stored', records, 3), ...await lineOf('bytes.texts', 'bytes stored, key-value storage', keyValue)]
}

export const run: Part = async ({ isQuick }) => {
  const queued = manyOf(isQuick)
  const [many, peer] = [await filled(records, queued), await filled(plain, queued)]
  const what = `dispatch to stored, at ${queued.toLocaleString('en')} queued`
  const found = await interleave(isQuick ? 3 : 7, { many: enqueue(many), few: fresh(records), peer: enqueue(peer), peerFew: fresh(plain) })
  return [
    computed({ id: 'enqueue.flat', what, peer: 'ours at 10 queued', kind: 'cost', budget: 1.25 }, found.many, found.few),
    computed({ id: 'enqueue.persist', what, peer: 'plain redux-persist', kind: 'faster' }, found.many, found.peer),
    computed({ id: 'enqueue.persist.few', what: 'dispatch to stored, at 10 queued', peer: 'plain redux-persist', kind: 'faster' }, found.few, found.peerFew),
    ...await written(peer, queued),
  ]
}
