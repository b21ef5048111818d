import { describe, expect, it } from 'vitest'
import { configureStore } from '@reduxjs/toolkit'
import { instrument } from '@redux-devtools/instrument'
import { createChat, type SocketConfig } from 'redux-chat'
import { createManualClock, createMemoryServer, createTestEnvironment, type MemoryServerOptions } from 'redux-chat/testing'
import type { RecordStorage } from '../../src/persistence/record-storage'
import type { ConnectionHandlers } from '../../src/transport/transport'
import { openStore } from '../support/chat-store'

const jwt = (exp: number): string => `head.${btoa(JSON.stringify({ exp }))}.sign`

async function world(options: MemoryServerOptions = {}, config: Partial<SocketConfig> = {}) {
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, ...options })
  const env = createTestEnvironment({ server, clock })
  const alice = openStore({ env, config })
  alice.connect()
  await alice.advance(500)
  return { clock, server, env, alice }
}
const general = { channelId: 'general' }
const contentsOf = (server: ReturnType<typeof createMemoryServer>) =>
  server.received('message:send').map(({ payload }) => (payload as { content: string }).content)

describe('attack: delivery', () => {
  it('G3: a server that does not order gets one message at a time per channel', async () => {
    const { server, env, alice } = await world({ capabilities: ['sync'] })
    env.network.fault({ direction: 'up', event: 'message:send', action: 'hold' })
    for (const text of ['1', '2', '3']) alice.send(text)
    await alice.settle()
    expect(alice.types().filter((type) => type === 'chat/messageEmitted')).toHaveLength(1)
    expect(server.log('general')).toEqual([])
  })

  it('G8: no more than inFlightTotal are in flight over all channels', async () => {
    const { env, alice } = await world({}, { delivery: { inFlightTotal: 2 } })
    env.network.fault({ direction: 'up', event: 'message:send', action: 'drop' })
    for (let i = 0; i < 6; i++) alice.send('x', `c${i}`)
    await alice.advance(1_000)
    expect(alice.types().filter((type) => type === 'chat/messageEmitted')).toHaveLength(2)
  })

  it('G2: an answer that waits behind a sleep is read before the message is repeated', async () => {
    const { clock, server, env, alice } = await world()
    env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    env.network.fault({ direction: 'ack', event: 'message:send', action: { delayMs: 10_500 } })
    alice.send('slept')
    await alice.settle()
    clock.sleep(15_000)
    await alice.advance(5_000)
    expect(alice.shown()).toEqual(['slept:sent'])
    expect(server.received('message:send')).toHaveLength(1)
    expect(alice.types()).not.toContain('chat/messageDelayed')
  })

  it('G7: what may be breaking the connection flies alone', async () => {
    const { server, env, alice } = await world()
    env.network.fault({ direction: 'up', event: 'message:send', action: 'drop', match: (payload) => (payload as { content: string }).content === 'suspect' })
    alice.send('suspect')
    const emitted = (): number => alice.types().filter((type) => type === 'chat/messageEmitted').length
    for (let losses = 0; losses < 2; losses++) {
      await alice.settle()
      server.disconnectAll('transport_close')
      while (emitted() < losses + 2) await alice.advance(50)
    }
    alice.send('other', 'elsewhere')
    await alice.advance(100)
    expect(contentsOf(server)).toEqual([])
    // What breaks the connection does so at once: one that is only not answered holds up no other channel.
    await alice.advance(1_000)
    expect(contentsOf(server)).toEqual(['other'])
    env.network.heal()
    await alice.advance(60_000)
    expect([...alice.shown(), ...alice.shown('elsewhere')]).toEqual(['suspect:sent', 'other:sent'])
  })

  it('G1: a moment that an earlier life noted under another clock holds nothing back', async () => {
    const env = createTestEnvironment()
    const message = { id: 'old', channelId: 'general', userId: 'alice', content: 'old', createdAt: env.clock.now() }
    await env.storage('chat')?.write({ remove: [], put: [
      { userId: 'alice', id: 'old', tab: 'dead', version: 1, data: { message, order: 1, budgetFrom: env.clock.now(), nextAttemptAt: env.clock.now() + 1e9 } },
    ] })
    const alice = openStore({ env })
    alice.connect()
    await alice.advance(31_000)
    expect(alice.shown()).toEqual(['old:sent'])
  })

  it('G3: a late refusal of attempt 1 does not fail attempt 2', async () => {
    const { server, alice } = await world()
    const replies: ((response: unknown) => void)[] = []
    server.on('message:send', (_payload, _peer, reply) => { replies.push(reply) })
    const id = alice.send('twice')
    await alice.advance(12_000)
    expect(replies).toHaveLength(2)
    replies[0]?.({ success: false, error: { code: 'nope', message: 'late', retryable: false } })
    await alice.settle()
    expect(alice.shown()).toEqual(['twice:pending'])
    replies[1]?.({ success: true, data: { id, seq: 1 } })
    await alice.settle()
    expect(alice.shown()).toEqual(['twice:sent'])
  })

  it('G4: a late acknowledgement heals a message that had failed', async () => {
    const { server, alice } = await world({}, { delivery: { maxAttempts: 1 } })
    const replies: ((response: unknown) => void)[] = []
    server.on('message:send', (_payload, _peer, reply) => { replies.push(reply) })
    const id = alice.send('late')
    await alice.advance(11_000)
    expect(alice.shown()).toEqual(['late:failed'])
    replies[0]?.({ success: true, data: { id, seq: 1 } })
    await alice.settle()
    expect(alice.shown()).toEqual(['late:sent'])
    expect(alice.errors()).toEqual([])
  })

  it('G1: a message that is refused for an expired token waits for a fresh one and spends no attempt', async () => {
    const { server, alice } = await world({}, { delivery: { maxAttempts: 1 } })
    server.rejectNext({ code: 'token_expired' })
    alice.send('patient')
    await alice.advance(5_000)
    expect(alice.shown()).toEqual(['patient:sent'])
    expect(server.received('auth:refresh')).toHaveLength(1)
  })

  it('G2: the code "duplicate" says that the server has it', async () => {
    const { server, alice } = await world({ echo: 'none' })
    server.rejectNext({ code: 'duplicate' })
    alice.send('known')
    await alice.advance(100)
    expect(alice.shown()).toEqual(['known:sent'])
  })

  it('G10: the acknowledgement of another message settles nothing', async () => {
    const { server, alice } = await world()
    server.on('message:send', (_payload, _peer, reply) => reply({ success: true, data: { id: 'another', seq: 1 } }))
    alice.send('mine')
    await alice.settle()
    expect(alice.shown()).toEqual(['mine:pending'])
    expect(alice.errors()).toMatchObject([{ type: 'invalid_payload', code: 'invalid_ack' }])
  })
})

