import { describe, expect, it } from 'vitest'
import { createManualClock, createMemoryServer, createTestEnvironment, type MemoryServerOptions } from 'redux-chat/testing'
import { openStore } from '../support/chat-store'

function world(options: MemoryServerOptions = {}, config = {}) {
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, ...options })
  const env = createTestEnvironment({ server, clock })
  return { server, env, alice: openStore({ env, config }) }
}

const fill = (server: ReturnType<typeof createMemoryServer>, from: number, to: number, channelId = 'general') => {
  for (let i = from; i <= to; i++) server.push(channelId, { userId: 'bob', content: `m${i}` })
}
const seqs = (tab: ReturnType<typeof openStore>) => tab.messages().map(({ seq }) => seq)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('receiving', () => {
  it('opens a short channel whole, and a long one at its end with older pages on request', async () => {
    const { server, alice } = world({}, { history: { pageSize: 20 } })
    fill(server, 1, 5, 'short')
    fill(server, 1, 95)
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'short' }))
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(1_000)
    expect(alice.messages('short')).toHaveLength(5)
    expect(alice.channel('short')).toMatchObject({ hasOlder: false, gap: null, sync: 'idle' })
    expect(seqs(alice)).toEqual(range(76, 95))
    expect(alice.channel()).toMatchObject({ hasOlder: true, gap: null, sync: 'idle', loadingOlder: false })
    for (let i = 0; i < 4; i++) {
      alice.dispatch(alice.chat.actions.loadOlder({ channelId: 'general' }))
      await alice.settle()
    }
    expect(seqs(alice)).toEqual(range(1, 95))
    expect(alice.channel().hasOlder).toBe(false)
  })

  it('G6: after a reconnect every known channel catches up page by page from its highest contiguous seq', async () => {
    const { server, alice } = world({}, { history: { pageSize: 10 } })
    fill(server, 1, 5)
    fill(server, 1, 1, 'other')
    alice.connect()
    for (const channelId of ['general', 'other']) alice.dispatch(alice.chat.actions.openChannel({ channelId }))
    await alice.advance(500)
    alice.dispatch(alice.chat.actions.closeChannel({ channelId: 'other' }))
    alice.env.network.cut()
    await alice.settle()
    fill(server, 6, 40)
    fill(server, 2, 3, 'other')
    alice.env.network.restore()
    await alice.advance(5_000)
    expect(seqs(alice)).toEqual(range(1, 40))
    expect(alice.messages('other')).toHaveLength(3)
    const asked = server.received('message:sync').map(({ payload }) => payload).filter((p) => (p as { channelId: string }).channelId === 'general')
    expect(asked.slice(-4)).toMatchObject([{ after: 5, limit: 10 }, { after: 15 }, { after: 25 }, { after: 35 }])
  })

  it('G8: a fleet that reconnects together catches up spread over a second', async () => {
    const tab = openStore({ config: { environment: { random: () => 0.9 } } })
    const asked = (): number => tab.env.server.received('message:sync').length
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.settle()
    expect(asked()).toBe(1)
    tab.env.server.disconnectAll('transport_close')
    await tab.settle()
    for (let i = 0; i < 40 && tab.connection().status !== 'connected'; i++) await tab.advance(50)
    await tab.advance(800)
    expect(asked()).toBe(1)
    await tab.advance(200)
    expect(asked()).toBe(2)
  })

  it('G6: a hole is state while it lasts, and is filled', async () => {
    const { server, alice } = world()
    fill(server, 1, 2)
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    alice.env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 2 })
    fill(server, 3, 5)
    await alice.advance(50)
    expect(seqs(alice)).toEqual([1, 2, 5])
    expect(alice.channel().gap).toEqual({ after: 2, before: 5 })
    await alice.advance(500)
    expect(seqs(alice)).toEqual([1, 2, 3, 4, 5])
    expect(alice.channel().gap).toBeNull()
  })

  it('G6: what cannot be filled stays visible as a gap, and is not asked for in a loop', async () => {
    const { server, alice } = world()
    fill(server, 1, 2)
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    server.emitRaw('alice', 'message:new', { id: 'far', channelId: 'general', userId: 'bob', content: 'far', createdAt: 1, seq: 9 })
    await alice.advance(60_000)
    expect(alice.channel().gap).toEqual({ after: 2, before: 9 })
    expect(server.received('message:sync').length).toBeLessThan(12)
  })

  it('orders and deduplicates whatever arrives however often', async () => {
    const { server, alice } = world()
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    alice.env.network.fault({ direction: 'down', event: 'message:new', action: 'duplicate' })
    alice.env.network.fault({ direction: 'down', event: 'message:new', action: 'reorder', times: 5 })
    fill(server, 1, 30)
    await alice.advance(2_000)
    expect(seqs(alice)).toEqual(range(1, 30))
    expect(alice.chat.metrics.getSnapshot().duplicates).toBeGreaterThan(0)
  })

  it('a burst is few actions, and every message is there within a frame', async () => {
    const { server, alice } = world()
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    fill(server, 1, 1_000)
    await alice.advance(16)
    expect(alice.messages()).toHaveLength(1_000)
    expect(alice.types().filter((type) => type === 'chat/messagesReceived').length).toBeLessThan(8)
  })

  it('G8: the window stays bounded; scrolled back it slides, and loadNewer or openChannel bring the end back', async () => {
    const { server, alice } = world({}, { history: { pageSize: 20, windowSize: 40 } })
    fill(server, 1, 200)
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    for (let i = 0; i < 4; i++) {
      alice.dispatch(alice.chat.actions.loadOlder({ channelId: 'general' }))
      await alice.settle()
    }
    expect(seqs(alice)).toEqual(range(101, 140))
    expect(alice.channel()).toMatchObject({ hasNewer: true, hasOlder: true, gap: null })
    fill(server, 201, 210)
    await alice.advance(100)
    expect(seqs(alice)).toEqual(range(101, 140))
    server.disconnectAll('transport_close')
    await alice.advance(5_000)
    expect(seqs(alice)).toEqual(range(101, 140))
    // A page at a time, so that what is being read stays in reach.
    for (const last of [160, 180, 200, 210]) {
      alice.dispatch(alice.chat.actions.loadNewer({ channelId: 'general' }))
      await alice.advance(100)
      expect(seqs(alice)).toEqual(range(last - 39, last))
      expect(alice.channel()).toMatchObject({ hasNewer: last < 210, gap: null })
    }
    for (let i = 0; i < 4; i++) {
      alice.dispatch(alice.chat.actions.loadOlder({ channelId: 'general' }))
      await alice.settle()
    }
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    expect(seqs(alice).at(-1)).toBe(210)
    expect(alice.channel()).toMatchObject({ hasNewer: false })
  })

  it('G4: in a long window each row has its status, and only rows that changed are new objects', async () => {
    const { alice } = world()
    alice.connect()
    await alice.settle()
    const sent = (from: number, to: number) => range(from, to).map((seq) => ({ id: `m${seq}`, channelId: 'general', userId: 'alice', content: `${seq}`, createdAt: seq, seq }))
    const tell = (kind: 'delivered' | 'read', seq: number) => alice.dispatch({ type: 'chat/receiptsReceived', payload: { receipts: [{ kind, channelId: 'general', userId: 'bob', seq }] } })
    const changed = (change: () => void): readonly (number | undefined)[] => {
      const before = new Set(alice.messages())
      change()
      return alice.messages().filter((message) => !before.has(message)).map(({ seq }) => seq)
    }
    alice.dispatch({ type: 'chat/messagesReceived', payload: { messages: sent(1, 300) } })
    tell('delivered', 200)
    tell('read', 100)
    expect(alice.messages().map(({ status }) => status)).toEqual(range(1, 300).map((seq) => (seq <= 100 ? 'read' : seq <= 200 ? 'delivered' : 'sent')))
    expect(changed(() => tell('read', 101))).toEqual([101])
    expect(changed(() => alice.dispatch({ type: 'chat/messagesReceived', payload: { messages: sent(301, 301) } }))).toEqual([301])
    expect(changed(() => tell('read', 150))).toEqual(range(102, 150))
    expect(changed(() => tell('delivered', 120))).toEqual([])
    expect(seqs(alice)).toEqual(range(1, 301))
  })

  it('G5: receipts that come before their message wait for it', async () => {
    const { server, alice } = world({ capabilities: null })
    alice.connect()
    const id = alice.send('hi')
    alice.env.network.fault({ direction: 'ack', event: 'message:send', action: { delayMs: 300 } })
    alice.env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    await alice.settle()
    server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', messageId: id })
    await alice.advance(100)
    await alice.advance(500)
    expect(alice.shown()).toEqual(['hi:read'])
  })

  it('a server with only the four events works: order by createdAt then id, receipts by message, gaps not detectable', async () => {
    const { server, env, alice } = world({ capabilities: null })
    const bob = openStore({ env: env.openTab() })
    alice.connect('alice')
    bob.connect('bob')
    await alice.settle()
    alice.send('one')
    await alice.advance(10)
    alice.send('two')
    await alice.advance(500)
    expect(alice.shown()).toEqual(['one:delivered', 'two:delivered'])
    bob.dispatch(bob.chat.actions.markRead({ channelId: 'general' }))
    await alice.advance(500)
    expect(alice.shown()).toEqual(['one:read', 'two:read'])
    expect(alice.channel()).toMatchObject({ gapsDetectable: false, sync: 'idle' })
    expect(server.received('message:sync')).toEqual([])
    server.emitRaw('alice', 'message:new', { id: 'x', channelId: 'general', userId: 'bob', content: 'early', createdAt: 5 })
    await alice.advance(50)
    expect(alice.shown()[0]).toMatch(/^early/)
  })

  it('delivery and read confirmations are coalesced into one watermark each', async () => {
    const { server, alice } = world()
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    fill(server, 1, 100)
    await alice.advance(20)
    for (const message of alice.messages()) alice.dispatch(alice.chat.actions.markRead({ channelId: 'general', messageId: message.id }))
    await alice.advance(200)
    expect(server.received('message:read').map(({ payload }) => payload)).toEqual([{ channelId: 'general', seq: 100 }])
    expect(server.received('message:delivered').length).toBeLessThanOrEqual(1)
  })

  it('what was to be told when somebody disconnected is told when they are back', async () => {
    const tab = openStore()
    tab.connect()
    await tab.advance(1_000)
    tab.env.server.push('general', { userId: 'bob', content: 'hi' })
    await tab.settle()
    expect(tab.shown()).toHaveLength(1)
    tab.dispatch(tab.chat.actions.disconnect())
    expect(tab.env.server.receipts('general', 'alice').delivered).toBe(0)
    tab.connect()
    await tab.advance(2_000)
    expect(tab.env.server.receipts('general', 'alice').delivered).toBe(1)
  })

  it('a read mark that was made offline reaches the server after the reconnect', async () => {
    const { server, alice } = world()
    fill(server, 1, 3)
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(500)
    alice.env.network.cut()
    await alice.settle()
    alice.dispatch(alice.chat.actions.markRead({ channelId: 'general' }))
    alice.env.network.restore()
    await alice.advance(4_000)
    expect(server.receipts('general', 'alice')).toMatchObject({ read: 3 })
    expect(alice.store.getState().chat.outbox.reads).toEqual({})
  })
})

