import { configureStore, createAction, createSlice, type Middleware, type PayloadAction, type UnknownAction } from '@reduxjs/toolkit'
import { instrument } from '@redux-devtools/instrument'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createChat, socketBindings } from 'redux-chat'
import { createTestEnvironment } from 'redux-chat/testing'
import { openStore } from '../support/chat-store'

const isPlainJson = (value: unknown): boolean => JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value)

describe('store', () => {
  const warnings = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')]
  afterEach(() => warnings.forEach((spy) => spy.mockClear()))

  it('joins an existing store without a warning of the serializability and immutability checks', async () => {
    const alice = openStore()
    alice.connect()
    alice.send('hi')
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(5_000)
    alice.dispatch(alice.chat.actions.markRead({ channelId: 'general' }))
    await alice.advance(5_000)
    alice.dispatch(alice.chat.actions.signOut())
    const said = warnings.flatMap((spy) => spy.mock.calls.map(([text]) => String(text)))
    // The checks also tell how long they took, which is about the machine.
    expect(said.filter((text) => !/ took \d+ms/.test(text))).toEqual([])
    expect(alice.actions.every(isPlainJson)).toBe(true)
  })

  it('says once and clearly that the reducer is not mounted', () => {
    const { environment } = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment })
    const store = configureStore({ reducer: () => 0, middleware: (getDefault) => getDefault().concat(chat.middleware) })
    expect(() => store.dispatch(chat.actions.connect({ userId: 'alice' }))).toThrow(/the root state has no chat at "chat"; add \{ \[chat.reducerPath\]/)
    expect(() => store.dispatch({ type: 'other' })).not.toThrow()
    // Somebody else's reducer under that name is no chat either.
    const taken = configureStore({ reducer: { chat: () => ({ mine: 1 }) }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
    expect(() => taken.dispatch(chat.actions.connect({ userId: 'alice' }))).toThrow(/the root state has no chat at "chat"/)
  })

  it('says at once that a store has another chat at that path', () => {
    const config = { url: 'x', token: 't', environment: createTestEnvironment().environment }
    const [chat, other] = [createChat(config), createChat(config)]
    expect(() => configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware, other.middleware) }))
      .toThrow(expect.objectContaining({ code: 'reducer_path_taken', message: expect.stringMatching(/has one at "chat" already; give each chat a reducerPath of its own/) }))
  })

  it('every action creator is one of RTK: its text is its type, which sagas and computed keys go by', () => {
    const { actions, facts } = createChat({ url: 'x', token: 't' })
    const creators = Object.values({ ...actions, ...facts })
    expect(creators.map(String)).toEqual(creators.map(({ type }) => type))
    expect(creators.every((creator) => Object.hasOwn(creator, 'toString'))).toBe(true)
  })

  it('what is in the state, and what the selectors give, is frozen in development', async () => {
    const alice = openStore()
    alice.connect()
    for (const text of ['1', '2', '3']) alice.send(text)
    await alice.settle()
    alice.send('4')
    const list = alice.messages()
    const parts = (value: unknown): readonly unknown[] => (typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(parts)] : [])
    expect([alice.store.getState().chat, list].flatMap(parts).filter((part) => !Object.isFrozen(part))).toEqual([])
    expect(list.map(({ status }) => status)).toEqual(['sent', 'sent', 'sent', 'pending'])
    expect(() => (list as unknown[]).reverse()).toThrow(TypeError)
  })

  it('G1: a middleware that passes each action on later delays what it sends, and loses nothing', async () => {
    const { environment, clock, server } = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment })
    const late: Middleware = () => (next) => (action) => Promise.resolve().then(() => next(action))
    const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(late, chat.middleware) })
    server.push('c', { userId: 'bob', content: 'old' })
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    store.dispatch(chat.actions.openChannel({ channelId: 'c' }))
    await clock.advance(1_000)
    for (const content of ['1', '2']) store.dispatch(chat.actions.sendMessage({ channelId: 'c', content }))
    await clock.advance(5_000)
    expect(chat.selectors.selectMessages(store.getState(), 'c').map(({ content, status }) => `${content}:${status}`)).toEqual(['old:sent', '1:sent', '2:sent'])
  })

  it('several chats share one store, and several stores one chat', async () => {
    const [a, b] = [createTestEnvironment(), createTestEnvironment()]
    const work = createChat({ url: 'w', token: 't', reducerPath: 'work', environment: a.environment })
    const home = createChat({ url: 'h', token: 't', reducerPath: 'home', environment: b.environment })
    const open = () => configureStore({
      reducer: { work: work.reducer, home: home.reducer },
      middleware: (getDefault) => getDefault().concat(work.middleware, home.middleware),
    })
    const [one, two] = [open(), open()]
    one.dispatch(work.actions.connect({ userId: 'alice' }))
    two.dispatch(work.actions.connect({ userId: 'bob' }))
    one.dispatch(home.actions.connect({ userId: 'carol' }))
    one.dispatch(work.actions.sendMessage({ channelId: 'c', content: 'from one' }))
    two.dispatch(work.actions.sendMessage({ channelId: 'c', content: 'from two' }))
    await a.clock.advance(500)
    await b.clock.advance(500)
    expect(a.server.log('c').map(({ content, userId }) => `${userId}: ${content}`)).toEqual(['alice: from one', 'bob: from two'])
    expect(b.server.log('c')).toEqual([])
    expect(work.selectors.selectConnection(one.getState()).userId).toBe('alice')
    expect(work.selectors.selectConnection(two.getState()).userId).toBe('bob')
    expect(home.selectors.selectConnection(one.getState())).toMatchObject({ userId: 'carol', status: 'connected' })
  })

  it('opens nothing at creation', () => {
    const forbidden = new Proxy({}, { get: (_, name) => { throw new Error(`touched ${String(name)}`) } }) as never
    const chat = createChat({ url: 'x', token: 't', environment: { ...createTestEnvironment().environment, transport: forbidden, lifecycle: forbidden, storage: () => { throw new Error('opened') } } })
    const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
    store.dispatch({ type: 'anything' })
    expect(chat.selectors.selectMessages(store.getState(), 'general')).toEqual([])
  })

  it('selectors give the same reference for the same content', async () => {
    const alice = openStore()
    alice.connect()
    alice.send('one')
    await alice.advance(200)
    const read = () => [alice.messages(), alice.channel(), alice.errors(), alice.selectors.selectOutbox(alice.store.getState()), alice.selectors.selectReceipts(alice.store.getState(), 'general'), alice.messages('empty')]
    const before = read()
    alice.dispatch({ type: 'unrelated' })
    read().forEach((value, i) => expect(value).toBe(before[i]))
    const [first] = alice.messages()
    alice.send('two')
    await alice.advance(200)
    expect(alice.messages()[0]).toBe(first)
    expect(alice.selectors.selectMessage(alice.store.getState(), 'general', first?.id ?? '')).toBe(first)
  })

  it('refuses bad input with an error that says what to do', () => {
    const alice = openStore()
    const { sendMessage, connect } = alice.chat.actions
    expect(() => sendMessage({ channelId: '', content: 'x' })).toThrow(/channelId must be a non-empty string/)
    // @ts-expect-error: content is a string
    expect(() => sendMessage({ channelId: 'a', content: 7 })).toThrow(/content must be a string/)
    expect(() => connect({ userId: '' })).toThrow(/userId must be a non-empty string/)
    expect(() => createChat({ url: 'x' })).toThrow(/give getToken/)
  })
})

