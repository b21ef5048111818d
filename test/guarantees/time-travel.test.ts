import { configureStore, createAction, isAction, type Middleware } from '@reduxjs/toolkit'
import { instrument } from '@redux-devtools/instrument'
import { createChat, socketBindings } from 'redux-chat'
import { createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

/* DevTools that jump while something is under way, and middlewares that hand on copies of actions. */

const none: Middleware = () => (next) => next
/** As many apps have: each action gets a moment, a session, a trace. */
const stamp: Middleware = () => (next) => (action) => next(isAction(action) ? { ...action, meta: { ...(action as { meta?: object }).meta, stamped: true } } : action)

interface Lifted {
  readonly liftedStore: {
    dispatch(action: { readonly type: 'JUMP_TO_STATE'; readonly index: number }): void
    getState(): { readonly currentStateIndex: number; readonly stagedActionIds: readonly number[] }
  }
}

function openWithDevTools(before: Middleware = none) {
  const { environment, clock, network, server } = createTestEnvironment()
  const chat = createChat({ url: 'x', token: 't', environment })
  const store = configureStore({
    reducer: { chat: chat.reducer }, devTools: false,
    middleware: (get) => get().concat(before, chat.middleware), enhancers: (get) => get().concat(instrument()),
  })
  const { liftedStore } = store as unknown as Lifted
  return {
    chat, store, clock, network, server,
    shown: () => chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`),
    send: (content: string) => store.dispatch(chat.actions.sendMessage({ channelId: 'general', content })),
    place: () => liftedStore.getState().currentStateIndex,
    jump: (index: number) => liftedStore.dispatch({ type: 'JUMP_TO_STATE', index }),
    jumpToPresent: () => liftedStore.dispatch({ type: 'JUMP_TO_STATE', index: liftedStore.getState().stagedActionIds.length - 1 }),
  }
}

describe('G12: what comes while a past state is shown', () => {
  const answers = (['lost', 'refused for now', 'refused for good', 'accepted', 'later than its time'] as const).flatMap((how) => ([0, 1] as const).map((later) => [how, later] as const))

  it.each(answers)('an answer that is %s (%i actions after the message is composed) holds nothing up in the present', async (how, later) => {
    const tab = openWithDevTools()
    const { chat, store, clock, network, server } = tab
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await clock.advance(2_000)
    const before = tab.place()
    if (how === 'lost') network.fault({ direction: 'up', event: 'message:send', action: 'drop', times: 1 })
    else network.fault({ direction: 'ack', event: 'message:send', action: { delayMs: how === 'later than its time' ? 14_000 : 1_000 }, times: 1 })
    if (how === 'refused for good') server.rejectWhile(({ content }) => (content === 'mine' ? { code: 'rejected' } : null))
    if (how === 'refused for now') server.rejectNext({ code: 'busy', retryable: true, retryAfterMs: 2_000 })
    tab.send('mine')
    await clock.advance(100)
    tab.jump(before + later)
    await clock.advance(30_000)
    tab.jumpToPresent()
    tab.send('next')
    await clock.advance(600_000)
    expect(tab.shown()).toEqual(how === 'refused for good' ? ['next:sent', 'mine:failed'] : ['mine:sent', 'next:sent'])
  })

  it.each([['', none], [', behind a middleware that copies actions', stamp]] as const)('what is due then is sent in the present%s', async (_name, middleware) => {
    for (let index = 4; index < 12; index++) {
      const tab = openWithDevTools(middleware)
      const { chat, store, clock, server } = tab
      for (let i = 0; i < 5; i++) server.push('later', { userId: 'bob', content: `b${i}` })
      store.dispatch(chat.actions.connect({ userId: 'alice' }))
      await clock.advance(1_000)
      const refusal = { success: false, error: { code: 'rate_limited', message: 'slow down', retryable: true, retryAfterMs: 3_000 } }
      const stops = ['message:send', 'message:sync'].map((event) => server.on(event, (_payload, _peer, reply) => reply(refusal)))
      tab.send('mine')
      store.dispatch(chat.actions.openChannel({ channelId: 'later' }))
      await clock.advance(500)
      for (const stop of stops) stop()
      tab.jump(index)
      const before = server.received().length
      await clock.advance(20_000)
      store.dispatch({ type: 'unrelated' })
      await clock.advance(20_000)
      expect(server.received().slice(before)).toEqual([])
      tab.jumpToPresent()
      tab.send('next')
      await clock.advance(60_000)
      expect(tab.shown()).toEqual(['mine:sent', 'next:sent'])
    }
  })
})

describe('behind a middleware that hands on copies', () => {
  const typing = createAction<{ readonly userId: string }>('typing')
  interface Typing { readonly typing: (payload: { userId: string }) => void }

  function open(bindings: ReturnType<ReturnType<typeof socketBindings<Typing, Typing>>>) {
    const { environment, clock, server } = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment, ...bindings })
    const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (get) => get().concat(stamp, chat.middleware) })
    return { chat, store, clock, server }
  }

  it('what came as an event is not sent back as the same event', async () => {
    const { chat, store, clock, server } = open(socketBindings<Typing, Typing>()({ events: { typing }, emits: { typing: { action: typing } } }))
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await clock.advance(1_000)
    server.emitRaw('alice', 'typing', { userId: 'bob' })
    await clock.advance(1_000)
    expect(server.received('typing')).toEqual([])
    store.dispatch(typing({ userId: 'alice' }))
    await clock.advance(1_000)
    expect(server.received('typing').map(({ payload }) => payload)).toEqual([{ userId: 'alice' }])
  })

  it('what a failed emit gives is not emitted by its own binding again', () => {
    let asked = 0
    const failed = (_code: string, payload: { userId: string }) => {
      if (++asked > 5) throw new Error('for ever')
      return typing(payload)
    }
    const { store } = open(socketBindings<Typing, Typing>()({ emits: { typing: { action: typing, failed } } }))
    store.dispatch(typing({ userId: 'alice' }))
    expect(asked).toBe(1)
  })
})

it('what an echo has delivered to somebody who has scrolled back is not told to be delayed, though no past state is shown', async () => {
  const tab = openStore({ config: { history: { windowSize: 20, pageSize: 10 } } })
  const { server } = tab.env
  server.configure({ echo: 'before_ack' })
  for (let n = 1; n <= 100; n++) server.push('general', { userId: 'carol', content: `t${n}` })
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(2_000)
  for (let n = 0; n < 4; n++) {
    tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
    await tab.advance(2_000)
  }
  tab.env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop', times: 1 })
  tab.send('mine')
  await tab.advance(60_000)
  expect([server.log('general').filter(({ userId }) => userId === 'alice').length, tab.selectors.selectOutbox(tab.store.getState()).length]).toEqual([1, 0])
  expect(tab.types().filter((type) => type === 'chat/messageDelayed')).toEqual([])
})