describe('attack: session', () => {
  it('G9: a connection that was given up is heard no more, whatever its transport says', async () => {
    const opened: ConnectionHandlers[] = []
    const env = createTestEnvironment()
    const transport = { open: (_request: unknown, handlers: ConnectionHandlers) => { opened.push(handlers); return { emit: () => undefined, close: () => undefined } } }
    const alice = openStore({ env, config: { environment: { transport } } })
    alice.connect()
    await alice.advance(22_000)
    expect(opened).toHaveLength(2)
    opened[0]?.onOpen()
    opened[0]?.onEvent('message:new', [{ id: 'a', channelId: 'general', userId: 'bob', content: 'x', createdAt: 1 }])
    opened[0]?.onClose({ reason: 'rejected', message: 'late' })
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'reconnecting', attempt: 1 })
    expect(alice.messages()).toEqual([])
    expect(opened).toHaveLength(2)
  })

  it('G9: a disconnect while a reconnection, a request, a receipt or a renewal waits leaves no timer', async () => {
    for (const moment of ['reconnection', 'request', 'receipt', 'renewal'] as const) {
      const { server, env, alice } = await world({}, { getToken: () => (moment === 'renewal' ? jwt(2e9) : 'token') })
      if (moment === 'renewal') {
        const later = openStore({ env: env.openTab(), config: { getToken: () => jwt(env.clock.now() / 1_000 + 60) } })
        later.connect()
        await later.advance(1_000)
        later.dispatch(later.chat.actions.disconnect())
        expect(later.env.timers).toBe(0)
      }
      if (moment === 'reconnection') server.disconnectAll('transport_close')
      if (moment === 'request') {
        env.network.fault({ direction: 'ack', action: 'drop' })
        alice.dispatch(alice.chat.actions.openChannel(general))
      }
      if (moment === 'receipt') server.push('general', { userId: 'bob', content: 'x' })
      await alice.settle()
      if (moment !== 'renewal') expect(env.timers).toBeGreaterThan(0)
      alice.dispatch(alice.chat.actions.disconnect())
      await alice.settle()
      expect([moment, env.timers]).toEqual([moment, 0])
    }
  })

  it('G8: one renewal serves everybody who asks while it is under way', async () => {
    const asked: boolean[] = []
    const { server, clock, alice } = await world({}, {
      getToken: ({ skipCache }) => {
        asked.push(skipCache)
        return skipCache ? new Promise(() => undefined) : jwt(1_767_225_600 + 60)
      },
    })
    await alice.advance(46_000)
    expect(asked).toEqual([false, true])
    server.expireAuth('alice')
    await alice.advance(1_000)
    expect(asked).toEqual([false, true])
    expect(clock.monotonic()).toBeLessThan(60_000)
  })

  it('G8: fresh tokens that never help end in unauthorized', async () => {
    const { server, alice } = await world()
    server.rejectWhile(() => ({ code: 'token_expired' }))
    alice.send('never')
    await alice.advance(60_000)
    expect(alice.connection()).toMatchObject({ status: 'unauthorized', reason: 'token_refused' })
    expect(server.received('auth:refresh').length).toBeLessThanOrEqual(3)
    expect(alice.shown()).toEqual(['never:pending'])
  })

  it("G7: a token that was asked for one user is never presented for the next", async () => {
    const waiting: ((token: string) => void)[] = []
    const { server, alice } = await world({}, { getToken: ({ skipCache }) => (skipCache ? new Promise((resolve) => waiting.push(resolve)) : 'token') })
    server.expireAuth('alice')
    await alice.settle()
    expect(waiting).toHaveLength(1)
    alice.connect('bob')
    await alice.settle()
    waiting[0]?.('of alice')
    await alice.advance(1_000)
    expect(server.received('auth:refresh')).toEqual([])
  })

  it("G7: what arrived for one user is never applied for the next", async () => {
    const { server, alice } = await world()
    for (const content of ['applied', 'collected']) server.push('secret', { userId: 'carol', content })
    await alice.settle()
    alice.connect('bob')
    await alice.settle()
    server.emitRaw('bob', 'message:new', { id: 'b', channelId: 'general', userId: 'carol', content: 'for bob', createdAt: 1, seq: 1 })
    await alice.settle()
    expect(alice.messages('secret')).toEqual([])
  })

  it('G7: a stored queue that is read late is no news to the next user', async () => {
    const env = createTestEnvironment()
    const inner = env.storage('chat') ?? expect.fail('no storage')
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => { release = resolve })
    const storage: RecordStorage = { ...inner, load: async (userId) => {
      if (userId !== 'alice') return inner.load(userId)
      await gate
      return { records: [], unreadable: [{ id: 'x', reason: 'corrupt' }] }
    } }
    const tab = openStore({ env, config: { environment: { storage: () => storage } } })
    tab.connect('alice')
    await tab.settle()
    tab.connect('bob')
    release()
    await tab.advance(100)
    expect(tab.errors()).toEqual([])
  })
})

