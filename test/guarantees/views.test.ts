import { createActions } from '../../src/actions'
import { createChat } from 'redux-chat'
import { createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

/* What the selectors say of a channel at the edges of what is loaded. Each case failed once. */

describe('unread', () => {
  const unread = (tab: ReturnType<typeof openStore>) => tab.selectors.selectUnreadCount(tab.store.getState(), 'general')

  async function openRead(count: number, history: object) {
    const tab = openStore({ config: { history } })
    for (let i = 0; i < count; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(2_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    return tab
  }

  it('does not count my own message in a channel that has shrunk', async () => {
    const tab = await openRead(5, { maxChannels: 0 })
    tab.send('mine')
    await tab.advance(1_000)
    expect(unread(tab)).toBe(0)
    tab.dispatch(tab.chat.actions.closeChannel({ channelId: 'general' }))
    await tab.advance(1_000)
    expect(unread(tab)).toBe(0)
  })

  it('does not count my own message while I am scrolled back, and counts those of others', async () => {
    const tab = await openRead(60, { windowSize: 20, pageSize: 10 })
    for (let i = 0; i < 3; i++) {
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
      await tab.advance(1_000)
    }
    expect([tab.channel().hasNewer, unread(tab)]).toEqual([true, 0])
    tab.send('mine')
    await tab.advance(1_000)
    expect(unread(tab)).toBe(0)
    tab.env.server.push('general', { userId: 'bob', content: 'new' })
    await tab.advance(1_000)
    // Whose the one between is cannot be told without loading it.
    expect(unread(tab)).toBe(2)
  })

  it('does not count what the server no longer keeps', async () => {
    const tab = openStore()
    tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      const messages = [99, 100].map((seq) => ({ id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq }))
      reply({ success: true, data: { messages, receipts: [], latest: 100, more: false } })
    })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(2_000)
    expect([tab.channel().hasOlder, unread(tab)]).toEqual([false, 2])
  })
})

describe('a channel', () => {
  it('G11: that is unknown gives the same reference, however many are asked for', () => {
    const tab = openStore()
    const views = ['a', 'b', 'c'].map((id) => tab.channel(id))
    expect(['a', 'b', 'c'].map((id, i) => tab.channel(id) === views[i])).toEqual([true, true, true])
  })

  it('G6: without a connection is stale, and its gaps could still be told', async () => {
    const tab = openStore()
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(2_000)
    tab.env.network.cut()
    await tab.advance(100)
    expect(tab.channel()).toMatchObject({ sync: 'stale', gapsDetectable: true })
  })

  it('G2: shows a stored message once that one look brings twice', () => {
    const chat = createChat({ url: 'x', token: 't', environment: createTestEnvironment().environment })
    const { commands, reports } = createActions('chat', { now: () => 1, id: () => 'id1' })
    const empty = chat.reducer(undefined, commands.connect({ userId: 'alice' }))
    const entries = chat.reducer(empty, commands.sendMessage({ channelId: 'a', content: 'x' })).outbox.channels.flat().flatMap(([, queue]) => queue.flat())
    const state = chat.reducer(empty, reports.outboxRestored({ userId: 'alice', entries: [...entries, ...entries], reads: {} }))
    expect(chat.selectors.selectMessages({ chat: state }, 'a')).toHaveLength(1)
  })

  it('G7: no error of one user is left when another connects without a sign-out', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    tab.env.server.rejectNext({ code: 'nope', message: 'secret reason' })
    tab.send('m')
    await tab.advance(100)
    tab.connect()
    expect(tab.errors()).toHaveLength(1)
    tab.connect('bob')
    expect(tab.errors()).toEqual([])
  })
})

it('what selectChannel gives stays the same object while it says the same', async () => {
  const tab = openStore()
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.settle()
  tab.send('hi')
  await tab.advance(1_000)
  const before = tab.channel()
  tab.env.server.pushReceipt('read', 'general', 'bob')
  await tab.advance(1_000)
  expect(tab.shown()).toEqual(['hi:read'])
  expect(tab.channel()).toBe(before)
})

it('G6: a channel that has to catch up does not say that it is up to date before the server has announced that it can', async () => {
  const tab = openStore({ world: { latencyMs: 20 } })
  tab.env.server.push('general', { userId: 'bob', content: 'hi' })
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(3_000)
  const seen: string[] = []
  tab.store.subscribe(() => {
    const { gapsDetectable, sync } = tab.channel()
    const now = `${tab.connection().status}, ${gapsDetectable ? sync : 'who knows'}`
    if (seen.at(-1) !== now) seen.push(now)
  })
  tab.env.server.disconnectAll('transport_close')
  await tab.advance(10_000)
  expect(seen).toEqual(['reconnecting, stale', 'connected, stale', 'connected, syncing', 'connected, idle'])
})
