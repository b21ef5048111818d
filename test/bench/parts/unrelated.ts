import { configureStore, createSlice, type Middleware } from '@reduxjs/toolkit'
import { createChat } from '../../../src/index'
import { CONTENT, createCountingStorage, gated, received, series } from '../chat'
import { computed, counted } from '../lines'
import { interleave, middle, time, turn, type Side } from '../measure'
import type { Part } from '../part'

const LOADED = 10_000
const QUEUED = 1_000
const CALLS = 50_000

const counter = createSlice({ name: 'counter', initialState: 0, reducers: { bumped: (state) => state + 1 } })

/** The host app's store without us. */
function bare() {
  return configureStore({ reducer: { counter: counter.reducer } })
}

/** The same with a chat that has a lot to keep: 10k loaded, 1k queued behind a connection that never opens. */
async function withChat() {
  const chat = createChat({
    url: 'http://localhost', token: 'token', history: { windowSize: LOADED }, reconnection: { timeoutMs: 600_000 },
    environment: { transport: gated().transport, storage: () => storage },
  })
  const storage = createCountingStorage()
  const store = configureStore({
    reducer: { counter: counter.reducer, chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware),
  })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  for (let i = 0; i < 20; i++) await turn()
  store.dispatch(received(series(0, LOADED)))
  for (let i = 0; i < QUEUED; i++) store.dispatch(chat.actions.sendMessage({ channelId: `channel-${i % 10}`, content: CONTENT }))
  while (!chat.selectors.selectOutbox(store.getState()).every(({ stored }) => stored)) await turn()
  return store
}

const NOTHING: Middleware = () => (next) => (action) => next(action)

/** What a second small slice and a middleware that does nothing would cost: the least that any such library adds. */
function withNothing() {
  const idle = createSlice({ name: 'idle', initialState: 0, reducers: {} })
  return configureStore({
    reducer: { counter: counter.reducer, idle: idle.reducer },
    middleware: (getDefault) => getDefault().concat(NOTHING),
  })
}

export const run: Part = async ({ isQuick }) => {
  const [alone, idle, chat] = [bare(), withNothing(), await withChat()]
  const side = (store: { dispatch: (action: ReturnType<typeof counter.actions.bumped>) => unknown }): Side =>
    () => time(CALLS, () => { store.dispatch(counter.actions.bumped()) })
  const found = await interleave(isQuick ? 5 : 11, { alone: side(alone), idle: side(idle), chat: side(chat) }, 2)
  const what = 'an unrelated action of the host app, 10k loaded and 1k queued'
  const added = (middle(found.chat).cpu - middle(found.alone).cpu) * 1_000
  return [
    computed({ id: 'unrelated', what, peer: 'the store without us', kind: 'cost' }, found.chat, found.alone),
    computed({ id: 'unrelated.idle', what, peer: 'a slice and a middleware that do nothing', kind: 'cost' }, found.chat, found.idle),
    counted({ id: 'unrelated.added', what: 'added to each unrelated action', peer: '', kind: 'cost' }, 'ns', added, null),
  ]
}