describe('DevTools', () => {
  const instrumented = () => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const store = configureStore({
      reducer: { chat: chat.reducer },
      devTools: false,
      middleware: (getDefault) => getDefault().concat(chat.middleware),
      enhancers: (getDefault) => getDefault().concat(instrument()),
    })
    const { liftedStore } = store as unknown as { liftedStore: { dispatch(action: object): void; getState(): { nextActionId: number; currentStateIndex: number } } }
    return { env, chat, store, liftedStore }
  }

  it('G12: a jump while an acknowledgement is under way emits nothing, and all goes on after it', async () => {
    const { env, chat, store, liftedStore } = instrumented()
    for (let i = 0; i < 5; i++) env.server.push('general', { userId: 'bob', content: `b${i}` })
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.flush()
    const early = liftedStore.getState().currentStateIndex
    store.dispatch(chat.actions.openChannel({ channelId: 'general' }))
    await env.clock.advance(5_000)
    env.network.fault({ direction: 'ack', event: 'message:send', action: { delayMs: 1_000 }, times: 1 })
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'mine' }))
    await env.clock.advance(100)
    const latest = liftedStore.getState().currentStateIndex
    const before = env.server.received().length
    for (let index = early; index < latest; index++) {
      liftedStore.dispatch({ type: 'JUMP_TO_STATE', index })
      await env.clock.advance(30_000)
      expect([index, env.server.received().slice(before).map(({ event }) => event)]).toEqual([index, []])
    }
    liftedStore.dispatch({ type: 'JUMP_TO_STATE', index: liftedStore.getState().nextActionId - 1 })
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'next' }))
    await env.clock.advance(60_000)
    expect(chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`).slice(-2)).toEqual(['mine:sent', 'next:sent'])
  })

  it('G12: what was to be sent while a past state was shown is sent when the present is back', async () => {
    const { env, chat, store, liftedStore } = instrumented()
    for (let i = 0; i < 5; i++) env.server.push('later', { userId: 'bob', content: `b${i}` })
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.advance(1_000)
    const wait = { success: false, error: { code: 'rate_limited', message: 'slow down', retryable: true, retryAfterMs: 3_000 } }
    const stops = ['message:send', 'message:sync'].map((event) => env.server.on(event, (_payload, _peer, reply) => reply(wait)))
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'mine' }))
    store.dispatch(chat.actions.openChannel({ channelId: 'later' }))
    const composed = liftedStore.getState().currentStateIndex
    await env.clock.advance(500)
    for (const stop of stops) stop()
    liftedStore.dispatch({ type: 'JUMP_TO_STATE', index: composed })
    await env.clock.advance(20_000)
    liftedStore.dispatch({ type: 'JUMP_TO_STATE', index: liftedStore.getState().nextActionId - 1 })
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'next' }))
    await env.clock.advance(60_000)
    expect(chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`)).toEqual(['mine:sent', 'next:sent'])
    expect([chat.selectors.selectMessages(store.getState(), 'later').length, chat.selectors.selectChannel(store.getState(), 'later').sync]).toEqual([5, 'idle'])
  })

  it('G1: a jump back and forth leaves what shows stored on the device', async () => {
    const { env, chat, store, liftedStore } = instrumented()
    const jumpTo = async (index: number): Promise<void> => {
      liftedStore.dispatch({ type: 'JUMP_TO_STATE', index, actionId: index })
      await env.clock.advance(10_000)
    }
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.advance(1_000)
    const before = liftedStore.getState().currentStateIndex
    env.server.rejectWhile(() => ({ code: 'unavailable', retryable: true, retryAfterMs: 60_000 }))
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'm' }))
    await env.clock.advance(1_000)
    const latest = liftedStore.getState().currentStateIndex
    await jumpTo(before)
    await jumpTo(latest)
    store.dispatch(chat.actions.sendMessage({ channelId: 'other', content: 'next' }))
    await env.clock.advance(1_000)
    expect(chat.selectors.selectMessages(store.getState(), 'general')[0]?.stored).toBe(true)
    expect((await env.storage('chat')?.load('alice'))?.records).toHaveLength(2)
  })

  it('G12: jumping, replaying, toggling and recomputing emit nothing; neither does the next action for what is settled', async () => {
    const { env, chat, store, liftedStore } = instrumented()
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.flush()
    for (const content of ['one', 'two']) store.dispatch(chat.actions.sendMessage({ channelId: 'general', content }))
    const { payload } = store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'discarded' }))
    store.dispatch(chat.actions.discardMessage({ id: payload.id }))
    await env.clock.advance(1_000)
    const emitted = env.server.received().length
    const last = liftedStore.getState().nextActionId - 1
    for (let index = 0; index <= last; index++) {
      liftedStore.dispatch({ type: 'JUMP_TO_STATE', index })
      store.dispatch({ type: 'unrelated' })
      await env.clock.advance(200)
    }
    liftedStore.dispatch({ type: 'JUMP_TO_STATE', index: last })
    liftedStore.dispatch({ type: 'TOGGLE_ACTION', id: 3 })
    liftedStore.dispatch({ type: 'TOGGLE_ACTION', id: 3 })
    liftedStore.dispatch({ type: 'ROLLBACK' })
    store.dispatch({ type: 'unrelated' })
    await env.clock.advance(20_000)
    expect(env.server.received().slice(emitted).map(({ event }) => event)).toEqual([])
    expect(env.server.log('general')).toHaveLength(3)
  })

  it('a message can be followed by its id through named, plain actions', async () => {
    const alice = openStore()
    alice.connect()
    await alice.settle()
    const id = alice.send('hi')
    await alice.advance(100)
    const flow = alice.actions.filter((action) => JSON.stringify(action).includes(id)).map(({ type }) => type)
    expect(flow).toContain('chat/sendMessage')
    expect(flow.indexOf('chat/messageEmitted')).toBeGreaterThan(flow.indexOf('chat/sendMessage'))
    expect(flow.indexOf('chat/messageAcked')).toBeGreaterThan(flow.indexOf('chat/messageEmitted'))
    const emitted = alice.actions.find(({ type }) => type === 'chat/messageEmitted')
    expect(emitted).toMatchObject({ meta: { id, attempt: 1, at: expect.any(Number) } })
  })
})

