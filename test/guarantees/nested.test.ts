import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment } from 'redux-chat/testing'
import { configureStore, createAction, createListenerMiddleware } from '@reduxjs/toolkit'
import { createChat, socketBindings } from 'redux-chat'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

/* What subscribers and listeners dispatch while an action is still on its way: the state is then ahead of the connection. */

describe('dispatched by a subscriber while the chat is switched', () => {
  it('G1: a disconnect leaves no message in flight for ever', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    const held = tab.env.network.fault({ direction: 'up', event: 'message:send', action: 'drop' })
    tab.send('one')
    const stop = tab.store.subscribe(() => {
      stop()
      tab.send('two', 'other')
    })
    tab.dispatch(tab.chat.actions.disconnect())
    held.stop()
    tab.connect()
    await tab.advance(600_000)
    expect([tab.shown(), tab.shown('other')]).toEqual([['one:sent'], ['two:sent']])
  })

  it.each(['connect', 'signOut'] as const)('G7: the message of the next user does not leave on the connection of the first (%s)', async (how) => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    tab.connect('alice')
    await tab.settle()
    const stop = tab.store.subscribe(() => {
      stop()
      if (how === 'signOut') tab.connect('bob')
      tab.send('hello from bob')
    })
    if (how === 'signOut') tab.dispatch(tab.chat.actions.signOut())
    else tab.connect('bob')
    await tab.advance(60_000)
    expect(tab.env.server.received('message:send').map(({ userId, payload }) => [userId, payload])).toMatchObject([['bob', { userId: 'bob' }]])
    expect(tab.shown()).toEqual(['hello from bob:sent'])
  })

  it.each(['signOut', 'connect'] as const)('G7: what had arrived when a user left is not shown to nobody, nor to the next (%s)', async (how) => {
    const tab = openStore()
    tab.connect('alice')
    await tab.settle()
    for (const content of ['first', 'last']) {
      tab.env.server.push('general', { userId: 'carol', content })
      await tab.settle()
    }
    const seen: number[] = []
    let isFirst = true
    tab.store.subscribe(() => {
      if (tab.connection().userId !== 'alice') seen.push(tab.messages().length)
      if (!isFirst) return
      isFirst = false
      if (how === 'signOut') tab.dispatch(tab.chat.actions.signOut())
      else tab.connect('bob')
    })
    tab.env.server.on('message:sync', () => undefined)
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.advance(1_000)
    expect(seen.filter((count) => count > 0)).toEqual([])
  })

  it.each([
    ['the session', 'chat/sessionAnnounced'], ['a catch-up, while another pauses', 'chat/syncStarted'],
  ])('G9: who ends the connection on seeing %s leaves no timer', async (_, seen) => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    tab.connect()
    await tab.settle()
    const { server } = tab.env
    server.on('message:sync', (_payload, _peer, reply) => reply({ success: false, error: { code: 'unavailable', message: 'x', retryAfterMs: 60_000 } }))
    server.emitRaw('alice', 'session', { capabilities: ['sync'] })
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'pauses' }))
    await tab.advance(1_000)
    const stop = tab.store.subscribe(() => {
      if (tab.types().at(-1) !== seen) return
      stop()
      tab.dispatch(tab.chat.actions.disconnect())
    })
    if (seen === 'chat/syncStarted') tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    else server.emitRaw('alice', 'session', { capabilities: ['sync', 'auth-refresh'], tokenExpiresAt: tab.env.clock.now() + 60_000 })
    await tab.settle()
    expect([tab.connection().status, tab.env.timers]).toEqual(['idle', 0])
  })

  it('G7: receipts that came with the messages on which a user left are not shown to nobody', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    tab.env.server.push('general', { userId: 'carol', content: 'first' })
    await tab.settle()
    tab.env.server.push('general', { userId: 'carol', content: 'last' })
    tab.env.server.pushReceipt('read', 'general', 'carol')
    await tab.settle()
    const stop = tab.store.subscribe(() => {
      stop()
      tab.dispatch(tab.chat.actions.signOut())
    })
    await tab.advance(1_000)
    expect(tab.connection().userId).toBeNull()
    expect(tab.store.getState().chat?.messages).toEqual([])
  })

  it.each(['server_disconnect', 'reopened'] as const)('G1, G9: who ends a connection that is just being lost, on seeing the last of what came, may connect again (%s)', async (how) => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    for (const content of ['first', 'last']) {
      tab.env.server.push('general', { userId: 'bob', content })
      await tab.settle()
    }
    const stop = tab.store.subscribe(() => {
      if (tab.messages().length < 2) return
      stop()
      tab.dispatch(tab.chat.actions.disconnect())
    })
    expect(tab.messages()).toHaveLength(1)
    if (how === 'reopened') tab.env.lifecycle.resumed()
    else tab.env.server.disconnectAll(how)
    await tab.settle()
    expect([tab.messages().length, tab.connection().status, tab.env.timers, tab.env.lifecycle.listeners]).toEqual([2, 'idle', 0, 0])
    tab.connect()
    await tab.advance(60_000)
    expect(tab.connection().status).toBe('connected')
  })

  it('G7: a bound action of the next user does not leave on the connection of the first', async () => {
    const typing = createAction<{ readonly who: string }>('app/typing')
    const tab = openStore({ config: socketBindings<{}, { typing: (payload: { readonly who: string }) => void }>()({ emits: { typing: { action: typing } } }) })
    tab.connect('alice')
    await tab.settle()
    const stop = tab.store.subscribe(() => {
      stop()
      tab.dispatch(typing({ who: 'bob' }))
    })
    tab.connect('bob')
    await tab.advance(60_000)
    expect(tab.env.server.received('typing')).toEqual([])
  })

  it('G1: what was sent a moment before somebody else is signed in is kept for its owner', async () => {
    const tab = openStore()
    tab.connect('alice')
    await tab.settle()
    tab.env.network.cut()
    await tab.settle()
    const stop = tab.store.subscribe(() => {
      stop()
      tab.connect('bob')
    })
    tab.send('from alice')
    tab.env.network.restore()
    await tab.advance(5_000)
    tab.connect('alice')
    await tab.advance(60_000)
    expect(tab.shown()).toEqual(['from alice:sent'])
  })

  it('G1: what is signed out in the moment it is restored is kept for the next sign-in', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    tab.env.network.cut()
    await tab.settle()
    tab.send('kept')
    await tab.settle()
    const next = openStore({ env: tab.env.reload() })
    const stop = next.store.subscribe(() => {
      if (next.messages().length === 0) return
      stop()
      next.dispatch(next.chat.actions.signOut())
      next.connect()
    })
    next.connect()
    await next.advance(60_000)
    expect(next.shown()).toEqual(['kept:sent'])
  })

  it.each(['disconnect', 'signOut'] as const)('G1: a listener behind the chat that answers %s with a connect connects', async (how) => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const { middleware, startListening } = createListenerMiddleware()
    const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (defaults) => defaults().concat(chat.middleware, middleware) })
    startListening({ type: chat.actions[how].type, effect: () => { store.dispatch(chat.actions.connect({ userId: 'guest' })) } })
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.flush()
    store.dispatch(how === 'signOut' ? chat.actions.signOut() : chat.actions.disconnect())
    await env.clock.advance(5_000)
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'hi' }))
    await env.clock.advance(5_000)
    expect(chat.selectors.selectConnection(store.getState())).toMatchObject({ status: 'connected', userId: 'guest' })
    expect(chat.selectors.selectMessages(store.getState(), 'general').map(({ status }) => status)).toEqual(['sent'])
    expect(env.network.open).toBe(1)
  })
})

