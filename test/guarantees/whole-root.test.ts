import { createRequire } from 'node:module'
import { combineReducers, configureStore, type UnknownAction } from '@reduxjs/toolkit'
import { createChat } from 'redux-chat'
import { createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { FLUSH, PAUSE, PERSIST, persistReducer, persistStore, PURGE, REGISTER, REHYDRATE, type StateReconciler } from 'redux-persist'
import { describe, expect, it } from 'vitest'

const load = createRequire(import.meta.url)
/** CommonJS without types of its own. */
const merger = (level: 1 | 2): StateReconciler<object> =>
  (load(`redux-persist/lib/stateReconciler/autoMergeLevel${level}`) as { default: StateReconciler<object> }).default

const device = () => {
  const items = new Map<string, string>()
  return {
    items,
    getItem: async (key: string) => items.get(key) ?? null,
    setItem: async (key: string, value: string) => void items.set(key, value),
    removeItem: async (key: string) => void items.delete(key),
  }
}

type Wrapped = 'root' | 'chat'

/** An app that persists everything it has, the chat included; or the chat and its notes, each by itself. */
function openApp(env: TestEnvironment, storage: ReturnType<typeof device>, stateReconciler: StateReconciler<object>, wrapped: Wrapped) {
  const chat = createChat({ url: 'test', token: 'test', environment: env.environment })
  const persisted = <R>(key: Wrapped | 'notes', reducer: R): R =>
    (key === wrapped || (key === 'notes' && wrapped === 'chat') ? persistReducer({ key, storage, stateReconciler }, reducer as never) as unknown as R : reducer)
  const notes = (state: { readonly all: readonly string[] } = { all: [] }, action: UnknownAction) => (action.type === 'note' ? { ...state, all: [...state.all, 'note'] } : state)
  const store = configureStore({
    reducer: persisted('root', combineReducers({ chat: persisted('chat', chat.reducer), notes: persisted('notes', notes) })),
    middleware: (getDefault) => getDefault({ serializableCheck: { ignoredActions: [FLUSH, PAUSE, PERSIST, PURGE, REGISTER, REHYDRATE] } }).concat(chat.middleware),
  })
  const persistor = persistStore(store)
  return { chat, store, persistor, shown: () => chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`) }
}

/** redux-persist rehydrates and writes by real timers of its own. */
const rehydrated = ({ persistor }: { persistor: ReturnType<typeof persistStore> }): Promise<void> => new Promise((resolve) => {
  const look = (): void => {
    if (!persistor.getState().bootstrapped) return
    stop()
    resolve()
  }
  const stop = persistor.subscribe(look)
  look()
})

describe.each([['root', 1], ['root', 2], ['chat', 1], ['chat', 2]] as const)('the %s in persistReducer, merged by autoMergeLevel%i', (wrapped, level) => {
  const reconciler = merger(level)

  it('G1: what was sent before the rehydration stays, what was unsent in the last life comes back, and nothing stale does', async () => {
    const storage = device()
    const env = createTestEnvironment()
    const first = openApp(env, storage, reconciler, wrapped)
    await rehydrated(first)
    first.store.dispatch(first.chat.actions.connect({ userId: 'alice' }))
    await env.clock.advance(100)
    env.network.cut()
    first.store.dispatch(first.chat.actions.sendMessage({ channelId: 'general', content: 'unsent' }))
    first.store.dispatch({ type: 'note' })
    await env.clock.advance(100)
    await first.persistor.flush()
    expect(storage.items.get(`persist:${wrapped}`)).toContain('unsent')

    const next = env.reload()
    next.network.cut()
    const second = openApp(next, storage, reconciler, wrapped)
    second.store.dispatch(second.chat.actions.connect({ userId: 'alice' }))
    second.store.dispatch(second.chat.actions.sendMessage({ channelId: 'general', content: 'early' }))
    await rehydrated(second)
    expect(second.store.getState().notes.all).toEqual(['note'])
    expect(second.chat.selectors.selectConnection(second.store.getState()).lastConnectedAt).toBeNull()
    await next.clock.advance(100)
    expect(second.shown()).toEqual(['unsent:pending', 'early:pending'])
    next.network.restore()
    await next.clock.advance(10_000)
    expect(second.shown()).toEqual(['unsent:sent', 'early:sent'])
    expect(next.server.log('general').map(({ content }) => content)).toEqual(['unsent', 'early'])
  })
})

it('G1: an app that resets its whole state without a sign-out connects again, catches up and sends what was unsent', async () => {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'test', token: 'test', environment: env.environment })
  const app = combineReducers({ chat: chat.reducer })
  const store = configureStore({
    reducer: (state: ReturnType<typeof app> | undefined, action: UnknownAction) => app(action.type === 'reset' ? undefined : state, action),
    middleware: (getDefault) => getDefault().concat(chat.middleware),
  })
  const signIn = () => {
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    store.dispatch(chat.actions.openChannel({ channelId: 'general' }))
    return env.clock.advance(10_000)
  }
  const shown = () => chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`)
  env.server.push('general', { userId: 'bob', content: 'old' })
  await signIn()
  env.network.cut()
  store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'unsent' }))
  await env.clock.advance(100)
  store.dispatch({ type: 'reset' })
  expect(shown()).toEqual([])
  env.network.restore()
  await env.clock.advance(10_000)
  await signIn()
  expect(chat.selectors.selectConnection(store.getState())).toMatchObject({ status: 'connected', userId: 'alice' })
  expect(shown()).toEqual(['old:delivered', 'unsent:sent'])
  expect(env.server.connections()).toBe(1)
})
