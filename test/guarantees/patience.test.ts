import type { Connection, Transport } from 'redux-chat'
import { createSeededRandom, createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore, type TestStore } from '../support/chat-store'

/* Servers and ways that are slow, or ask to be spared. Each case failed once. */

type Answer = (payload: { readonly channelId: string; readonly after?: number; readonly before?: number; readonly limit: number }) => unknown

/** Pages of one log of `count` messages, answered as `answer` wants it. */
function pages(count: number): Answer {
  const log = Array.from({ length: count }, (_, i) => ({ id: `m${i}`, channelId: 'general', userId: 'bob', content: `m${i}`, createdAt: 1_000 + i, seq: i + 1 }))
  return ({ after, before = Infinity, limit }) => {
    const found = after === undefined ? log.filter(({ seq }) => seq < before).slice(-limit) : log.filter(({ seq }) => seq > after).slice(0, limit)
    const end = found.at(after === undefined ? 0 : -1)?.seq ?? 0
    return { success: true, data: { messages: found, receipts: [], latest: count, more: after === undefined ? end > 1 : end < count } }
  }
}

const REFUSED = { success: false, error: { code: 'rate_limited', message: 'slow down', retryable: true } }

/** Somebody who has opened a channel that has so many messages already. */
async function openLong(count: number): Promise<TestStore> {
  const tab = openStore()
  for (let i = 0; i < count; i++) tab.env.server.push('general', { userId: 'bob', content: 'x' })
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(5_000)
  return tab
}

/** What a list does whose end is always in sight. */
function scrollOn(tab: TestStore): void {
  const more = (): void => {
    const { hasOlder, loadingOlder } = tab.channel()
    if (hasOlder && !loadingOlder) tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
  }
  tab.store.subscribe(() => queueMicrotask(more))
  more()
}

describe('pages', () => {
  it.each([12_000, 35_000])('G6: a server that takes %i ms for each is caught up with, without a flood', async (ms) => {
    const tab = openStore()
    const answer = pages(120)
    for (const event of ['message:sync', 'message:history']) {
      tab.env.server.on(event, (payload, _peer, reply) => void tab.env.clock.setTimer(ms, () => reply(answer(payload as Parameters<Answer>[0]))))
    }
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(300_000)
    expect(tab.messages().length).toBeGreaterThan(0)
    expect(tab.messages().at(-1)?.content).toBe('m119')
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null })
    expect(tab.env.server.received('message:sync').length).toBeLessThan(8)
  })

  it('G8: a server that takes seconds for each is asked for no more at once than any other', async () => {
    const tab = openStore()
    let [underWay, most] = [0, 0]
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      most = Math.max(most, ++underWay)
      tab.env.clock.setTimer(5_000, () => {
        underWay--
        reply(pages(0)(payload as Parameters<Answer>[0]))
      })
    })
    tab.connect()
    for (let i = 0; i < 60; i++) tab.dispatch(tab.chat.actions.openChannel({ channelId: `c${i}` }))
    // Until its first answers nobody knows that it is slow.
    await tab.advance(20_000)
    most = 0
    await tab.advance(40_000)
    expect(most).toBe(4)
  })

  it('G6: over a way on which one takes longer than the server is given, smaller ones come', async () => {
    const tab = openStore({ config: { environment: {} } })
    const answer = pages(60)
    for (const event of ['message:sync', 'message:history']) {
      tab.env.server.on(event, (payload, _peer, reply) => {
        const told = answer(payload as Parameters<Answer>[0]) as { readonly data: { readonly messages: readonly unknown[] } }
        tab.env.clock.setTimer(told.data.messages.length * 3_000, () => reply(told))
      })
    }
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(600_000)
    expect(tab.messages().at(-1)?.content).toBe('m59')
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null })
  })

  it('G7: those that are late hold up no other channel any longer than those that never come', async () => {
    const tab = openStore()
    for (let i = 0; i < 8; i++) tab.env.server.push(`hangs ${i}`, { userId: 'bob', content: 'x' })
    for (let i = 0; i < 10; i++) tab.env.server.push('good', { userId: 'bob', content: 'x' })
    tab.env.network.fault({ direction: 'up', event: 'message:sync', action: 'drop', match: (payload) => (payload as { readonly channelId: string }).channelId !== 'good' })
    tab.connect()
    for (let i = 0; i < 8; i++) tab.dispatch(tab.chat.actions.openChannel({ channelId: `hangs ${i}` }))
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'good' }))
    await tab.advance(35_000)
    expect(tab.messages('good').length).toBe(10)
    // Each is asked for ever more rarely, and never more than four within the time that an answer has.
    await tab.advance(200_000)
    const asked = tab.env.server.received('message:sync').length
    expect(asked).toBeLessThan(200)
  })

  it('G6: a server that refuses every second one is caught up with at the pace that it asks for', async () => {
    const tab = openStore({ config: { history: { pageSize: 10 } } })
    let size = 5
    let asked = 0
    tab.env.server.on('message:sync', (payload, _peer, reply) =>
      reply(size > 5 && ++asked % 2 === 1 ? { ...REFUSED, error: { ...REFUSED.error, retryAfterMs: 500 } } : pages(size)(payload as Parameters<Answer>[0])))
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(1_000)
    size = 405
    tab.env.network.drop()
    await tab.advance(60_000)
    expect(tab.messages().length).toBe(405)
  })

  it('older ones are asked for within seconds of the wish, however often they were refused before', async () => {
    const tab = await openLong(120)
    let asked = 0
    tab.env.server.on('message:history', (_payload, _peer, reply) => {
      asked++
      reply(REFUSED)
    })
    for (let wished = 1; wished <= 12; wished++) {
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
      await tab.advance(6_000)
      expect(asked).toBe(wished)
    }
  })

  it('G6: one that is lost after refusals is asked for again as soon as one that is lost at first', async () => {
    const tab = openStore()
    for (let i = 0; i < 5; i++) tab.env.server.push('general', { userId: 'bob', content: 'x' })
    let asked = 0
    const stop = tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      if (++asked <= 3) reply({ ...REFUSED, error: { ...REFUSED.error, retryAfterMs: 500 } })
      else stop()
    })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    while (asked < 4) await tab.advance(1_000)
    await tab.advance(45_000)
    expect(tab.messages().length).toBe(5)
  })

  it.each([20_000, undefined])('G8: a list that asks on as long as there is more keeps the pause that the server asks for (%s)', async (retryAfterMs) => {
    const tab = await openLong(500)
    let asked = 0
    const stop = tab.env.server.on('message:history', (_payload, _peer, reply) => {
      asked++
      reply({ ...REFUSED, error: { ...REFUSED.error, ...(retryAfterMs && { retryAfterMs }) } })
    })
    scrollOn(tab)
    await tab.advance(60_000)
    expect(asked).toBeLessThan(retryAfterMs ? 5 : 20)
    stop()
    await tab.advance(60_000)
    expect(tab.messages().length).toBe(500)
  })
})