describe('G10: hostile input', () => {
  it('is dropped and reported, and harms nothing', async () => {
    const { server, alice } = world()
    alice.connect()
    await alice.settle()
    const good = { id: 'a', channelId: 'general', userId: 'bob', content: 'x', createdAt: 1, seq: 1 }
    const hostile: unknown[] = [
      null, 1, 'text', [], {}, { ...good, id: 7 }, { ...good, content: { a: 1 } }, { ...good, seq: -1 }, { ...good, seq: 1.5 },
      { ...good, createdAt: 'nonsense' }, { ...good, channelId: '' }, JSON.parse('{"__proto__":{"polluted":true}}'),
    ]
    for (const payload of hostile) server.emitRaw('alice', 'message:new', payload)
    server.emitRaw('alice', 'message:read', { channelId: 'general', seq: 'many' })
    server.emitRaw('alice', 'session', { capabilities: 'all' })
    for (const channelId of ['__proto__', 'constructor', 'toString']) {
      server.emitRaw('alice', 'message:new', { ...good, id: `in-${channelId}`, channelId })
      server.emitRaw('alice', 'message:new', JSON.parse(`{"id":"${channelId}","channelId":"general","userId":"${channelId}","content":"hi","createdAt":2,"seq":2,"__proto__":{"polluted":1}}`))
    }
    await alice.advance(100)
    expect(alice.messages('__proto__')).toHaveLength(1)
    expect(alice.messages('constructor')).toHaveLength(1)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect(alice.messages().map(({ content }) => content)).toEqual(['hi'])
    expect(alice.errors().every(({ type }) => type === 'invalid_payload')).toBe(true)
    expect(alice.errors()).toHaveLength(1)
    await alice.advance(1_000)
    server.emitRaw('alice', 'message:new', null)
    await alice.settle()
    expect(alice.errors()).toMatchObject([{ type: 'invalid_payload', code: 'invalid_event', count: hostile.length + 3 }])
    expect(alice.chat.metrics.getSnapshot().invalidPayloads).toBe(hostile.length + 3)
    expect(alice.connection().status).toBe('connected')
  })

  it("another user's message that bears our id settles nothing of ours", async () => {
    const { server, alice } = world()
    alice.connect()
    await alice.settle()
    alice.env.network.fault({ direction: 'up', event: 'message:send', action: 'drop', times: 1 })
    const id = alice.send('mine')
    await alice.settle()
    server.emitRaw('alice', 'message:new', { id, channelId: 'general', userId: 'mallory', content: 'theirs', createdAt: 1, seq: 1 })
    await alice.advance(50)
    expect(alice.messages().filter(({ userId }) => userId === 'alice')).toMatchObject([{ content: 'mine', status: 'pending' }])
  })
})

it('G6: a subscriber that begins anew as a page comes: the next connection asks at once', async () => {
  const tab = openStore()
  const { server } = tab.env
  server.push('general', { userId: 'bob', content: 'a' })
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(2_000)
  server.disconnectAll('transport_close')
  await tab.advance(10)
  const asked = () => server.received('message:sync').length
  let [before, at] = [Infinity, 0]
  tab.store.subscribe(() => {
    if (at > 0 || tab.types().at(-1) !== 'chat/pageLoaded') return
    at = tab.env.clock.now()
    before = asked()
    tab.dispatch(tab.chat.actions.disconnect())
    tab.connect()
  })
  for (let n = 0; n < 1000 && asked() <= before; n++) await tab.advance(10)
  expect(tab.env.clock.now() - at).toBeLessThan(100)
})
