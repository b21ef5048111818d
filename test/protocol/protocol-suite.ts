import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SocketResponse } from '../../src/model'

/** One connected client of a server under test, over whatever carries its events. */
export interface ProtocolClient {
  /** Sends an event and resolves to its ack. */
  emit(event: string, payload: unknown): Promise<SocketResponse<unknown>>
  /** Calls `listener` for every later event of that name; returns the undo. */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** The oldest event of that name since the connection opened that `next` has not given yet; waits for one if need be. */
  next(event: string): Promise<unknown>
  close(): void
}

export interface ProtocolServer {
  connect(userId: string): Promise<ProtocolClient>
  close(): Promise<void> | void
}

export interface ProtocolSuiteOptions {
  /** A channel that alice, bob and carol are members of. */
  readonly channelId?: string
  /** A channel that carol is no member of; without it that rule is not tested. */
  readonly closedChannelId?: string
}

interface Ack { id: string; seq: number; createdAt: number }
interface Wire extends Ack { channelId: string; userId: string; content: string; [extra: string]: unknown }
interface SyncPage { messages: Wire[]; latest: number; more: boolean; receipts: { userId: string; delivered: number; read: number }[] }

/** What PROTOCOL.md promises of a full server (`sync`, `ordered`), told over the wire alone. */
export function describeProtocol(
  name: string, startServer: () => Promise<ProtocolServer>, { channelId = 'general', closedChannelId }: ProtocolSuiteOptions = {},
): void {
  describe(`protocol: ${name}`, () => {
    let server: ProtocolServer
    let clients: ProtocolClient[] = []
    beforeAll(async () => { server = await startServer() }, 60_000)
    afterAll(() => server.close())
    afterEach(() => {
      for (const client of clients) client.close()
      clients = []
    })

    const connect = async (userId: string): Promise<ProtocolClient> => {
      const client = await server.connect(userId)
      clients.push(client)
      return client
    }
    const draft = (userId: string, content = 'hi', extra: object = {}) =>
      ({ id: randomUUID(), channelId, userId, content, createdAt: Date.now(), ...extra })
    const dataOf = <T>(response: SocketResponse<unknown>): T => {
      expect(response).toMatchObject({ success: true })
      return (response.success ? response.data : null) as T
    }
    const send = async (client: ProtocolClient, message: object): Promise<Ack> => dataOf(await client.emit('message:send', message))
    const errorOf = (response: SocketResponse<unknown>) => {
      expect(response).toMatchObject({ success: false })
      return response.success ? null : response.error
    }
    const nextMessage = async (client: ProtocolClient) => await client.next('message:new') as Wire
    const syncAfter = async (client: ProtocolClient, after: number, limit = 50): Promise<SyncPage> =>
      dataOf(await client.emit('message:sync', { channelId, after, limit }))
    const receiptOf = async (client: ProtocolClient, userId: string) =>
      (await syncAfter(client, 0, 1)).receipts.find((receipt) => receipt.userId === userId) ?? { userId, delivered: 0, read: 0 }

    describe('session', () => {
      it('announces its capabilities after accepting a connection', async () => {
        const alice = await connect('alice')
        const session = await alice.next('session') as { capabilities: string[] }
        expect(session.capabilities).toEqual(expect.arrayContaining(['sync', 'ordered']))
      })
    })

    describe('message:send', () => {
      it('acks with id, seq and createdAt, and shows the whole message to every member and to the sender\'s tabs', async () => {
        const [tab, otherTab, bob] = [await connect('alice'), await connect('alice'), await connect('bob')]
        const message = draft('alice', 'hello', { mood: 'good', nested: { list: [1, 'two', null] } })
        const ack = await send(tab, message)
        expect(ack).toEqual({ id: message.id, seq: expect.any(Number), createdAt: expect.any(Number) })
        for (const client of [tab, otherTab, bob]) {
          expect(await nextMessage(client)).toEqual({ ...message, seq: ack.seq, createdAt: ack.createdAt })
        }
      })

      it('numbers a channel without gaps', async () => {
        const [alice, bob] = [await connect('alice'), await connect('bob')]
        const first = await send(alice, draft('alice'))
        const second = await send(bob, draft('bob'))
        const third = await send(alice, draft('alice'))
        expect([second.seq, third.seq]).toEqual([first.seq + 1, first.seq + 2])
      })

      it('G2: gives a duplicate the same ack and nobody a second message', async () => {
        const [alice, bob] = [await connect('alice'), await connect('bob')]
        const message = draft('alice')
        const ack = await send(alice, message)
        expect(await send(alice, message)).toEqual(ack)
        const later = draft('alice', 'later')
        await send(alice, later)
        expect([(await nextMessage(bob)).id, (await nextMessage(bob)).id]).toEqual([message.id, later.id])
      })

      it('G2: commits a message once though two connections send it at the same time', async () => {
        const tabs = [await connect('alice'), await connect('alice')]
        const before = (await send(await connect('alice'), draft('alice'))).seq
        const message = draft('alice')
        const acks = await Promise.all([...tabs, ...tabs, ...tabs].map((tab) => send(tab, message)))
        expect(new Set(acks.map((ack) => ack.seq))).toEqual(new Set([before + 1]))
      })

      it('G3: commits one connection\'s messages in arrival order', async () => {
        const alice = await connect('alice')
        const drafts = Array.from({ length: 50 }, (_, i) => draft('alice', `pipelined ${i}`))
        const acks = await Promise.all(drafts.map((message) => send(alice, message)))
        const first = acks[0]?.seq ?? 0
        expect(acks.map((ack) => ack.seq)).toEqual(drafts.map((_, i) => first + i))
      })

      it('refuses an id that belongs to another body or another sender: conflict, not retryable', async () => {
        const [alice, bob] = [await connect('alice'), await connect('bob')]
        const message = draft('alice', 'original')
        await send(alice, message)
        const otherBody = await alice.emit('message:send', { ...message, content: 'changed' })
        expect(errorOf(otherBody)).toMatchObject({ code: 'conflict' })
        const otherSender = await bob.emit('message:send', { ...message, userId: 'bob' })
        expect(errorOf(otherSender)).toMatchObject({ code: 'conflict' })
        expect(errorOf(otherSender)).not.toMatchObject({ retryable: true })
      })

      it('G7: never lets a message of one user leave under another', async () => {
        const bob = await connect('bob')
        expect(errorOf(await bob.emit('message:send', draft('alice')))).toMatchObject({ code: 'forbidden' })
      })
    })

    describe('receipts', () => {
      it.each(['delivered', 'read'] as const)('message:%s is a watermark that only rises and tells the others', async (kind) => {
        const [alice, bob] = [await connect('alice'), await connect('bob')]
        const first = await send(alice, draft('alice'))
        const second = await send(alice, draft('alice'))
        dataOf(await bob.emit(`message:${kind}`, { channelId, seq: first.seq }))
        expect(await alice.next(`message:${kind}`)).toEqual({ channelId, userId: 'bob', seq: first.seq })
        dataOf(await bob.emit(`message:${kind}`, { channelId, seq: first.seq }))
        dataOf(await bob.emit(`message:${kind}`, { channelId, seq: first.seq - 1 }))
        dataOf(await bob.emit(`message:${kind}`, { channelId, seq: second.seq }))
        expect(await alice.next(`message:${kind}`)).toEqual({ channelId, userId: 'bob', seq: second.seq })
        expect((await receiptOf(alice, 'bob'))[kind]).toBe(second.seq)
      })

      it('understands a messageId in place of seq', async () => {
        const [alice, carol] = [await connect('alice'), await connect('carol')]
        const { id, seq } = await send(alice, draft('alice'))
        dataOf(await carol.emit('message:read', { channelId, messageId: id }))
        expect(await alice.next('message:read')).toEqual({ channelId, userId: 'carol', seq })
      })

      it('ends at the newest message, whatever is claimed', async () => {
        const [alice, carol] = [await connect('alice'), await connect('carol')]
        const { seq } = await send(alice, draft('alice'))
        dataOf(await carol.emit('message:read', { channelId, seq: seq + 1_000 }))
        expect((await receiptOf(alice, 'carol')).read).toBe(seq)
      })
    })

    describe('message:sync', () => {
      it('G6: gives everything after a place, page by page, ascending, until more is false', async () => {
        const alice = await connect('alice')
        const start = await send(alice, draft('alice'))
        const sent = await Promise.all(Array.from({ length: 7 }, (_, i) => send(alice, draft('alice', `page ${i}`))))
        const pages: SyncPage[] = []
        for (let after = start.seq, more = true; more;) {
          const page = await syncAfter(alice, after, 3)
          pages.push(page)
          more = page.more
          after = page.messages[page.messages.length - 1]?.seq ?? after
        }
        expect(pages.map((page) => page.messages.length)).toEqual([3, 3, 1])
        expect(pages.flatMap((page) => page.messages.map((message) => message.id))).toEqual(sent.map((ack) => ack.id))
        expect(pages.map((page) => page.latest)).toEqual([start.seq + 7, start.seq + 7, start.seq + 7])
      })

      it('answers a client that has everything with an empty page', async () => {
        const alice = await connect('alice')
        const { seq } = await send(alice, draft('alice'))
        expect(await syncAfter(alice, seq)).toMatchObject({ messages: [], latest: seq, more: false })
      })

      it('gives messages in the very shape of message:new', async () => {
        const [alice, bob] = [await connect('alice'), await connect('bob')]
        const { seq } = await send(alice, draft('alice', 'shape', { extra: { deep: true } }))
        expect((await syncAfter(bob, seq - 1)).messages).toEqual([await nextMessage(bob)])
      })
    })

    describe('message:history', () => {
      it('gives what was before a place, ascending, and says whether there is more', async () => {
        const alice = await connect('alice')
        const acks = await Promise.all(Array.from({ length: 4 }, () => send(alice, draft('alice'))))
        const last = acks[3]?.seq ?? 0
        const page = dataOf<SyncPage>(await alice.emit('message:history', { channelId, before: last, limit: 2 }))
        expect(page.messages.map((message) => message.seq)).toEqual([last - 2, last - 1])
        expect(page.more).toBe(true)
        const oldest = dataOf<SyncPage>(await alice.emit('message:history', { channelId, before: 2, limit: 2 }))
        expect(oldest).toMatchObject({ messages: [{ seq: 1 }], more: false })
        expect(dataOf(await alice.emit('message:history', { channelId, before: 1, limit: 2 }))).toEqual({ messages: [], more: false })
      })
    })

    describe('hostile clients', () => {
      const BAD: unknown[] = [null, 7, 'text', [], {}, { channelId: {} }, { id: 1, channelId: null, content: null }]

      it.each(['message:send', 'message:delivered', 'message:read', 'message:sync', 'message:history'])(
        'G10: %s refuses what is not its payload, for good, and serves on', async (event) => {
          const alice = await connect('alice')
          for (const payload of BAD) {
            const error = errorOf(await alice.emit(event, payload))
            expect(error).toMatchObject({ code: expect.any(String) })
            expect(error).not.toMatchObject({ retryable: true })
          }
          expect((await send(alice, draft('alice'))).seq).toBeGreaterThan(0)
        })

      it.runIf(closedChannelId !== undefined)('asks for membership at every event', async () => {
        const carol = await connect('carol')
        const channel = closedChannelId
        const requests: [string, object][] = [
          ['message:send', { ...draft('carol'), channelId: channel }],
          ['message:delivered', { channelId: channel, seq: 1 }], ['message:read', { channelId: channel, seq: 1 }],
          ['message:sync', { channelId: channel, after: 0, limit: 1 }], ['message:history', { channelId: channel, before: 9, limit: 1 }],
        ]
        for (const [event, payload] of requests) {
          expect(errorOf(await carol.emit(event, payload))).toMatchObject({ code: 'forbidden' })
        }
      })
    })
  })
}