describe('receipts', () => {
  it.each(['delivered', 'read'] as const)('G8: of a busy channel keep the pause that the server asks for (%s)', async (kind) => {
    const tab = openStore()
    let asked = 0
    const stop = tab.env.server.on(`message:${kind}`, (_payload, _peer, reply) => {
      asked++
      reply({ ...REFUSED, error: { ...REFUSED.error, retryAfterMs: 20_000 } })
    })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(1_000)
    const hear = async (): Promise<void> => {
      tab.env.server.push('general', { userId: 'bob', content: 'x' })
      await tab.advance(20)
      if (kind === 'read') tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
      await tab.advance(80)
    }
    for (let i = 0; i < 600; i++) await hear()
    expect(asked).toBeLessThan(5)
    stop()
    await tab.advance(30_000)
    expect(tab.env.server.received(`message:${kind}`).at(-1)?.payload).toMatchObject({ seq: 600 })
  })

  it.each([{ capabilities: ['sync', 'ordered', 'auth-refresh'] }, { capabilities: ['sync'] }, { capabilities: null }])('G11: that meet an expired token have it renewed, as messages and pages do (%j)', async ({ capabilities }) => {
    let isExpired = false
    let tokens = 0
    const tab = openStore({ config: { getToken: () => `token ${++tokens}` } })
    tab.env.server.configure({
      capabilities,
      authenticate: () => {
        isExpired = false
        return { ok: true }
      },
    })
    let refused = 0
    tab.env.server.on('message:read', (_payload, _peer, reply) => {
      if (isExpired) refused++
      reply(isExpired ? { success: false, error: { code: 'token_expired', message: 'over', retryable: false } } : { success: true, data: {} })
    })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(1_000)
    tab.env.server.push('general', { userId: 'bob', content: 'x' })
    await tab.advance(1_000)
    const before = tokens
    isExpired = true
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    await tab.advance(60_000)
    expect([tokens - before, refused, isExpired]).toEqual([1, 1, false])
  })
})

