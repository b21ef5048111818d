import { describe, expect, it } from 'vitest'
import { createMemoryServer, createTestEnvironment, type MemoryServerOptions, type TestEnvironment } from 'redux-chat/testing'
import type { CloseEvent, Connection } from '../../src/transport/transport'

interface Client {
  readonly connection: Connection
  readonly events: [string, unknown][]
  readonly closes: CloseEvent[]
  opens: number
  ask(event: string, payload: object): Promise<unknown>
}

async function join(world: TestEnvironment, userId = 'ann', token = 'token'): Promise<Client> {
  const events: [string, unknown][] = []
  const closes: CloseEvent[] = []
  const client: Client = {
    events, closes, opens: 0,
    connection: world.environment.transport.open({ url: 'memory:', auth: { token, userId } }, {
      onOpen: () => { client.opens += 1 },
      onEvent: (event, args) => { events.push([event, args[0]]) },
      onClose: (close) => { closes.push(close) },
    }),
    async ask(event, payload) {
      let answer: unknown = 'no answer'
      client.connection.emit(event, [payload], (response) => { answer = response })
      await world.clock.flush()
      return answer
    },
  }
  await world.clock.flush()
  return client
}

const message = (id: string, extra: object = {}) => ({ id, channelId: 'c', userId: 'ann', content: `text of ${id}`, createdAt: 1, ...extra })
const named = (client: Client, event: string) => client.events.filter(([name]) => name === event).map(([, payload]) => payload)
const world = (options: MemoryServerOptions = {}) => {
  const first = createTestEnvironment()
  return createTestEnvironment({ clock: first.clock, server: createMemoryServer({ now: first.clock.now, ...options }) })
}

describe('memory server: messages', () => {
  it('commits, acknowledges with id, seq and createdAt, and tells every connection', async () => {
    const w = world()
    const [ann, annToo, bob] = [await join(w), await join(w), await join(w, 'bob')]
    expect(await ann.ask('message:send', message('1'))).toEqual({ success: true, data: { id: '1', seq: 1, createdAt: w.clock.now() } })
    for (const client of [ann, annToo, bob]) {
      expect(named(client, 'message:new')).toEqual([{ ...message('1'), createdAt: w.clock.now(), seq: 1 }])
    }
    expect(w.server.log('c')).toHaveLength(1)
  })

  it.each(['after_ack', 'before_ack', 'none'] as const)('echoes to the sender %s', async (echo) => {
    const w = world({ echo })
    const ann = await join(w)
    const order: string[] = []
    const seen = ann.events.length
    ann.connection.emit('message:send', [message('1')], () => order.push(ann.events.length > seen ? 'after echo' : 'before echo'))
    await w.clock.flush()
    expect(order).toEqual([echo === 'before_ack' ? 'after echo' : 'before echo'])
    expect(named(ann, 'message:new')).toHaveLength(echo === 'none' ? 0 : 1)
  })

  it('gives a duplicate the same ack, and refuses another body or sender as a conflict', async () => {
    const w = world()
    const [ann, bob] = [await join(w), await join(w, 'bob')]
    const first = await ann.ask('message:send', message('1'))
    expect(await ann.ask('message:send', message('1'))).toEqual(first)
    const conflict = { success: false, error: { code: 'conflict', message: 'conflict', retryable: false } }
    expect(await ann.ask('message:send', message('1', { content: 'other' }))).toEqual(conflict)
    expect(await bob.ask('message:send', message('1', { userId: 'bob' }))).toEqual(conflict)
    expect(w.server.log('c')).toHaveLength(1)
  })

  it('refuses malformed payloads, foreign senders and non-members', async () => {
    const w = world({ isMember: (_userId, channelId) => channelId === 'c' })
    const ann = await join(w)
    const code = async (payload: object) => await ann.ask('message:send', payload)
    expect(await code({ id: 1 })).toMatchObject({ error: { code: 'invalid', retryable: false } })
    expect(await code(message('1', { userId: 'bob' }))).toMatchObject({ error: { code: 'forbidden' } })
    expect(await code(message('1', { channelId: 'secret' }))).toMatchObject({ error: { code: 'forbidden' } })
  })

  it('ordered: after a retryable refusal refuses what follows until the refused id comes again', async () => {
    const w = world()
    const ann = await join(w)
    w.server.rejectNext({ code: 'busy', retryable: true, retryAfterMs: 50 })
    expect(await ann.ask('message:send', message('1'))).toMatchObject({ error: { code: 'busy', retryable: true, retryAfterMs: 50 } })
    expect(await ann.ask('message:send', message('2'))).toMatchObject({ error: { code: 'out_of_order', retryable: true } })
    expect(await ann.ask('message:send', message('9', { channelId: 'd' }))).toMatchObject({ success: true })
    expect(await ann.ask('message:send', message('1'))).toMatchObject({ success: true })
    expect(await ann.ask('message:send', message('2'))).toMatchObject({ success: true, data: { seq: 2 } })
  })

  it('ordered: a follower that comes a second time ends the wait for a message that its sender gave up', async () => {
    const w = world()
    const ann = await join(w)
    w.server.rejectNext({ code: 'busy', retryable: true })
    for (const id of ['given up', '2', '3']) expect(await ann.ask('message:send', message(id))).toMatchObject({ success: false })
    expect(await ann.ask('message:send', message('2'))).toMatchObject({ success: true })
    expect(await ann.ask('message:send', message('3'))).toMatchObject({ success: true, data: { seq: 2 } })
  })

  it('does not order by itself without the capability', async () => {
    const w = world({ capabilities: ['sync'] })
    const ann = await join(w)
    w.server.rejectNext((sent) => (sent.id === '1' ? { code: 'busy', retryable: true } : null))
    expect(await ann.ask('message:send', message('2'))).toMatchObject({ success: true })
    expect(await ann.ask('message:send', message('1'))).toMatchObject({ error: { code: 'busy' } })
    expect(await ann.ask('message:send', message('3'))).toMatchObject({ success: true })
  })
})

