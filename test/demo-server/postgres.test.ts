import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../demo/server/database'
import { createMemberStore } from '../../demo/server/members'
import { createMessageStore } from '../../demo/server/store'
import { describeProtocol, type ProtocolServer } from '../protocol/protocol-suite'
import { code, draft, ended, seqOf, startDemo, type Demo } from './harness'
import { postgresMissing, startPostgres } from './postgres'

const isHere = postgresMissing === null

// Said aloud: the embedded database has one connection and cannot show the races that these tests are about.
it.runIf(!isHere)(`not run: ${postgresMissing}`, () => console.warn(`PostgreSQL tests not run: ${postgresMissing}`))

describe.runIf(isHere)('on PostgreSQL', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  let demo: Demo
  beforeAll(async () => {
    postgres = await startPostgres()
    demo = await startDemo({ database: postgres.url, rateLimit: { points: 100_000, durationMs: 1_000 } })
    await demo.post('/control/members', { channelId: 'alice-and-bob', userIds: ['alice', 'bob'] })
  }, 60_000)
  afterAll(async () => {
    await demo.close()
    await postgres.stop()
  })

  it('G2: concurrent duplicates over many connections are committed once, without a hole in the numbers', async () => {
    const channelId = await demo.channel('alice')
    const tabs = await Promise.all(Array.from({ length: 6 }, () => demo.connect('alice')))
    for (let round = 0; round < 20; round++) {
      const [duplicate, other] = [draft(channelId, 'alice'), draft(channelId, 'alice')]
      const acks = await Promise.all([...tabs.map((tab) => tab.emit('message:send', duplicate)), tabs[round % 6]?.emit('message:send', other)])
      const seqs = new Set(acks.map((ack) => ack === undefined ? 0 : seqOf(ack)))
      expect(seqs).toEqual(new Set([2 * round + 1, 2 * round + 2]))
    }
  })

  it('one id in two channels at once: one is committed, the other is a conflict', async () => {
    const channels = [await demo.channel('alice'), await demo.channel('alice')]
    const tabs = [await demo.connect('alice'), await demo.connect('alice')]
    for (let round = 0; round < 20; round++) {
      const id = randomUUID()
      const responses = await Promise.all(tabs.map((tab, i) => tab.emit('message:send', { ...draft(channels[i] ?? '', 'alice'), id })))
      expect(new Set(responses.map(code))).toEqual(new Set([null, 'conflict']))
    }
  })

  it('G6: a reader that follows seq misses nothing while ten writers commit', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const [alice, bob] = [await demo.connect('alice'), await demo.connect('bob')]
    const writers = await Promise.all(Array.from({ length: 10 }, () => demo.connect('alice')))
    const written = Promise.all(writers.flatMap((writer) => Array.from({ length: 30 }, () => writer.emit('message:send', draft(channelId, 'alice')))))
    const seen: number[] = []
    while (seen.length < 300) {
      const page = await bob.emit('message:sync', { channelId, after: seen.length, limit: 50 }) as { data: { messages: { seq: number }[] } }
      seen.push(...page.data.messages.map((message) => message.seq))
    }
    await written
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
    expect(alice.socket.connected).toBe(true)
  }, 30_000)

  it('watermarks raised at once end at the highest', async () => {
    const channelId = await demo.channel('alice')
    await demo.post('/control/seed', { channelId, count: 40 })
    const tabs = await Promise.all(Array.from({ length: 4 }, () => demo.connect('alice')))
    await Promise.all(Array.from({ length: 40 }, (_, i) => tabs[i % 4]?.emit('message:read', { channelId, seq: (i * 7) % 40 + 1 })))
    expect(await tabs[0]?.emit('message:sync', { channelId, after: 40 })).toMatchObject({ data: { receipts: [{ read: 40, delivered: 40 }] } })
  })

  it('a socket that floods is disconnected', async () => {
    const alice = await demo.connect('alice')
    const end = ended(alice)
    for (let i = 0; i < 20_000; i++) alice.socket.emit('message:sync', { channelId: 'general' })
    expect(await end).toBe('io server disconnect')
  }, 30_000)

  it('integers of any width are numbers, and a failed transaction leaves nothing behind', async () => {
    const database = await openDatabase({ url: postgres.url, dataDir: null, lockWaitMs: 0 })
    try {
      const [messages, members] = [createMessageStore(database), createMemberStore(database)]
      await members.addMembers({ id: 'numbers', name: 'numbers' }, ['alice'])
      await expect(database.transaction(async (query) => {
        await query('update channels set seq = 9 where id = $1', ['numbers'])
        throw new Error('stop')
      })).rejects.toThrow('stop')
      const message = { id: randomUUID(), channelId: 'numbers', userId: 'alice', content: 'x', createdAt: Date.now(), extra: {} }
      expect(await messages.commit(message)).toMatchObject({ message: { seq: 1, createdAt: message.createdAt } })
    } finally {
      await database.close()
    }
  })

  describeProtocol('the demo server on PostgreSQL', async (): Promise<ProtocolServer> => ({
    connect: (userId) => demo.connect(userId),
    close() {},
  }), { closedChannelId: 'alice-and-bob' })
})