describe('unread', () => {
  it.each([null, { success: false, error: { code: 'forbidden', message: 'no', retryable: false } }, { success: true, data: {} }])('my own are told by half a page, whatever a server answers (%j)', async (answer) => {
    const tab = openStore()
    tab.env.server.on('message:read', (_payload, _peer, reply) => { if (answer) reply(answer) })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(1_000)
    for (let i = 0; i < 200; i++) {
      tab.send(`m${i}`)
      await tab.advance(500)
    }
    expect(tab.env.server.received('message:read').length).toBeLessThan(12)
  })

  it('counts none of my own, on whatever page they are', async () => {
    const phone = openStore({ world: { tab: 'phone' } })
    phone.connect()
    for (let i = 0; i < 120; i++) phone.send(`mine ${i}`)
    await phone.advance(10_000)
    phone.env.server.push('general', { userId: 'bob', content: 'one answer' })
    await phone.advance(1_000)
    const reloaded = openStore({ env: phone.env.reload() })
    reloaded.connect()
    reloaded.dispatch(reloaded.chat.actions.openChannel({ channelId: 'general' }))
    await reloaded.advance(10_000)
    expect(reloaded.selectors.selectUnreadCount(reloaded.store.getState(), 'general')).toBe(1)
    // Told by half a page, not by message.
    expect(reloaded.env.server.received('message:read').length).toBeLessThan(8)
  })
})

const RUNS = Number(process.env['PATIENCE_RUNS'] ?? 25)
const CHANNELS = ['a', 'b', 'c', 'd', 'e', 'f']
/** Of which a calm server answers nothing. */
const HUNG = ['g', 'h', 'i', 'j', 'k', 'l']
const ASKED: readonly string[] = ['message:sync', 'message:history', 'message:delivered', 'message:read']

interface Moods {
  readonly slowest: number
  readonly refuses: number
  /** Of these channels nothing is ever answered. */
  readonly hangs: readonly string[]
  readonly expires: number
  /** Who looks at the token. */
  readonly looks: readonly string[]
}

/** A way to a server that answers when it likes, or refuses for now: until it is healed. */
function createSlowWay(env: TestEnvironment, random: () => number, { slowest, refuses, hangs, expires, looks }: Moods) {
  const { clock, environment: { transport } } = env
  const way = { isHealed: false, isExpired: false, requests: 0, refused: 0, problems: [] as string[] }
  const renewed = (): void => {
    way.isExpired = false
    way.refused = 0
  }
  const slow: Transport = { open(request, handlers) {
    renewed()
    let isOpen = true
    /** What may be asked for again, and when. */
    const allowedAt = new Map<string, number>()
    const connection = transport.open(request, { ...handlers, onClose(end) {
      isOpen = false
      handlers.onClose(end)
    } })
    const later = (task: () => void): void => void clock.setTimer(random() * slowest, () => { if (isOpen) task() })
    const emit: Connection['emit'] = (event, args, onAck) => {
      const channelId = String((args[0] as { readonly channelId?: unknown }).channelId)
      if (event === 'auth:refresh') renewed()
      if (!way.isHealed && hangs.includes(channelId)) return undefined
      if (!ASKED.includes(event)) return connection.emit(event, args, onAck)
      const key = `${event} ${channelId}`
      if (clock.monotonic() < (allowedAt.get(key) ?? 0)) way.problems.push(`${key} before it may`)
      way.requests++
      if (!way.isHealed) way.isExpired ||= random() < expires
      if (way.isExpired && looks.includes(event)) {
        // What is under way may all be refused; whoever asks on has not noticed.
        if (++way.refused === 40) way.problems.push('asks on with a token that has expired')
        return later(() => onAck?.({ success: false, error: { code: 'token_expired', message: 'over', retryable: false } }))
      }
      if (way.isHealed) return connection.emit(event, args, onAck)
      if (random() >= refuses) return connection.emit(event, args, onAck && ((...answer) => later(() => onAck(...answer))))
      const askedAt = clock.monotonic()
      const retryAfterMs = [0, 500, 20_000][Math.floor(random() * 3)] ?? 0
      return later(() => {
        // What comes later than that is not heard.
        if (onAck && clock.monotonic() - askedAt < 10_000) allowedAt.set(key, Math.max(allowedAt.get(key) ?? 0, clock.monotonic() + retryAfterMs))
        onAck?.({ ...REFUSED, error: { ...REFUSED.error, ...(retryAfterMs > 0 && { retryAfterMs }) } })
      })
    }
    return { emit, close() {
      isOpen = false
      connection.close()
    } }
  } }
  return { way, slow }
}