describe('attack: receipts and catch-up', () => {
  it('G6: delivery is never confirmed beyond a gap', async () => {
    const { server, env, alice } = await world()
    server.push('general', { userId: 'bob', content: 'm1' })
    await alice.advance(2_000)
    env.network.fault({ direction: 'ack', event: 'message:sync', action: 'drop' })
    env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 1 })
    for (const content of ['m2', 'm3']) server.push('general', { userId: 'bob', content })
    await alice.advance(3_000)
    expect(alice.messages().map(({ seq }) => seq)).toEqual([1, 3])
    expect(server.receipts('general', 'alice').delivered).toBe(1)
  })

  it('G1: a read mark that was lost on the way is repeated on the next connection', async () => {
    const { server, env, alice } = await world()
    server.push('general', { userId: 'bob', content: 'm1' })
    await alice.advance(2_000)
    env.network.fault({ direction: 'up', event: 'message:read', action: 'drop', times: 1 })
    alice.dispatch(alice.chat.actions.markRead(general))
    await alice.advance(1_000)
    expect(server.receipts('general', 'alice').read).toBe(0)
    server.disconnectAll('transport_close')
    await alice.advance(5_000)
    expect(server.receipts('general', 'alice').read).toBe(1)
  })

  it('G6: a request that its connection took along is no failure', async () => {
    const { server, env, alice } = await world()
    env.network.fault({ direction: 'ack', event: 'message:sync', action: 'drop' })
    alice.dispatch(alice.chat.actions.openChannel(general))
    await alice.settle()
    server.disconnectAll('transport_close')
    await alice.settle()
    expect(alice.errors()).toEqual([])
    expect(alice.types()).not.toContain('chat/syncFailed')
  })

  it('G8: many channels catch up a few at a time', async () => {
    const { server, env, alice } = await world()
    env.network.fault({ direction: 'ack', event: 'message:sync', action: 'drop' })
    for (let i = 0; i < 30; i++) alice.dispatch(alice.chat.actions.openChannel({ channelId: `c${i}` }))
    await alice.advance(1_000)
    expect(server.received('message:sync')).toHaveLength(4)
  })

  it('G8: a page that promises more but gives nothing is asked for ever more slowly', async () => {
    const { server, alice } = await world()
    server.on('message:sync', (_payload, _peer, reply) => reply({ success: true, data: { messages: [], latest: 5, more: true } }))
    alice.dispatch(alice.chat.actions.openChannel(general))
    await alice.advance(30_000)
    expect(alice.errors()).toMatchObject([{ type: 'sync_failed', code: 'empty_page' }])
    expect(server.received('message:sync').length).toBeLessThan(15)
  })
})

