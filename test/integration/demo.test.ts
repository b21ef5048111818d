import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startDemo, type Demo } from '../demo-server/harness'
import { openApp, type App, type AppOptions } from './support/app'
import { createTcpProxy } from './support/tcp-proxy'

interface Line { readonly id: string; readonly content: string; readonly seq: number }

/** A loaded machine may take its time; lost acknowledgements still cost little. */
const DELIVERY = { ackTimeoutMs: 600, backoff: { baseMs: 20, maxMs: 80 }, maxAttempts: 100, inFlightPerChannel: 8 }

const texts = (count: number, prefix = ''): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('the demo server', () => {
  let demo: Demo
  const closing: (() => unknown)[] = []
  beforeAll(async () => { demo = await startDemo() }, 30_000)
  afterAll(() => demo.close())
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  function app(userId: string, options: Partial<AppOptions> = {}): App {
    const opened = openApp({
      url: demo.server.url, userId, ...options, config: { getToken: () => demo.token(userId), delivery: DELIVERY, ...options.config },
    })
    closing.push(() => opened.disconnect())
    return opened
  }

  function open(userId: string, options?: Partial<AppOptions>): App {
    const opened = app(userId, options)
    opened.connect()
    return opened
  }

  /** What the server committed, told by its own protocol. */
  async function committed(userId: string, channelId: string): Promise<Line[]> {
    const client = await demo.connect(userId)
    const lines: Line[] = []
    for (let more = true; more;) {
      const response = await client.emit('message:sync', { channelId, after: lines.length, limit: 100 })
      const page = (response.success ? response.data : { messages: [], more: false }) as { messages: Line[]; more: boolean }
      lines.push(...page.messages)
      more = page.more
    }
    client.close()
    return lines
  }

  const contentsOf = async (channelId: string): Promise<string[]> => (await committed('alice', channelId)).map(({ content }) => content)

  it('G4: two people chat, and the ticks turn', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const [alice, bob] = [open('alice'), open('bob')]
    await Promise.all([alice.untilConnected(), bob.untilConnected()])
    alice.send('hi', channelId)
    expect(alice.shown(channelId)).toEqual(['hi:pending'])
    await alice.untilShown(['hi:delivered'], channelId)
    expect(bob.chat.selectors.selectUnreadCount(bob.store.getState(), channelId)).toBe(1)
    bob.store.dispatch(bob.chat.actions.markRead({ channelId }))
    await alice.untilShown(['hi:read'], channelId)
    bob.send('hello', channelId)
    await bob.untilShown(['hi:read', 'hello:delivered'], channelId)
    expect([...alice.errors(), ...bob.errors()]).toEqual([])
  })

  it('G1 G2 G3 G6: 300 messages through a network that breaks at random are committed once, in order, and seen by all', async () => {
    const channels = await Promise.all([1, 2, 3].map(() => demo.channel('alice', 'bob')))
    const proxy = await createTcpProxy(demo.server.port)
    closing.push(proxy.close)
    let random = 7
    const draw = (): number => (random = (random * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
    const [alice, bob] = [open('alice', { url: proxy.url }), open('bob', { url: proxy.url })]
    for (const channelId of channels) bob.store.dispatch(bob.chat.actions.openChannel({ channelId }))
    await Promise.all([alice.untilConnected(), bob.untilConnected()])
    let cuts = 0
    proxy.onChunk(() => {
      const isCut = cuts < 12 && draw() < 0.12
      if (isCut) cuts++
      return isCut
    })
    for (let i = 0; i < 100; i++) for (const channelId of channels) alice.send(String(i), channelId)
    await alice.untilSent(12_000)
    proxy.onChunk(null)
    for (const channelId of channels) {
      expect(await contentsOf(channelId)).toEqual(texts(100))
      await bob.until(() => bob.messages(channelId).length === 100 && bob.channel(channelId).gap === null)
      expect(bob.messages(channelId).map(({ content }) => content)).toEqual(texts(100))
      expect(alice.messages(channelId).map(({ content }) => content)).toEqual(texts(100))
    }
    // How many chunks there are to cut depends on the machine's load; that some were cut does not.
    expect(cuts).toBeGreaterThan(0)
    expect(alice.errorCodes().filter((code) => code.startsWith('message_failed'))).toEqual([])
  }, 20_000)

  it('G1: a token that expires is renewed in band, and what waits is sent', async () => {
    const channelId = await demo.channel('dora', 'bob')
    const asked: boolean[] = []
    const dora = open('dora', { config: { getToken: ({ skipCache }) => {
      asked.push(skipCache)
      // What is minted in the very millisecond of the expiry is expired too.
      return demo.token('dora', { issuedAt: Date.now() + 1 })
    } } })
    await dora.until(() => dora.connection().capabilities.includes('auth-refresh'))
    const { lastConnectedAt } = dora.connection()
    dora.send('before', channelId)
    await demo.post('/control/expire', { userId: 'dora' })
    dora.send('after', channelId)
    await dora.until(() => dora.outbox().length === 0 && asked.length === 2)
    expect(dora.shown(channelId)).toEqual(['before:sent', 'after:sent'])
    expect(asked).toEqual([false, true])
    expect(dora.connection()).toMatchObject({ status: 'connected', lastConnectedAt })
    expect(dora.errors()).toEqual([])
  })

  it('G1: a token that expires while disconnected is renewed at the next handshake', async () => {
    const channelId = await demo.channel('emil', 'bob')
    let cached = await demo.token('emil')
    const emil = open('emil', { config: { getToken: async ({ skipCache }) => (skipCache ? (cached = await demo.token('emil')) : cached) } })
    await emil.untilConnected()
    await demo.post('/control/crash', { userId: 'emil', downMs: -1 })
    await emil.until(() => emil.connection().status === 'reconnecting')
    emil.send('waits', channelId)
    await demo.post('/control/expire', { userId: 'emil' })
    await demo.post('/control/restore', { userId: 'emil' })
    await emil.untilShown(['waits:sent'], channelId)
    expect(emil.errorCodes()).toEqual([])
  })

  it('G1 G2: what was queued offline leaves after a reload, with its old ids and in order', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const proxy = await createTcpProxy(demo.server.port)
    closing.push(proxy.close)
    proxy.refuse(true)
    const before = open('alice', { url: proxy.url })
    const ids = texts(5).map((text) => before.send(text, channelId))
    await before.until(() => before.outbox().every(({ stored }) => stored))
    // The page is gone without a word: its store stays as it is and is never asked again.
    proxy.refuse(false)
    const after = open('alice', { device: before.device })
    after.send('5', channelId)
    await after.until(() => after.messages(channelId).filter(({ seq }) => seq !== undefined).length === 6)
    expect((await committed('alice', channelId)).map(({ id }) => id).slice(0, 5)).toEqual(ids)
    expect(await contentsOf(channelId)).toEqual(texts(6))
    await before.untilSent()
    expect(await contentsOf(channelId)).toEqual(texts(6))
  })

  it('G3: refusals for good are marked, the queue goes on, and a retry heals', async () => {
    const channelId = await demo.channel('fred', 'bob')
    const closed = await demo.channel('bob')
    const fred = open('fred')
    await fred.untilConnected()
    await demo.post('/control/faults', { userId: 'fred', rejectNext: 1 })
    const id = fred.send('bad', channelId)
    fred.send('good', channelId)
    await fred.untilShown(['good:sent', 'bad:failed'], channelId)
    fred.send('not mine', closed)
    await fred.untilShown(['not mine:failed'], closed)
    expect(fred.errorCodes().sort()).toEqual(['message_failed:forbidden', 'message_failed:rejected'])
    fred.store.dispatch(fred.chat.actions.retryMessage({ id }))
    await fred.untilShown(['good:sent', 'bad:sent'], channelId)
  })

  it('G2 G3: retryable refusals and lost acknowledgements keep a pipeline in order', async () => {
    const channelId = await demo.channel('gina', 'bob')
    const gina = open('gina')
    await gina.untilConnected()
    await demo.post('/control/faults', { userId: 'gina', refuseNext: 3, retryAfterMs: 20, dropAcks: 3 })
    for (const text of texts(60)) gina.send(text, channelId)
    await gina.untilSent()
    expect((await committed('gina', channelId)).map(({ content }) => content)).toEqual(texts(60))
    expect(gina.errorCodes()).toEqual([])
  })
})
