import { createManualClock, createMemoryServer, createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore, type TestStore } from '../support/chat-store'

/* Servers that number nothing, or do not tell the sender the number. Each case failed once. */

const RANKS = ['pending', 'sent', 'delivered', 'read']

/** Each step back of a message's status. */
function watchFalls(tab: TestStore): readonly string[] {
  const best = new Map<string, number>()
  const fallen: string[] = []
  tab.store.subscribe(() => {
    for (const { id, content, status } of tab.messages()) {
      const rank = RANKS.indexOf(status)
      const before = best.get(id) ?? 0
      if (rank < before) fallen.push(`${content}: ${String(RANKS[before])} -> ${status}`)
      best.set(id, Math.max(rank, before))
    }
  })
  return fallen
}

interface Sent { readonly id: string; readonly channelId: string; readonly createdAt: number }

function openUnnumbered(): TestStore {
  const clock = createManualClock({ now: 1_000_000 })
  return openStore({ env: createTestEnvironment({ clock, server: createMemoryServer({ now: clock.now, capabilities: null }) }) })
}

describe('a server that tells another time by the echo than by the acknowledgement', () => {
  it('G4: takes no status back that was told between the two', async () => {
    const tab = openUnnumbered()
    tab.env.server.on('message:send', (_payload, _peer, reply) => reply({ success: true, data: {} }))
    tab.connect()
    await tab.settle()
    const fallen = watchFalls(tab)
    const id = tab.send('hi')
    await tab.advance(100)
    tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', messageId: id })
    await tab.advance(100)
    const { createdAt } = tab.messages()[0] as Sent
    tab.env.server.emitRaw('alice', 'message:new', { id, channelId: 'general', userId: 'alice', content: 'hi', createdAt: createdAt + 1_000 })
    await tab.advance(100)
    expect([tab.shown(), fallen]).toEqual([['hi:read'], []])
  })

  it('G4: nor that of a later message, whose own time lies before the mark', async () => {
    const tab = openUnnumbered()
    let echo: (() => void) | null = null
    tab.env.server.on('message:send', (payload, _peer, reply) => {
      const message = payload as Sent
      reply({ success: true, data: {} })
      echo = () => tab.env.server.emitRaw('alice', 'message:new', { ...message, userId: 'alice', createdAt: message.createdAt + 1_000 })
    })
    tab.connect()
    await tab.settle()
    const fallen = watchFalls(tab)
    const first = tab.send('one')
    await tab.advance(20)
    ;(echo as (() => void) | null)?.()
    await tab.advance(100)
    tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', messageId: first })
    await tab.advance(100)
    tab.send('two')
    await tab.advance(20)
    ;(echo as (() => void) | null)?.()
    await tab.advance(100)
    expect(fallen).toEqual([])
  })
})

it('G4: what I read is told by the newest message of somebody else, which its author has, and not by my own', async () => {
  const tab = openUnnumbered()
  tab.connect()
  await tab.settle()
  tab.env.server.emitRaw('alice', 'message:new', { id: 'his', channelId: 'general', userId: 'bob', content: 'composed offline', createdAt: 999_000 })
  await tab.advance(100)
  tab.send('mine')
  await tab.advance(100)
  tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
  await tab.advance(100)
  expect(tab.env.server.received('message:read').map(({ payload }) => payload)).toEqual([{ channelId: 'general', messageId: 'his' }])
  expect(tab.selectors.selectUnreadCount(tab.store.getState(), 'general')).toBe(0)
})

it('a moment in digits, as node-pg gives an int8, is one', async () => {
  const tab = openStore()
  tab.connect()
  await tab.settle()
  tab.env.server.emitRaw('alice', 'message:new', { id: 'x', channelId: 'general', userId: 'bob', content: 'yo', seq: '1', createdAt: '1795416194072' })
  await tab.advance(100)
  expect([tab.messages()[0]?.createdAt, tab.errors()]).toEqual([1_795_416_194_072, []])
})

it('G5, G6: a message of mine whose place history alone can tell finds it, and is not asked for without end', async () => {
  const tab = openStore({ config: { history: { pageSize: 5, windowSize: 100 } } })
  const log: (Sent & { readonly seq: number })[] = []
  const add = (message: object): object => {
    const known = { ...message as Sent, seq: log.length + 1 }
    log.push(known)
    return known
  }
  const theirs = (n: number): object => add({ id: `t${n}`, channelId: 'general', userId: 'carol', content: `t${n}`, createdAt: n })
  for (let n = 1; n <= 10; n++) theirs(n)
  let asked = 0
  tab.env.server.on('message:send', (payload, _peer, reply) => {
    add({ ...payload as object, userId: 'alice' })
    reply({ success: true, data: {} })
  })
  tab.env.server.on('message:sync', (payload, _peer, reply) => {
    asked++
    const found = log.filter(({ seq }) => seq > (payload as { after: number }).after)
    reply({ success: true, data: { messages: found.slice(0, 2), latest: log.length, more: found.length > 2, receipts: [] } })
  })
  tab.env.server.on('message:history', (payload, _peer, reply) => {
    asked++
    const found = log.filter(({ seq }) => seq < (payload as { before: number }).before)
    reply({ success: true, data: { messages: found.slice(-2), more: found.length > 2 } })
  })
  const hold = tab.env.network.fault({ direction: 'ack', event: 'message:sync', action: 'hold' })
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(100)
  tab.send('mine')
  await tab.advance(100)
  for (let n = 12; n <= 14; n++) theirs(n)
  tab.env.server.emitRaw('alice', 'message:new', theirs(15))
  hold.release()
  hold.stop()
  await tab.advance(120_000)
  expect(tab.messages().map(({ seq }) => seq).at(-1)).toBe(15)
  expect(tab.messages().find(({ content }) => content === 'mine')?.seq).toBe(11)
  expect(asked).toBeLessThan(12)
})

it('G5, G6: in a channel that is long already, a message of mine without its number needs the end, and not a walk through all', async () => {
  const tab = openStore({ config: { history: { pageSize: 5 } } })
  const { server } = tab.env
  for (let n = 1; n <= 400; n++) server.push('general', { userId: 'carol', content: `t${n}` })
  server.on('message:send', (payload, _peer, reply) => {
    server.push('general', { ...payload as Sent & { content: string }, userId: 'alice' })
    reply({ success: true, data: {} })
  })
  tab.env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 1 })
  tab.connect()
  await tab.settle()
  tab.send('mine')
  await tab.advance(1_000)
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(10_000)
  expect(tab.messages().at(-1)).toMatchObject({ content: 'mine', seq: 401, status: 'sent' })
  expect(tab.channel()).toMatchObject({ gap: null, hasOlder: true })
  expect([...server.received('message:sync'), ...server.received('message:history')].length).toBeLessThan(5)
})