describe('attack: hostile input', () => {
  const good = { id: 'a', channelId: 'general', userId: 'bob', content: 'x', createdAt: 1 }

  it('G10: what is no seq, no extra field and no member of this channel does not get in', async () => {
    const { server, alice } = await world()
    for (const seq of [0, -1, 1.5, 2 ** 53]) server.emitRaw('alice', 'message:new', { ...good, id: `seq${seq}`, seq })
    await alice.advance(50)
    expect(alice.messages()).toEqual([])
    server.emitRaw('alice', 'message:new', JSON.parse('{"id":"b","channelId":"general","userId":"bob","content":"x","createdAt":1,"stored":false,"constructor":{"a":1},"prototype":1}'))
    await alice.advance(50)
    expect(Object.keys(alice.messages()[0] ?? {}).sort()).toEqual(['channelId', 'content', 'createdAt', 'id', 'status', 'userId'])
  })

  it("G7: a page brings no other channel's messages", async () => {
    const { server, alice } = await world()
    server.on('message:sync', (_payload, _peer, reply) => reply({ success: true, data: { messages: [{ ...good, channelId: 'other', seq: 1 }], latest: 1, more: false } }))
    alice.dispatch(alice.chat.actions.openChannel(general))
    await alice.advance(1_000)
    expect(alice.messages()).toEqual([])
  })

  it('G10: a mapping of the app that throws reaches nobody', async () => {
    const { server, alice } = await world({}, { protocol: { incoming: { 'message:new': () => { throw new Error('mapping') } } } })
    server.emitRaw('alice', 'message:new', good)
    await alice.settle()
    expect(alice.errors()).toMatchObject([{ type: 'invalid_payload' }])
  })
})

describe('attack: DevTools', () => {
  it('G12: a reconnection while an old state is shown does not send what the server has', async () => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const store = configureStore({
      reducer: { chat: chat.reducer }, devTools: false,
      middleware: (getDefault) => getDefault().concat(chat.middleware), enhancers: (getDefault) => getDefault().concat(instrument()),
    })
    const { liftedStore } = store as unknown as { liftedStore: { dispatch(action: object): void; getState(): { nextActionId: number } } }
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
    await env.clock.flush()
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