describe('memory server: receipts, pages, session', () => {
  it('raises watermarks, never past the log, and tells the others once', async () => {
    const w = world()
    const [ann, bob] = [await join(w), await join(w, 'bob')]
    w.server.push('c', { userId: 'ann', content: 'a' })
    w.server.push('c', { userId: 'ann', content: 'b' })
    await bob.ask('message:read', { channelId: 'c', seq: 99 })
    await bob.ask('message:read', { channelId: 'c', seq: 1 })
    expect(named(ann, 'message:read')).toEqual([{ channelId: 'c', userId: 'bob', seq: 2 }])
    expect(w.server.receipts('c', 'bob')).toEqual({ delivered: 2, read: 2 })
  })

  it('pages forwards with receipts and backwards to the beginning', async () => {
    const w = world({ maxPage: 3 })
    const ann = await join(w)
    for (const content of 'abcde') w.server.push('c', { userId: 'bob', content })
    w.server.pushReceipt('delivered', 'c', 'ann', 4)
    expect(await ann.ask('message:sync', { channelId: 'c', after: 1, limit: 100 })).toMatchObject({
      success: true,
      data: { messages: [{ seq: 2 }, { seq: 3 }, { seq: 4 }], latest: 5, more: true, receipts: [{ userId: 'ann', delivered: 4, read: 0 }] },
    })
    expect(await ann.ask('message:sync', { channelId: 'c', after: 5, limit: 3 })).toMatchObject({ data: { messages: [], more: false } })
    expect(await ann.ask('message:history', { channelId: 'c', before: 4, limit: 2 })).toMatchObject({ data: { messages: [{ seq: 2 }, { seq: 3 }], more: true } })
    expect(await ann.ask('message:history', { channelId: 'c', before: 2, limit: 2 })).toMatchObject({ data: { messages: [{ seq: 1 }], more: false } })
  })

  it('announces its session first, without what is not set', async () => {
    const ann = await join(world({ maxMessageBytes: 500 }))
    expect(ann.events[0]).toEqual(['session', { capabilities: ['sync', 'ordered', 'auth-refresh'], maxMessageBytes: 500 }])
  })

  it('as the server of the plan: no session, no seq, no sync, receipts by message id', async () => {
    const w = world({ capabilities: null })
    const [ann, bob] = [await join(w), await join(w, 'bob')]
    expect(await ann.ask('message:send', message('1'))).toEqual({ success: true, data: { id: '1', createdAt: 1 } })
    expect(bob.events).toEqual([['message:new', message('1')]])
    expect(await bob.ask('message:read', { channelId: 'c', messageId: '1' })).toMatchObject({ success: true })
    expect(named(ann, 'message:read')).toEqual([{ channelId: 'c', userId: 'bob', messageId: '1' }])
    expect(await ann.ask('message:sync', { channelId: 'c', after: 0, limit: 1 })).toBe('no answer')
  })
})