describe('bindings', () => {
  interface ServerEvents { 'typing:started': (payload: { userId: string }) => void; 'note': (text: string) => void }
  interface ClientEvents { 'typing:start': (payload: { channelId: string }) => void; 'reaction:add': (payload: { emoji: string }, ack: () => void) => void }
  const typing = createSlice({
    name: 'typing', initialState: [] as string[],
    reducers: { started: (state, action: PayloadAction<{ userId: string }>) => { state.push(action.payload.userId) } },
  })
  const startTyping = createAction<{ channelId: string }>('typing/start')
  const react = createAction<{ emoji: string }>('reactions/add')
  const reacted = createAction<unknown>('reactions/added')
  const notReacted = createAction<string>('reactions/failed')

  const open = () => openStore({ config: socketBindings<ServerEvents, ClientEvents>()({
    events: { 'typing:started': typing.actions.started, note: { action: (text: string) => ({ type: 'note', text }), parse: (raw) => {
      if (typeof raw !== 'string') throw new Error('a note is a text')
      return raw
    } } },
    emits: { 'typing:start': { action: startTyping }, 'reaction:add': { action: react, acked: (response) => reacted(response), failed: (code) => notReacted(code) } },
  }) })

  it("emits the app's actions and dispatches the app's events, and only those that are bound", async () => {
    const alice = open()
    alice.connect()
    await alice.settle()
    alice.env.server.on('reaction:add', (payload, _peer, reply) => reply({ ok: payload }))
    alice.env.server.on('typing:start', () => undefined)
    alice.dispatch(startTyping({ channelId: 'general' }))
    alice.dispatch(react({ emoji: ':)' }))
    await alice.settle()
    expect(alice.env.server.received('typing:start').map(({ payload }) => payload)).toEqual([{ channelId: 'general' }])
    expect(alice.actions).toContainEqual(reacted({ ok: { emoji: ':)' } }))
    alice.env.server.emitRaw('alice', 'typing:started', { userId: 'bob' })
    alice.env.server.emitRaw('alice', 'note', 'hello')
    alice.env.server.emitRaw('alice', 'note', 7)
    alice.env.server.emitRaw('alice', 'chat/signOut', {})
    alice.env.server.emitRaw('alice', 'todos/removeAll', {})
    await alice.settle()
    expect(alice.actions).toContainEqual(typing.actions.started({ userId: 'bob' }))
    expect(alice.actions).toContainEqual({ type: 'note', text: 'hello' })
    expect(alice.types()).not.toContain('chat/signOut')
    expect(alice.types()).not.toContain('todos/removeAll')
    expect(alice.errors()).toMatchObject([{ type: 'invalid_payload', code: 'event_refused' }])
  })

  it('an event of several arguments is bound by a function of them all', async () => {
    const alice = openStore({ config: socketBindings<{ moved: (x: number, y: number) => void }>()({
      events: { moved: (x, y) => ({ type: 'cursor/moved', payload: { x, y } }) },
    }) })
    alice.connect()
    await alice.settle()
    alice.env.server.emitRaw('alice', 'moved', 3, 4)
    await alice.settle()
    expect(alice.actions).toContainEqual({ type: 'cursor/moved', payload: { x: 3, y: 4 } })
  })

  it('an emit that cannot be made, or is not answered, dispatches its failure, and is no error beside it', async () => {
    const alice = open()
    alice.dispatch(react({ emoji: 'a' }))
    expect(alice.actions).toContainEqual(notReacted('disconnected'))
    alice.connect()
    await alice.settle()
    alice.env.server.on('reaction:add', () => undefined)
    alice.dispatch(react({ emoji: 'b' }))
    await alice.advance(11_000)
    expect(alice.actions).toContainEqual(notReacted('timeout'))
    expect(alice.errors()).toEqual([])
  })

  it('an emit without a failure of its own is an error that says what may have happened', async () => {
    const noted = createAction<object>('note/add')
    const alice = openStore({ config: socketBindings<{}, { 'note:add': (payload: object) => void }>()({
      emits: { 'note:add': { action: noted, acked: () => ({ type: 'note/added' }) } },
    }) })
    alice.dispatch(noted({}))
    expect(alice.errors()).toMatchObject([{ type: 'emit_failed', code: 'not_delivered', message: expect.stringContaining('no connection') }])
    alice.connect()
    await alice.settle()
    alice.dispatch(alice.chat.actions.clearErrors())
    alice.env.server.on('note:add', () => undefined)
    alice.dispatch(noted({}))
    await alice.advance(11_000)
    expect(alice.errors()).toMatchObject([{ type: 'emit_failed', code: 'not_delivered', message: expect.stringContaining('no answer') }])
  })

  it('a match that throws is told to who dispatched, and the action is obeyed all the same', async () => {
    const match = (action: UnknownAction): action is UnknownAction & { payload: never } => {
      if (action.type === 'chat/openChannel') throw new Error('no payload of mine')
      return false
    }
    const alice = openStore({ config: { emits: { note: { action: { type: 'note', match } } } } })
    alice.env.server.push('general', { userId: 'bob', content: 'old' })
    alice.connect()
    await alice.settle()
    expect(() => alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))).toThrow('no payload of mine')
    await alice.advance(1_000)
    expect(alice.messages()).toMatchObject([{ content: 'old' }])
  })

  it('a match of every action does not emit what is told of its own failure', () => {
    const match = (action: UnknownAction): action is UnknownAction & { payload: never } => typeof action.type === 'string'
    const alice = openStore({ config: { emits: { audit: { action: { type: 'any', match } } } } })
    alice.dispatch({ type: 'todos/add' })
    expect(alice.types()).toEqual(['todos/add', 'chat/errorReported'])
  })

  it('protocol renames events and maps payloads for a server that exists already', async () => {
    const alice = openStore({ config: { protocol: {
      names: { 'message:send': 'chat message', 'message:new': 'chat message' },
      outgoing: { 'message:send': (message) => ({ uuid: message.id, room: message.channelId, text: message.content }) },
      incoming: { 'message:new': (raw) => {
        const { uuid, room, text, from } = raw as { uuid: string; room: string; text: string; from: string }
        return { id: uuid, channelId: room, content: text, userId: from, createdAt: 1 }
      } },
      ack: (response) => (response === 'ok' ? { success: true, data: {} } : { success: false, error: String(response) }),
    } } })
    const { server } = alice.env
    server.on('chat message', (_payload, _peer, reply) => reply('ok'))
    alice.connect()
    await alice.settle()
    const id = alice.send('hi')
    await alice.settle()
    expect(server.received('chat message').map(({ payload }) => payload)).toEqual([{ uuid: id, room: 'general', text: 'hi' }])
    expect(alice.shown()).toEqual(['hi:sent'])
    server.emitRaw('alice', 'chat message', { uuid: 'b1', room: 'general', text: 'hello', from: 'bob' })
    await alice.advance(50)
    expect(alice.messages().map(({ content }) => content)).toContain('hello')
  })
})