/** What a subscriber throws is told as uncaught: that is no failure of these tests, and nothing else may be. */
function expectUncaught(): void {
  const others = process.listeners('uncaughtException')
  const told: string[] = []
  beforeAll(() => {
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (reason) => void told.push(String(reason)))
  })
  afterAll(() => {
    process.removeAllListeners('uncaughtException')
    for (const other of others) process.on('uncaughtException', other)
    expect(told.filter((reason) => reason !== String(THROWN))).toEqual([])
  })
}

describe('a subscriber that throws once', () => {
  expectUncaught()

  it.each(Array.from({ length: 16 }, (_, i) => i + 1))('G1, G9: stops nothing, whatever it heard (at its call %i)', async (call) => {
    const tab = openStore()
    let calls = 0
    tab.store.subscribe(() => {
      if (++calls === call) throw new Error('from a subscriber')
    })
    const doing = async (task: () => unknown): Promise<void> => {
      try {
        task()
      } catch {
        // The app's own: whoever dispatches sees it.
      }
      await tab.advance(100)
    }
    await doing(tab.connect)
    await doing(() => tab.send('one'))
    await doing(() => tab.env.network.drop())
    await doing(() => tab.send('two'))
    await doing(() => tab.env.network.restore())
    await tab.advance(60_000)
    expect([calls >= call, tab.shown()]).toEqual([true, ['one:sent', 'two:sent']])
    await doing(() => tab.dispatch(tab.chat.actions.signOut()))
    await tab.advance(1_000)
    expect([tab.env.timers, tab.env.locks?.size, tab.env.network.open]).toEqual([0, 0, 0])
  })
})

