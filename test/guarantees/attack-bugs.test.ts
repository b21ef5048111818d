import { describe, expect, it, vi } from 'vitest'
import { configureStore } from '@reduxjs/toolkit'
import { instrument } from '@redux-devtools/instrument'
import { createChat } from 'redux-chat'
import { createManualClock, createMemoryServer, createTestEnvironment } from 'redux-chat/testing'
import { createEnvironment } from '../../src/create-environment'
import { valueAt, valuesOf } from '../../src/policy/table'
import { openStore } from '../support/chat-store'

const jwt = (exp: number): string => `head.${btoa(JSON.stringify({ exp }))}.sign`

describe('attack: sequences', () => {
  it('G1: a message in flight at a disconnect goes out with the next connect, though an event was still being collected', async () => {
    const alice = openStore()
    const { server } = alice.env
    alice.connect()
    await alice.settle()
    server.push('other', { userId: 'bob', content: 'known' })
    await alice.advance(500)
    alice.env.network.fault({ direction: 'up', event: 'message:send', action: 'drop' })
    alice.send('in flight')
    await alice.settle()
    for (const content of ['applied at once', 'collected']) server.push('other', { userId: 'bob', content })
    await alice.settle()
    const emitted = alice.types().filter((type) => type === 'chat/messageEmitted').length
    alice.dispatch(alice.chat.actions.disconnect())
    expect(alice.types().filter((type) => type === 'chat/messageEmitted')).toHaveLength(emitted)
    alice.env.network.heal()
    alice.connect()
    await alice.advance(60_000)
    expect(alice.shown()).toEqual(['in flight:sent'])
  })

  it('G9: an app that disconnects as soon as it sees the loss stays disconnected', async () => {
    const alice = openStore()
    alice.connect()
    await alice.settle()
    const stop = alice.store.subscribe(() => {
      if (alice.connection().status === 'reconnecting') alice.dispatch(alice.chat.actions.disconnect())
    })
    alice.env.server.disconnectAll('transport_close')
    await alice.settle()
    stop()
    expect(alice.connection().status).toBe('idle')
    expect(alice.env.timers).toBe(0)
    await alice.advance(5_000)
    expect(alice.connection().status).toBe('idle')
  })

  it('G9: an app that disconnects as soon as it sees the connection leaves no timer', async () => {
    const env = createTestEnvironment()
    const alice = openStore({ env, config: { getToken: () => jwt(env.clock.now() / 1_000 + 60) } })
    const stop = alice.store.subscribe(() => {
      if (alice.connection().status === 'connected') alice.dispatch(alice.chat.actions.disconnect())
    })
    alice.connect()
    await alice.settle()
    stop()
    expect(alice.connection().status).toBe('idle')
    expect(env.timers).toBe(0)
  })

  it('G9: a catch-up that was under way at a disconnect is not shown as running for ever', async () => {
    const alice = openStore()
    alice.env.server.push('general', { userId: 'bob', content: 'x' })
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    alice.env.network.fault({ direction: 'ack', event: 'message:sync', action: 'drop' })
    await alice.advance(50)
    alice.dispatch(alice.chat.actions.disconnect())
    await alice.settle()
    expect(valueAt(alice.store.getState().chat.messages, 'general')?.catchUp).toBe('idle')
  })

  it('G7: signOut({ discardOutbox: true }) after a disconnect removes what was kept too', async () => {
    const env = createTestEnvironment()
    const tab = openStore({ env })
    env.network.cut()
    tab.connect('alice')
    tab.send('gone')
    await tab.settle()
    tab.dispatch(tab.chat.actions.disconnect())
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.settle()
    expect((await env.storage('chat')?.load('alice'))?.records).toEqual([])
  })

  it('G1: what a user left in a tab that now serves another user is shown where its owner signs in', async () => {
    const env = createTestEnvironment()
    const first = openStore({ env })
    env.network.cut()
    first.connect('alice')
    first.send('left behind')
    await first.settle()
    first.dispatch(first.chat.actions.signOut())
    first.connect('bob')
    await first.settle()
    const second = openStore({ env: env.openTab() })
    second.connect('alice')
    await second.advance(30_000)
    expect(second.shown()).toEqual(['left behind:sent'])
  })
})

