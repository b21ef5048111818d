import { combineReducers, configureStore, createListenerMiddleware, type UnknownAction } from '@reduxjs/toolkit'
import { instrument } from '@redux-devtools/instrument'
import { createChat, type ChatError, type SocketConfig } from 'redux-chat'
import { createTestEnvironment } from 'redux-chat/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openStore } from '../support/chat-store'
import { collectUncaught } from '../support/uncaught'

/* A chat among what else an app has in its store: other actions of the same prefix, states that the app puts into place, listeners that throw. Each case failed once. */

afterEach(() => void vi.unstubAllGlobals())

function openApp(config: Partial<SocketConfig> = {}, preloadedState?: unknown) {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'x', token: 't', ...config, environment: env.environment })
  const app = combineReducers({ chat: chat.reducer })
  const store = configureStore({
    reducer: (state: ReturnType<typeof app> | undefined, action: UnknownAction) => app(action.type === 'reset' ? undefined : state, action),
    ...(preloadedState === undefined ? {} : { preloadedState: preloadedState as ReturnType<typeof app> }),
    middleware: (getDefault) => getDefault().concat(chat.middleware),
  })
  const send = (content: string) => store.dispatch(chat.actions.sendMessage({ channelId: 'general', content }))
  const connect = (userId: string) => store.dispatch(chat.actions.connect({ userId }))
  const shown = () => chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`)
  return { env, chat, store, send, connect, shown }
}

describe('facts', () => {
  it('are matched by what an app listens with', async () => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const heard: string[] = []
    const listener = createListenerMiddleware()
    listener.startListening({ actionCreator: chat.facts.messagesReceived, effect: ({ payload }) => void heard.push(...payload.messages.map(({ content }) => content)) })
    listener.startListening({ matcher: chat.facts.messageAcked.match, effect: ({ meta }) => void heard.push(meta.id) })
    const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().prepend(listener.middleware).concat(chat.middleware) })
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.advance(1_000)
    env.server.push('general', { userId: 'bob', content: 'ping' })
    await env.clock.advance(100)
    const { id } = store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'pong' })).payload
    await env.clock.advance(100)
    expect(heard).toEqual(['ping', id, 'pong'])
  })
})

it('lets a thunk pass that comes before the middleware which runs it', () => {
  const chat = createChat({ url: 'x', token: 't', environment: createTestEnvironment().environment })
  const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().prepend(chat.middleware) })
  expect(store.dispatch(() => 'ran')).toBe('ran')
})

it('each action of a chat that is mounted nowhere throws, and begins nothing', async () => {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'x', token: 't', environment: env.environment })
  const store = configureStore({ reducer: { other: () => 0 }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  const { connect, sendMessage, clearErrors } = chat.actions
  for (const action of [connect({ userId: 'alice' }), sendMessage({ channelId: 'general', content: 'hi' }), clearErrors()]) {
    expect(() => store.dispatch(action)).toThrow(expect.objectContaining({ code: 'reducer_not_mounted' }))
  }
  await env.clock.advance(1_000)
  expect([env.timers, env.network.attempts]).toEqual([0, 0])
})

it("onError is told of what is put into the state, and not of an app's own action that is called chat/...", () => {
  const told: ChatError[] = []
  const { store, chat } = openApp({ onError: (error) => told.push(error) })
  store.dispatch({ type: 'chat/uploadFailed', payload: { error: 'file too big' } })
  expect([told, chat.selectors.selectErrors(store.getState())]).toEqual([[], []])
})

it('G1, G3: a message that was in flight in a state that is put into place is sent, and first', async () => {
  const before = openApp()
  before.connect('alice')
  await before.env.clock.advance(1_000)
  before.send('one')
  const after = openApp({}, JSON.parse(JSON.stringify(before.store.getState())))
  after.connect('alice')
  await after.env.clock.advance(60_000)
  after.send('two')
  await after.env.clock.advance(60_000)
  expect(after.env.server.log('general').map(({ content }) => content)).toEqual(['one', 'two'])
})

it("G7: what is composed while the state shows somebody else does not leave on this user's connection", async () => {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'x', token: 't', environment: env.environment })
  const open = () => configureStore({
    reducer: { chat: chat.reducer }, devTools: false,
    middleware: (getDefault) => getDefault().concat(chat.middleware),
    enhancers: (getDefault) => getDefault().concat(instrument()),
  })
  const lifted = (store: ReturnType<typeof open>) => (store as unknown as { liftedStore: { getState(): unknown; dispatch(action: UnknownAction): void } }).liftedStore
  const [store, other] = [open(), open()]
  other.dispatch(chat.actions.connect({ userId: 'bob' }))
  const exported: unknown = JSON.parse(JSON.stringify(lifted(other).getState()))
  other.dispatch(chat.actions.disconnect())
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await env.clock.advance(1_000)
  lifted(store).dispatch({ type: 'IMPORT_STATE', nextLiftedState: exported })
  store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'as bob' }))
  await env.clock.advance(5_000)
  expect(env.server.received('message:send')).toEqual([])
})

it('G1: what is composed after a reset of the whole state waits for the next sign-in', async () => {
  const { env, store, connect, send, shown } = openApp()
  connect('alice')
  await env.clock.advance(1_000)
  store.dispatch({ type: 'reset' })
  send('hi')
  await env.clock.advance(5_000)
  connect('alice')
  await env.clock.advance(5_000)
  expect(shown()).toEqual(['hi:sent'])
})

it('G7: a listener of the metrics that throws costs no message', async () => {
  const thrown = collectUncaught()
  const tab = openStore()
  tab.connect()
  await tab.settle()
  const message = (n: number) => ({ id: `m${n}`, channelId: 'general', userId: 'bob', content: `m${n}`, createdAt: 1_000 + n })
  tab.env.server.emitRaw('alice', 'message:new', message(1))
  await tab.advance(1_000)
  const stop = tab.chat.metrics.subscribe(() => { throw new Error('listener') })
  // The first opens a batch, one of the rest is a duplicate.
  for (const n of [2, 1, 3, 4]) tab.env.server.emitRaw('alice', 'message:new', message(n))
  await tab.advance(1_000)
  expect(() => tab.send('mine')).not.toThrow()
  stop()
  await tab.advance(60_000)
  expect(tab.shown()).toEqual(expect.arrayContaining(['m1:sent', 'm2:sent', 'm3:sent', 'm4:sent', 'mine:sent']))
  expect(thrown.length).toBeGreaterThan(0)
})

it('channels that nobody opened keep their views over an unrelated action, also when they are many', () => {
  const { chat, store } = openApp()
  const read = () => Array.from({ length: 3_000 }, (_, i) => chat.selectors.selectChannel(store.getState(), `c${i}`))
  const before = read()
  store.dispatch({ type: 'unrelated' })
  const after = read()
  expect(before.filter((view, i) => view !== after[i])).toEqual([])
})

it.each([
  ['connect', undefined], ['sendMessage', undefined], ['openChannel', undefined], ['markRead', 'general'],
  ['retryMessage', 'id'], ['discardMessage', undefined], ['dismissError', 'id'],
] as const)('%s(%j), which types forbid, is told what it lacks', (name, payload) => {
  const { chat } = openApp()
  const create = chat.actions[name] as (payload: unknown) => unknown
  expect(() => create(payload)).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(`${name}: \\w+ must be a non-empty string`) }))
})

it("G10: what an app's parser throws may be anything: the message is dropped and reported, the others are shown", async () => {
  const tab = openStore({ config: { parseExtra: (extra) => {
    if (Object.keys(extra).length > 0) throw extra
    return {}
  } } })
  tab.connect()
  await tab.settle()
  const message = (seq: number) => ({ id: `m${seq}`, channelId: 'general', userId: 'bob', content: `m${seq}`, createdAt: seq, seq })
  tab.env.server.emitRaw('alice', 'message:new', message(1))
  tab.env.server.emitRaw('alice', 'message:new', { ...message(2), toString: 1, valueOf: 1 })
  await tab.advance(50)
  expect([tab.shown(), tab.errors().map(({ type }) => type)]).toEqual([['m1:sent'], ['invalid_payload']])
})

it('G11: a mapping that tells in its error what the server answered to a token puts no token into the state', async () => {
  const tab = openStore({ config: {
    getToken: () => 'secret.raw.jwt',
    protocol: { ack: (response, event) => {
      if (event === 'auth:refresh') throw new Error(`unexpected answer ${JSON.stringify(response)}`)
      return response
    } },
  } })
  tab.env.server.on('auth:refresh', (payload, _peer, reply) => reply({ ok: 1, ...payload as object }))
  tab.connect()
  await tab.settle()
  tab.env.server.expireAuth('alice')
  await tab.advance(1_000)
  expect(tab.errors().length).toBeGreaterThan(0)
  expect(JSON.stringify([tab.store.getState(), tab.actions])).not.toContain('secret')
})