describe('memory server: auth and control', () => {
  it('rejects a handshake with code, and refreshes in band', async () => {
    const w = world({
      authenticate: ({ token }) => (token === 'good' ? { ok: true, expiresAt: 9 } : { code: 'token_expired', retryable: true, retryAfterMs: 7 }),
    })
    const refused = await join(w, 'ann', 'bad')
    expect(refused.closes).toEqual([{ reason: 'rejected', message: 'token_expired', code: 'token_expired', retryable: true, retryAfterMs: 7 }])
    const ann = await join(w, 'ann', 'good')
    expect(await ann.ask('auth:refresh', { token: 'good' })).toEqual({ success: true, data: { expiresAt: 9 } })
    expect(await ann.ask('auth:refresh', { token: 'bad' })).toMatchObject({ success: false, error: { code: 'token_expired' } })
    w.server.expireAuth('ann')
    await w.clock.flush()
    expect(named(ann, 'auth:expired')).toEqual([{ code: 'token_expired' }])
  })

  it.each([['before_commit', 0], ['after_commit', 1]] as const)('crashes %s: nothing acknowledged', async (moment, committed) => {
    const w = world()
    const ann = await join(w)
    w.server.crashNext(moment)
    expect(await ann.ask('message:send', message('1'))).toBe('no answer')
    expect(ann.closes).toMatchObject([{ reason: 'transport_close' }])
    expect([w.server.log('c').length, w.server.connections(), w.network.open]).toEqual([committed, 0, 0])
  })

  it('restarts with its log, or without its memory of ids, or without anything', async () => {
    const w = world()
    await (await join(w)).ask('message:send', message('1'))
    w.server.restart()
    await (await join(w)).ask('message:send', message('1'))
    expect(w.server.log('c')).toHaveLength(1)
    w.server.restart({ keepIds: false })
    await (await join(w)).ask('message:send', message('1'))
    expect(w.server.log('c')).toHaveLength(2)
    w.server.restart({ keepLog: false })
    expect(w.server.log('c')).toEqual([])
  })

  it('is unreachable while stopped', async () => {
    const w = world()
    w.server.stop()
    expect((await join(w)).closes).toMatchObject([{ reason: 'unreachable' }])
    w.server.start()
    expect((await join(w)).opens).toBe(1)
  })

  it('breaks the connection over a payload that is too large', async () => {
    const w = world({ maxMessageBytes: 200 })
    const ann = await join(w)
    expect(await ann.ask('message:send', message('1', { content: 'é'.repeat(100) }))).toBe('no answer')
    expect(ann.closes).toMatchObject([{ reason: 'transport_close' }])
  })

  it('takes handlers of the app, which may replace its own, and gives hostile payloads out as they are', async () => {
    const w = world()
    const ann = await join(w)
    const stop = w.server.on('message:send', (_payload, peer, reply) => reply({ custom: peer.userId }))
    expect(await ann.ask('message:send', message('1'))).toEqual({ custom: 'ann' })
    stop()
    expect(await ann.ask('message:send', message('1'))).toMatchObject({ success: true })
    w.server.emitRaw('ann', 'message:new', JSON.parse('{"__proto__":{"bad":1}}'), () => {})
    await w.clock.flush()
    expect(Object.keys(Object(named(ann, 'message:new').at(-1)))).toEqual(['__proto__'])
    expect(w.server.received('message:send').map((each) => each.userId)).toEqual(['ann', 'ann'])
  })
})