async function runSlow(run: number): Promise<readonly string[]> {
  const random = createSeededRandom(`slow ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const env = createTestEnvironment({ seed: run, latencyMs: { min: 0, max: pick([0, 40]) } })
  // With much of it at once nobody could tell what holds up whom.
  const isCalm = random() < 0.2
  const moods: Moods = isCalm ? { slowest: 1_000, refuses: 0, hangs: [...CHANNELS.slice(0, 5), ...HUNG], expires: 0, looks: ASKED } : {
    slowest: pick([0, 3_000, 15_000, 35_000]), refuses: pick([0, 0.3, 0.6]), hangs: pick([[], ['a'], ['a', 'b', 'c', 'd', 'e']]), expires: pick([0, 0.05]),
    looks: pick([ASKED, ['message:delivered', 'message:read']]),
  }
  const drops = isCalm ? 0 : pick([0, 0.05])
  const { way, slow } = createSlowWay(env, random, moods)
  let tokens = 0
  const tab = openStore({ env, config: {
    getToken: () => `token ${++tokens}`, history: { pageSize: pick([5, 20]) }, delivery: { maxAttempts: 1_000 }, reconnection: { attempts: Infinity }, environment: { transport: slow },
  } })
  const { server, clock, network } = env
  const { problems } = way
  for (const channelId of CHANNELS) for (let i = 0; i < 30; i++) server.push(channelId, { userId: 'bob', content: 'old' })
  tab.connect()
  for (const channelId of CHANNELS) tab.dispatch(tab.chat.actions.openChannel({ channelId }))
  for (const channelId of isCalm ? HUNG : []) tab.dispatch(tab.chat.actions.openChannel({ channelId }))
  let connectedFor = 0
  let again = -1
  for (let minute = 0; minute < 4; minute++) {
    way.requests = 0
    const late = `late ${minute}`
    for (let i = 0; i < 5; i++) server.push(late, { userId: 'bob', content: 'old' })
    tab.dispatch(tab.chat.actions.openChannel({ channelId: late }))
    for (let step = 0; step < 60; step++) {
      const channelId = pick(CHANNELS)
      pick([
        () => server.push(channelId, { userId: 'bob', content: 'new' }), () => tab.dispatch(tab.chat.actions.markRead({ channelId })),
        () => tab.dispatch(tab.chat.actions.loadOlder({ channelId })), () => tab.send('mine', channelId),
      ])()
      // They come in pairs: what was under way at both is suspected.
      if (again === 0 || random() < drops) network.drop()
      again = again < 0 && random() < drops ? 2 : again - 1
      await clock.advance(1_000)
      connectedFor = tab.connection().status === 'connected' ? connectedFor + 1 : 0
      const oldest = tab.messages('f').find(({ status }) => status === 'pending')
      if (connectedFor > 5 && oldest && clock.now() - oldest.createdAt > 5_000) problems.push(`what is composed in f waits for ${clock.now() - oldest.createdAt} ms`)
    }
    // Those of which nothing is answered hold up nobody else.
    if (isCalm && tab.messages(late).length < 5) problems.push(`${late} is not shown after a minute`)
    if (way.requests > 400) problems.push(`${way.requests} requests in a minute`)
  }
  way.isHealed = true
  // What a server swallowed without an answer is told again on the next connection.
  network.drop()
  await clock.advance(5_000)
  // A server that refuses one fresh token after the other has ended the session.
  tab.connect()
  // What was under way at five losses in a row is given up.
  tab.dispatch(tab.chat.actions.retryAllFailed())
  for (const channelId of CHANNELS) tab.dispatch(tab.chat.actions.openChannel({ channelId }))
  await clock.advance(180_000)
  for (const channelId of CHANNELS) {
    const { sync, gap, hasNewer } = tab.channel(channelId)
    const last = server.log(channelId).at(-1)?.id
    if (sync !== 'idle' || gap || hasNewer || tab.messages(channelId).at(-1)?.id !== last) problems.push(`${channelId} is not caught up: ${sync}`)
    tab.dispatch(tab.chat.actions.markRead({ channelId }))
  }
  await clock.advance(60_000)
  for (const channelId of CHANNELS) {
    const { userId, seq } = [...server.log(channelId)].reverse().find((message) => message.userId !== 'alice') ?? {}
    const { read } = server.receipts(channelId, 'alice')
    if (userId && read < (seq ?? 0)) problems.push(`${channelId}: ${read} are read of ${seq}`)
  }
  return problems
}

describe('whatever a server is slow with or asks to be spared', () => {
  it('G6, G8, G11: it is asked for no more than it allows, and all comes when it is itself again', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, await runSlow(run)]).toEqual([run, []])
  }, 120_000)
})