describe('attack: clocks', () => {
  it('G8: a device whose clock is ahead by more than the life of a token does not renew in a loop', async () => {
    const clock = createManualClock()
    const serverNow = () => clock.monotonic() + 1_767_225_600_000
    const server = createMemoryServer({ now: serverNow, authenticate: () => ({ ok: true, expiresAt: serverNow() + 60_000 }) })
    const env = createTestEnvironment({ server, clock, latencyMs: 20 })
    clock.setWall(serverNow() + 3_600_000)
    const alice = openStore({ env, config: { getToken: () => jwt((serverNow() + 60_000) / 1_000) } })
    alice.connect()
    await alice.advance(30_000)
    expect(alice.connection().status).toBe('connected')
    expect(server.received('auth:refresh').length).toBeLessThanOrEqual(7)
  })

  it('G8: a pause longer than a browser timer can hold is not a busy loop', () => {
    vi.useFakeTimers()
    try {
      let fired = 0
      createEnvironment().clock.setTimer(2 ** 31 + 1_000, () => { fired++ })
      vi.advanceTimersByTime(1_000)
      expect(fired).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('attack: clocks, closely', () => {
  it('G8: nor does one whose clock is ahead by almost the life of a token', async () => {
    const clock = createManualClock()
    const serverNow = () => clock.monotonic() + 1_767_225_600_000
    const server = createMemoryServer({ now: serverNow, authenticate: () => ({ ok: true, expiresAt: serverNow() + 60_000 }) })
    const env = createTestEnvironment({ server, clock, latencyMs: 20 })
    clock.setWall(serverNow() + 59_800)
    const alice = openStore({ env, config: { getToken: () => jwt((serverNow() + 60_000) / 1_000) } })
    alice.connect()
    await alice.advance(30_000)
    expect(server.received('auth:refresh').length).toBeLessThanOrEqual(8)
  })
})

describe('attack: bounds', () => {
  it('G8: channels that are never opened, or closed again, keep no more messages than maxChannels allows', async () => {
    const alice = openStore({ config: { history: { maxChannels: 3 } } })
    alice.connect()
    await alice.settle()
    for (let i = 0; i < 20; i++) alice.env.server.push(`c${i}`, { userId: 'bob', content: 'x' })
    await alice.advance(5_000)
    expect(valuesOf(alice.store.getState().chat.messages).filter(({ messages }) => messages.length > 0).length).toBeLessThanOrEqual(3)
  })

  it('G8: beyond maxChannels the channels that were opened least recently shrink first, however many there are', async () => {
    const alice = openStore({ config: { history: { maxChannels: 3 } } })
    alice.connect()
    await alice.settle()
    const channels = Array.from({ length: 40 }, (_, i) => `c${i}`)
    const visit = (channelId: string) => {
      alice.dispatch(alice.chat.actions.openChannel({ channelId }))
      alice.dispatch(alice.chat.actions.closeChannel({ channelId }))
    }
    for (const channelId of channels) {
      alice.env.server.push(channelId, { userId: 'bob', content: 'x' })
      visit(channelId)
      await alice.advance(2_000)
      visit('c0')
    }
    await alice.advance(5_000)
    expect(channels.filter((channelId) => alice.messages(channelId).length > 0)).toEqual(['c0', 'c38', 'c39'])
  })

  it('G8: closing channels shrinks the surplus', async () => {
    const alice = openStore({ config: { history: { maxChannels: 3 } } })
    alice.connect()
    await alice.settle()
    const channels = Array.from({ length: 8 }, (_, i) => `c${i}`)
    for (const channelId of channels) {
      alice.env.server.push(channelId, { userId: 'bob', content: 'x' })
      alice.dispatch(alice.chat.actions.openChannel({ channelId }))
    }
    await alice.advance(5_000)
    for (const channelId of channels) alice.dispatch(alice.chat.actions.closeChannel({ channelId }))
    expect(valuesOf(alice.store.getState().chat.messages).filter(({ messages }) => messages.length > 0).length).toBeLessThanOrEqual(3)
  })

  const hanging = () => {
    const env = createTestEnvironment()
    const storage = env.storage('chat')
    const hung = storage && { ...storage, load: () => new Promise<never>(() => undefined) }
    return { env, alice: openStore({ env, config: { environment: { storage: () => hung } } }) }
  }

  it('G9: a storage that hangs leaves no timer after a disconnect', async () => {
    const { env, alice } = hanging()
    alice.connect()
    await alice.advance(100)
    alice.dispatch(alice.chat.actions.disconnect())
    await alice.settle()
    expect(env.timers).toBe(0)
  })

  it('G3: the patience of an earlier connect does not end the wait of a later one', async () => {
    const { env, alice } = hanging()
    alice.connect()
    await alice.advance(2_900)
    alice.dispatch(alice.chat.actions.disconnect())
    alice.connect()
    alice.send('new')
    await alice.advance(200)
    expect(env.server.received('message:send')).toEqual([])
  })
})

describe('attack: DevTools', () => {
  it('G12: a reconnection while an old state is shown does not send what has failed', async () => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const store = configureStore({
      reducer: { chat: chat.reducer }, devTools: false,
      middleware: (getDefault) => getDefault().concat(chat.middleware), enhancers: (getDefault) => getDefault().concat(instrument()),
    })
    const { liftedStore } = store as unknown as { liftedStore: { dispatch(action: object): void; getState(): { nextActionId: number } } }
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.flush()
    env.server.rejectNext({ code: 'nope' })
    const index = liftedStore.getState().nextActionId
    store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'x' }))
    await env.clock.advance(1_000)
    expect(env.server.received('message:send')).toHaveLength(1)
    liftedStore.dispatch({ type: 'JUMP_TO_STATE', index })
    expect(chat.selectors.selectOutbox(store.getState())).toHaveLength(1)
    env.network.drop()
    await env.clock.advance(30_000)
    expect(env.network.opened).toBe(2)
    expect(env.server.received('message:send')).toHaveLength(1)
  })
})

describe('attack: the kit', () => {
  it('G1: records of newer code that a dead tab left stay where they are', async () => {
    const env = createTestEnvironment()
    const storage = env.storage('chat')
    await storage?.write({ remove: [], put: [
      { userId: 'alice', id: 'new', tab: 'dead', version: 99, data: {} },
      { userId: 'alice', id: 'old', tab: 'dead', version: 1, data: { order: 1, message: { id: 'old', channelId: 'general', userId: 'alice', content: 'old', createdAt: 1 } } },
    ] })
    env.network.cut()
    const alice = openStore({ env })
    alice.connect()
    await alice.settle()
    expect((await storage?.load('alice'))?.records.find(({ id }) => id === 'new')?.tab).toBe('dead')
  })
})
