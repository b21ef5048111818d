import type { SocketConfig } from '../../../src/index'
import { CONTENT, createCountingStorage, gated, openChat, withMemory } from '../chat'
import { timed } from '../lines'
import { interleave, signal, stopwatch, type Sample } from '../measure'
import type { Part } from '../part'
import { createTexts, ours, persisted, until } from './storage'

const RECORDS = 10_000

/** A tab that left its messages behind; nobody holds its lock any more. */
async function leave(config: Partial<SocketConfig>): Promise<void> {
  const queue = await ours(config, () => 0)
  for (let i = 0; i < RECORDS; i++) queue.compose()
  await until(queue.isStored)
}

/** From `connect` to the state that shows all of them. */
async function restore(config: Partial<SocketConfig>): Promise<Sample> {
  const { reached, reach } = signal()
  const { chat, store } = openChat({ reconnection: { timeoutMs: 600_000 }, ...config, environment: { ...config.environment, transport: gated().transport } },
    (type) => { if (type === 'chat/outboxRestored') reach() })
  const stop = stopwatch()
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await reached
  const sample = stop(1)
  const found = chat.selectors.selectOutbox(store.getState()).length
  if (found !== RECORDS) throw new Error(`unable to measure: ${found} of ${RECORDS} records were restored`)
  store.dispatch(chat.actions.disconnect())
  return sample
}

/** The same for a slice under plain redux-persist: from `persistStore` to its REHYDRATE. */
async function rehydrate(texts: ReturnType<typeof createTexts>): Promise<Sample> {
  const stop = stopwatch()
  const { store, isReady } = persisted(texts)
  await isReady
  const sample = stop(1)
  const found = store.getState().outbox.entries.length
  if (found !== RECORDS) throw new Error(`unable to measure: redux-persist gave ${found} of ${RECORDS}`)
  return sample
}

const message = (i: number) => ({ id: crypto.randomUUID(), channelId: 'backlog', userId: 'alice', content: CONTENT, createdAt: Date.now() + i })

export const run: Part = async ({ isQuick }) => {
  const memory = withMemory(createCountingStorage())
  const texts = createTexts()
  const peer = createTexts()
  await leave(memory)
  await leave({ storage: texts.storage })
  const entries = Array.from({ length: RECORDS }, (_, i) => message(i))
  await peer.storage.setItem('persist:outbox', JSON.stringify({ entries: JSON.stringify(entries), _persist: '{"version":-1,"rehydrated":true}' }))
  const found = await interleave(isQuick ? 3 : 7, {
    records: () => restore(memory), texts: () => restore({ storage: texts.storage }), peer: () => rehydrate(peer),
  })
  return [
    timed({ id: 'rehydrate.records', what: 'rehydration of 10,000 records', peer: 'plain redux-persist, one key', kind: 'cost' }, found.records, found.peer),
    timed({ id: 'rehydrate.texts', what: 'rehydration of 10,000, key-value storage', peer: 'plain redux-persist, the same storage', kind: 'cost' }, found.texts, found.peer),
  ]
}