it('G6: an id that no client takes is not sent either', async () => {
  const tab = openStore()
  tab.connect()
  await tab.settle()
  const [longest, longer] = ['x'.repeat(512), 'x'.repeat(513)]
  expect(() => tab.send('hi', longer)).toThrow('more than 512 characters')
  expect(() => tab.dispatch(tab.chat.actions.openChannel({ channelId: longer }))).toThrow('more than 512 characters')
  expect(() => tab.connect(longer)).toThrow('more than 512 characters')
  tab.send('hi', longest)
  await tab.settle()
  expect([tab.shown(longest), tab.errors()]).toEqual([['hi:sent'], []])
})

it.each(['status', 'stored', 'attempts', 'nextAttemptAt', 'failure'])('G5: a field of the view (%s) is no extra field, because only its sender would see it', (name) => {
  const tab = openStore()
  expect(() => tab.dispatch(tab.chat.actions.sendMessage({ channelId: 'general', content: 'hi', [name]: 1 }))).toThrow('own field')
})

it('an option that is undefined has its default', async () => {
  const unset = { attempts: undefined, delayMs: undefined, jitter: undefined, ackTimeoutMs: undefined, pageSize: undefined, windowSize: undefined }
  const { environment, server, clock } = createTestEnvironment()
  // A user whose compiler is less strict than ours writes { delayMs: settings.delayMs }.
  const config: object = { url: 'x', token: 't', reconnection: unset, delivery: unset, history: unset, environment: { ...environment, lifecycle: undefined } }
  const chat = createChat(config as Parameters<typeof createChat>[0])
  const store = configureStore({ reducer: { [chat.reducerPath]: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  const connection = () => chat.selectors.selectConnection(store.getState())
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'hi' }))
  await clock.advance(100)
  expect(chat.selectors.selectMessages(store.getState(), 'general')).toMatchObject([{ content: 'hi', status: 'sent' }])
  server.stop()
  await clock.advance(500)
  expect(connection()).toMatchObject({ status: 'reconnecting', attempt: 1 })
  await clock.advance(10_000)
  expect(connection().status).toBe('failed')
})

it('two inbound events under one name are refused: one of them would never be heard', () => {
  const create = (names: { readonly [event: string]: string }) => () => createChat({ url: 'x', token: 't', protocol: { names } })
  expect(create({ 'message:delivered': 'receipt', 'message:read': 'receipt' })).toThrow('"receipt"')
  expect(create({ 'message:new': 'session' })).toThrow('"session"')
  expect(create({ 'message:send': 'chat message', 'message:new': 'chat message' })).not.toThrow()
})