const typing = createAction<{ readonly who: string }>('chat/typing')
const THROWN = new Error('from a subscriber')
const RUNS = Number(process.env['NESTED_RUNS'] ?? 60)
const CHANNELS = ['a', 'b', 'c', 'd']
const SERVERS = [['sync', 'ordered', 'auth-refresh'], ['sync'], null]

/** One store whose subscriber dispatches commands in the middle of anything; two users take turns on it. */
async function runNested(run: number) {
  const random = createSeededRandom(`nested ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const clock = createManualClock()
  const server = createMemoryServer({
    now: clock.now, capabilities: SERVERS[run % 3] ?? null, echo: pick(['after_ack', 'before_ack']),
    isMember: (userId, channelId) => !channelId.startsWith('of ') || channelId === `of ${userId}`,
  })
  const env = createTestEnvironment({ seed: run, clock, server, latencyMs: { min: 0, max: pick([0, 30, 60]) } })
  const tab = openStore({ env, config: {
    history: { windowSize: 30, pageSize: 5, maxChannels: 2 },
    delivery: { ackTimeoutMs: 1_000, maxAttempts: 1_000, inFlightPerChannel: pick([1, 3, 5]), inFlightTotal: pick([2, 5, 9]) },
    reconnection: { attempts: 1_000 },
    // An app's own action may well have the name of the chat.
    ...socketBindings<{}, { typing: (payload: { readonly who: string }) => void }>()({ emits: { typing: { action: typing } } }),
  } })
  const { actions } = tab.chat
  /** What a subscriber throws goes to whoever dispatches: here, nobody minds. */
  const bravely = (task: () => unknown): void => {
    try {
      task()
    } catch (reason) {
      if (String(reason) !== String(THROWN)) throw reason
    }
  }
  const composed: { readonly id: string; readonly channelId: string; readonly userId: string }[] = []
  const problems: string[] = []
  const send = (): void => {
    const userId = tab.store.getState().chat?.outbox.userId
    if (!userId || composed.length >= 150) return
    const action = actions.sendMessage({ channelId: pick(CHANNELS), content: 'x' })
    // Noted before it is dispatched: a subscriber may send another one within.
    composed.push({ ...action.payload, userId })
    tab.dispatch(action)
  }
  const connect = (): void => void tab.connect(pick(['alice', 'bob']))
  const type = (): void => void tab.dispatch(typing({ who: tab.store.getState().chat?.outbox.userId ?? '' }))
  const commands = [
    send, send, send, connect,
    () => tab.dispatch(actions.markRead({ channelId: pick(CHANNELS) })),
    () => tab.dispatch(actions.retryAllFailed()),
    () => tab.dispatch(actions.openChannel({ channelId: pick(CHANNELS) })),
    () => tab.dispatch(actions.closeChannel({ channelId: pick(CHANNELS) })),
    () => tab.dispatch(actions.signOut()),
    type, type,
    () => { for (const userId of ['alice', 'bob', 'alice', 'bob']) server.push(`of ${userId}`, { userId: 'carol', content: 'x' }) },
    () => tab.dispatch(actions.disconnect()),
    () => {
      bravely(() => tab.dispatch(actions.disconnect()))
      connect()
    },
  ]
  let depth = 0
  let wildness = 0.25
  tab.store.subscribe(() => {
    const user = tab.store.getState().chat?.outbox.userId ?? ''
    for (const other of ['alice', 'bob']) if (other !== user && tab.messages(`of ${other}`).length > 0) problems.push(`${user} sees what is of ${other}`)
    if (depth > 1 || random() > wildness) return
    depth++
    bravely(pick(commands))
    depth--
    if (random() < 0.1) throw THROWN
  })
  const refusing = server.rejectWhile(() => (random() < 0.15 ? { code: 'unavailable', retryable: true, retryAfterMs: 200 } : null))
  bravely(() => tab.connect())
  for (let step = 0; step < 40; step++) {
    bravely(pick(commands))
    // The last of what arrives is still to be applied when the connection ends.
    if (random() < 0.1) for (const content of ['1', '2', '3']) server.push('a', { userId: 'carol', content })
    if (random() < 0.1) env.network.drop()
    await clock.advance(pick([0, 20, 400]))
  }
  wildness = -1
  refusing()
  env.network.heal()
  const last = tab.connection().userId ?? 'alice'
  for (const userId of [last, last === 'alice' ? 'bob' : 'alice']) {
    tab.connect(userId)
    await clock.advance(300_000)
    if (tab.connection().status !== 'connected') problems.push(`${userId} is ${tab.connection().status}`)
    for (const { status, channelId } of tab.selectors.selectOutbox(tab.store.getState())) problems.push(`${userId}: ${status} in ${channelId}`)
    for (const channelId of CHANNELS) {
      const arrived = server.log(channelId).filter((message) => message.userId === userId).map(({ id }) => id)
      const wanted = composed.filter((message) => message.channelId === channelId && message.userId === userId).map(({ id }) => id)
      if (arrived.join() !== wanted.join()) problems.push(`${userId} in ${channelId}: ${arrived.join()} instead of ${wanted.join()}`)
    }
  }
  const present = tab.connection().userId ?? ''
  tab.dispatch(typing({ who: present }))
  await clock.advance(1_000)
  if (server.received('typing').at(-1)?.userId !== present) problems.push('an action that is bound was not emitted')
  for (const { userId, payload } of server.received('typing')) if ((payload as { who: string }).who !== userId) problems.push(`somebody else typing on the connection of ${userId}`)
  for (const { userId, payload } of server.received('message:send')) {
    if ((payload as { userId: string }).userId !== userId) problems.push(`a message of somebody else on the connection of ${userId}`)
  }
  tab.dispatch(actions.disconnect())
  await clock.advance(200)
  if (env.timers + env.lifecycle.listeners + env.network.open + env.network.connecting > 0) problems.push('left something behind')
  return { problems, composed: composed.length }
}

describe('dispatched by a subscriber in the middle of anything', () => {
  expectUncaught()

  it('G1, G2, G3, G7: nothing is lost, doubled, reordered or sent as somebody else', async () => {
    let composed = 0
    for (let run = 0; run < RUNS; run++) {
      const outcome = await runNested(run)
      composed += outcome.composed
      expect([run, outcome.problems]).toEqual([run, []])
    }
    expect(composed).toBeGreaterThan(RUNS * 10)
  }, 120_000)
})

describe('who looks on and throws', () => {
  /** What surfaced as the app's own. */
  async function surfaced(run: () => Promise<void>): Promise<readonly string[]> {
    const reasons: string[] = []
    const listen = (reason: unknown): void => void reasons.push(String(reason))
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', listen)
    try {
      await run()
      await new Promise((resolve) => { setImmediate(resolve) })
    } finally {
      process.off('uncaughtException', listen)
      for (const other of others) process.on('uncaughtException', other)
    }
    return reasons
  }

  it('G7: a subscriber that throws at the loss of a connection does not keep it from coming back', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    const stop = tab.store.subscribe(() => {
      stop()
      throw new Error('of the app')
    })
    const reasons = await surfaced(async () => {
      tab.env.network.cut()
      tab.env.network.restore()
      await tab.advance(10_000)
    })
    expect(reasons).toEqual(['Error: of the app'])
    expect(tab.connection().status).toBe('connected')
  })

  it.each(['sendMessage', 'connect'] as const)('G7: a subscriber that throws at %s is told, and the message is sent', async (at) => {
    const tab = openStore()
    if (at === 'sendMessage') tab.connect()
    await tab.settle()
    const stop = tab.store.subscribe(() => {
      stop()
      throw new Error('of the app')
    })
    expect(at === 'connect' ? () => tab.connect() : () => tab.send('hi')).toThrow('of the app')
    if (at === 'connect') tab.send('hi')
    await tab.advance(5_000)
    expect(tab.shown()).toEqual(['hi:sent'])
  })

  it('G7: a binding that throws at the loss of a connection does not keep it from coming back', async () => {
    const typing = createAction<{ readonly who: string }>('app/typing')
    const failed = (): never => { throw new Error('of the app') }
    const tab = openStore({ config: socketBindings<{}, { typing: (payload: { readonly who: string }) => void }>()({ emits: { typing: { action: typing, failed } } }) })
    tab.connect()
    await tab.settle()
    const reasons = await surfaced(async () => {
      tab.dispatch(typing({ who: 'alice' }))
      tab.env.server.disconnectAll()
      await tab.advance(10_000)
    })
    expect(reasons).toEqual(['Error: of the app'])
    expect(tab.connection().status).toBe('connected')
  })
})
