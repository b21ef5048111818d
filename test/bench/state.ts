import { configureStore, createEntityAdapter, createSlice } from '@reduxjs/toolkit'
import { openStore } from './client'

interface Item { readonly id: string; readonly channelId: string; readonly userId: string; readonly content: string; readonly createdAt: number; readonly seq: number }

const message = (i: number): Item =>
  ({ id: `message-${i}`, channelId: 'general', userId: 'bob', content: `message ${i}`, createdAt: 1_700_000_000_000 + i, seq: i + 1 })

const series = (from: number, count: number): Item[] => Array.from({ length: count }, (_, i) => message(from + i))

/** Microseconds per message, one action each, into a channel that has `before` received already. */
export function ingest(before: number, count: number, windowSize: number): number {
  const { store } = openStore('http://localhost', { storage: false, history: { windowSize } })
  if (before > 0) store.dispatch({ type: 'chat/messagesReceived', payload: { messages: series(0, before) } })
  const actions = series(before, count).map((item) => ({ type: 'chat/messagesReceived', payload: { messages: [item] } }))
  const start = performance.now()
  for (const action of actions) store.dispatch(action)
  return ((performance.now() - start) / count) * 1_000
}

/** The same with what the Redux docs recommend. */
export function ingestAdapter(before: number, count: number): number {
  const adapter = createEntityAdapter<Item>({ sortComparer: (a, b) => a.seq - b.seq })
  const slice = createSlice({ name: 'messages', initialState: adapter.getInitialState(), reducers: { added: adapter.addOne, loaded: adapter.addMany } })
  const store = configureStore({ reducer: { messages: slice.reducer } })
  if (before > 0) store.dispatch(slice.actions.loaded(series(0, before)))
  const actions = series(before, count).map((item) => slice.actions.added(item))
  const start = performance.now()
  for (const action of actions) store.dispatch(action)
  return ((performance.now() - start) / count) * 1_000
}

/** Microseconds per read receipt, over a window of `loaded` messages. */
export function receipt(loaded: number): number {
  const count = Math.min(loaded, 2_000)
  const { store } = openStore('http://localhost', { storage: false, history: { windowSize: loaded } })
  store.dispatch({ type: 'chat/messagesReceived', payload: { messages: series(0, loaded) } })
  const actions = Array.from({ length: 2_000 }, (_, i) =>
    ({ type: 'chat/receiptsReceived', payload: { receipts: [{ kind: 'read', channelId: 'general', userId: 'carol', seq: i + 1 + loaded - count }] } }))
  const start = performance.now()
  for (const action of actions) store.dispatch(action)
  return ((performance.now() - start) / actions.length) * 1_000
}
