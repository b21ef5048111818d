import { createAction } from '@reduxjs/toolkit'
import { socketBindings, type Transport } from 'redux-chat'
import { createManualClock, createMemoryServer, createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { receiveOlder } from '../../src/state/channel'
import { initialChannel, type ChannelState } from '../../src/state/channel-state'
import { openStore, type TestStore } from '../support/chat-store'

/* Servers that do what the protocol allows, or nearly. Each case failed once. */

const page = (length: number, hasSeq: boolean) => Array.from({ length }, (_, i) => ({
  id: `m${i + 1}`, channelId: 'general', userId: 'bob', content: `c${i + 1}`, createdAt: i + 1, ...(hasSeq && { seq: i + 1 }),
}))

async function openGeneral(tab: TestStore) {
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(2_000)
}

/** Somebody reads back to the beginning and on to the end, and sees every message each time. */
async function expectAllRead(tab: TestStore, count: number) {
  for (const [command, left] of [['loadOlder', 'hasOlder'], ['loadNewer', 'hasNewer']] as const) {
    const seen = new Set(tab.messages().map(({ content }) => content))
    for (let i = 0; i < 20 && tab.channel()[left]; i++) {
      tab.dispatch(tab.chat.actions[command]({ channelId: 'general' }))
      await tab.advance(1_000)
      for (const { content } of tab.messages()) seen.add(content)
    }
    expect([command, seen.size]).toEqual([command, count])
  }
  expect(tab.messages().at(-1)?.content).toBe(`c${count}`)
}

describe('catch-up', () => {
  it.each([['that begin anew each time', true], ['without seqs', false]])('G8: a server whose pages bring nothing further (%s) is not hammered', async (_, hasSeq) => {
    const tab = openStore()
    let asked = 0
    tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      // A broken guard would never end this test.
      if (++asked <= 200) reply({ success: true, data: { messages: page(50, hasSeq), receipts: [], more: true } })
    })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(5_000)
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(20)
  })

  it.each([
    // Each look at its end begins the channel anew.
    ['names a newest seq far below what it gives', (after: number) => ({ messages: after >= 50 ? [] : page(60, true).filter(({ seq = 0 }) => seq > after), latest: 10, more: after < 50 })],
    ['is behind, and promises more', (after: number) => ({ messages: page(7, true).filter(({ seq = 0 }) => seq > after), latest: after < 1 ? 7 : 5, more: after > 0 && after < 7 })],
  ])('G8: a server that %s is asked ever more slowly', async (_, answer) => {
    const tab = openStore()
    let asked = 0
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      if (++asked <= 200) reply({ success: true, data: { receipts: [], ...answer((payload as { after: number }).after) } })
    })
    await openGeneral(tab)
    tab.env.network.drop()
    await tab.advance(60_000)
    expect(asked).toBeGreaterThan(2)
    expect(asked).toBeLessThan(40)
  })

  it('G6: a copy that is for a moment behind all that is shown takes nothing off the screen', async () => {
    const tab = openStore({ config: { history: { windowSize: 3 } } })
    for (let i = 1; i <= 9; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
    await openGeneral(tab)
    let fewest = tab.messages().length
    tab.store.subscribe(() => { fewest = Math.min(fewest, tab.messages().length) })
    const stop = tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      reply({ success: true, data: { messages: [], receipts: [], latest: 4, more: false } })
      stop()
    })
    tab.env.network.drop()
    await tab.advance(10_000)
    expect([fewest, tab.messages().map(({ content }) => content), tab.channel().sync]).toEqual([3, ['c7', 'c8', 'c9'], 'idle'])
  })

  it.each([['newer', 30], ['older', 0]])('G6 G7: a page of which nothing can be read hides nothing that is %s', async (_, before) => {
    const parseExtra = (extra: { readonly [field: string]: unknown }): object => {
      if (extra['bad'] === true) throw new Error('bad')
      return extra
    }
    const tab = openStore({ config: { history: { pageSize: 3 }, parseExtra } })
    const push = (from: number, to: number): void => {
      for (let i = from; i <= to; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}`, ...(i > 5 && i < 25 && { bad: true }) })
    }
    if (before === 0) push(1, 40)
    await openGeneral(tab)
    tab.env.network.cut()
    if (before > 0) push(1, before)
    tab.env.network.restore()
    await tab.advance(20_000)
    for (let i = 0; i < 10; i++) {
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
      await tab.advance(1_000)
    }
    const readable = Array.from({ length: before || 40 }, (__, i) => i + 1).filter((i) => i <= 5 || i >= 25)
    expect(tab.messages().map(({ content }) => content)).toEqual(readable.map((i) => `c${i}`))
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null, hasOlder: false, loadingOlder: false })
    expect(tab.errors().map(({ code }) => code)).not.toContain('empty_page')
  })

  it('G6: pages larger than the window leave nothing out', async () => {
    const tab = openStore({ config: { history: { windowSize: 8 } } })
    for (let i = 1; i <= 60; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
    await openGeneral(tab)
    await expectAllRead(tab, 60)
  })

  it('G6: pages larger than the window and than what was asked for leave nothing out', async () => {
    const tab = openStore({ config: { history: { windowSize: 8 } } })
    const all = page(60, true)
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      const { after } = payload as { after: number }
      reply({ success: true, data: { messages: all.slice(after, after + 20), receipts: [], latest: 60, more: after + 20 < 60 } })
    })
    tab.env.server.on('message:history', (payload, _peer, reply) => {
      const { before } = payload as { before: number }
      reply({ success: true, data: { messages: all.slice(Math.max(0, before - 21), before - 1), more: before > 21 } })
    })
    await openGeneral(tab)
    await expectAllRead(tab, 60)
  })

  it('whoever leaves as it begins is told of no timeout', async () => {
    const tab = openStore()
    tab.store.subscribe(() => {
      if (tab.types().at(-1) === 'chat/syncStarted') tab.dispatch(tab.chat.actions.disconnect())
    })
    await openGeneral(tab)
    expect(tab.types()).toContain('chat/syncStarted')
    expect([tab.errors(), tab.channel().sync, tab.env.timers]).toEqual([[], 'idle', 0])
  })

  it('loadOlder asks again after a refusal for good, and never shows loading for ever', async () => {
    const tab = openStore()
    for (let i = 0; i < 120; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
    await openGeneral(tab)
    let asked = 0
    tab.env.server.on('message:history', (_payload, _peer, reply) => {
      asked++
      reply({ success: false, error: { code: 'forbidden', message: 'no', retryable: false } })
    })
    for (const times of [1, 2]) {
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
      await tab.advance(120_000)
      expect([asked, tab.channel().loadingOlder]).toEqual([times, false])
    }
  })

  it('G6: a channel that was forbidden is asked for again when it is opened again, and no sooner', async () => {
    const tab = openStore()
    let asked = 0
    const stop = tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      asked++
      reply({ success: false, error: { code: 'forbidden', message: 'no', retryable: false } })
    })
    tab.env.server.push('general', { userId: 'bob', content: 'hi' })
    await openGeneral(tab)
    await tab.advance(60_000)
    expect([asked, tab.channel().sync]).toEqual([1, 'failed'])
    stop()
    tab.dispatch(tab.chat.actions.closeChannel({ channelId: 'general' }))
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(2_000)
    expect([tab.shown(), tab.channel().sync]).toEqual([['hi:sent'], 'idle'])
  })

  it('G6: a channel whose first page was forbidden is shown when it is opened again', async () => {
    const tab = openStore()
    for (let i = 0; i < 120; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
    const stop = tab.env.server.on('message:history', (_payload, _peer, reply) =>
      reply({ success: false, error: { code: 'forbidden', message: 'no', retryable: false } }))
    await openGeneral(tab)
    expect(tab.messages()).toEqual([])
    stop()
    tab.dispatch(tab.chat.actions.closeChannel({ channelId: 'general' }))
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(2_000)
    expect(tab.messages()).toHaveLength(50)
  })

  it('G6: a channel that was forbidden is asked for again when something new comes from it, and ever more slowly', async () => {
    const tab = openStore()
    for (let i = 1; i <= 3; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
    let asked = 0
    const stop = tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      asked++
      reply({ success: false, error: { code: 'forbidden', message: 'no', retryable: false } })
    })
    await openGeneral(tab)
    expect(asked).toBe(1)
    for (let i = 4; i <= 63; i++) {
      tab.env.server.push('general', { userId: 'bob', content: `c${i}` })
      await tab.advance(1_000)
    }
    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThan(20)
    stop()
    tab.env.server.push('general', { userId: 'bob', content: 'c64' })
    await tab.advance(30_000)
    expect([tab.messages().map(({ seq }) => seq), tab.channel().sync, tab.channel().gap]).toEqual([Array.from({ length: 64 }, (_, i) => i + 1), 'idle', null])
  })

  it('G6: a page of history that tells the place of the last message takes nothing newer away', async () => {
    const env = createTestEnvironment({ server: createMemoryServer({ echo: 'none' }) })
    const before = openStore({ env })
    await openGeneral(before)
    env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
    const id = before.send('mine')
    await before.advance(1_000)
    const after = openStore({ env: env.reload() })
    for (let i = 2; i <= 120; i++) env.server.push('general', { userId: 'bob', content: `c${i}` })
    // It knows the id, and does not say where it stands.
    env.server.on('message:send', (_payload, _peer, reply) => reply({ success: true, data: { id } }))
    await openGeneral(after)
    await after.advance(10_000)
    for (let i = 0; i < 3; i++) {
      after.dispatch(after.chat.actions.loadOlder({ channelId: 'general' }))
      await after.advance(1_000)
    }
    env.server.push('general', { userId: 'bob', content: 'c121' })
    await after.advance(1_000)
    expect([after.messages().map(({ seq }) => seq), after.channel().hasNewer]).toEqual([Array.from({ length: 121 }, (_, i) => i + 1), false])
  })

  it('G6: a gap that closes by itself after a catch-up that failed is not shown as failed for ever', async () => {
    const tab = openStore()
    await openGeneral(tab)
    let asked = 0
    const stop = tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      asked++
      reply({ success: false, error: { code: 'unavailable', message: 'no', retryable: true } })
    })
    const push = (seq: number): void =>
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: `c${seq}`, createdAt: seq, seq })
    push(2)
    await tab.advance(200)
    expect([asked, tab.channel().sync]).toEqual([1, 'failed'])
    stop()
    tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      asked++
      reply({ success: true, data: { messages: [], receipts: [], latest: 2, more: false } })
    })
    push(1)
    await tab.advance(60_000)
    expect([asked, tab.shown(), tab.channel().sync, tab.channel().gap, tab.errors()]).toEqual([2, ['c1:sent', 'c2:sent'], 'idle', null, []])
  })

  it('loadOlder on a server of the four events shows no loading', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { history: { windowSize: 10 } } })
    await openGeneral(tab)
    for (let i = 0; i < 20; i++) tab.env.server.push('general', { userId: 'bob', content: `c${i}`, createdAt: i + 1 })
    await tab.advance(1_000)
    tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
    await tab.advance(60_000)
    expect(tab.channel()).toMatchObject({ hasOlder: false, loadingOlder: false, gapsDetectable: false })
  })

  it('a server of the four events that corrects the time of a message promises no older ones', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    await openGeneral(tab)
    const id = tab.send('hi')
    await tab.advance(1_000)
    tab.env.server.emitRaw('alice', 'message:new', { id, channelId: 'general', userId: 'alice', content: 'hi', createdAt: tab.env.clock.now() })
    await tab.advance(1_000)
    expect(tab.messages()[0]?.createdAt).toBe(tab.env.clock.now() - 1_000)
    expect(tab.channel()).toMatchObject({ hasOlder: false, loadingOlder: false })
  })
})

it('G7: a message that is too large by the names of its channel and its author alone is refused before any emit', async () => {
  const tab = openStore({ world: { server: createMemoryServer({ maxMessageBytes: 1_200 }) } })
  tab.connect('ü'.repeat(200))
  await tab.advance(1_000)
  const channelId = '漢'.repeat(255)
  tab.send('x', channelId)
  await tab.advance(1_000)
  expect([tab.messages(channelId)[0]?.failure?.code, tab.connection().status]).toEqual(['too_large', 'connected'])
  expect(tab.env.server.received('message:send')).toEqual([])
})

describe('receipts', () => {
  it('G1: a read mark that may be tried again is told until the server takes it, and leaves no timer', async () => {
    const tab = openStore()
    await openGeneral(tab)
    let refusals = 0
    tab.env.server.on('message:read', (_payload, _peer, reply) => {
      refusals++
      reply(refusals < 4 ? { success: false, error: { code: 'rate_limited', message: 'no', retryable: true, retryAfterMs: 8_000 } } : { success: true, data: {} })
    })
    tab.env.server.push('general', { userId: 'bob', content: 'x' })
    await tab.advance(1_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    const asked: number[] = []
    for (const ms of [7_000, 3_000, 60_000]) {
      await tab.advance(ms)
      asked.push(refusals)
    }
    expect([asked, tab.store.getState().chat?.outbox.reads]).toEqual([[1, 2, 4], {}])
    refusals = 0
    tab.env.server.push('general', { userId: 'bob', content: 'y' })
    await tab.advance(1_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    await tab.advance(1_000)
    expect(refusals).toBe(1)
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.settle()
    expect(tab.env.timers).toBe(0)
  })

  it('G5: that a message was delivered is told again when the server refuses it for now', async () => {
    const tab = openStore()
    await openGeneral(tab)
    let asked = 0
    tab.env.server.on('message:delivered', (_payload, _peer, reply) => {
      asked++
      reply(asked < 3 ? { success: false, error: { code: 'rate_limited', message: 'no', retryable: true } } : { success: true, data: {} })
    })
    tab.env.server.push('general', { userId: 'bob', content: 'x' })
    await tab.advance(60_000)
    expect(asked).toBe(3)
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.settle()
    expect(tab.env.timers).toBe(0)
  })

  it('G1: a read mark that is refused for good is told once, one that may be tried again with the next connection too', async () => {
    const tab = openStore()
    await openGeneral(tab)
    let [asked, retryable] = [0, true]
    tab.env.server.on('message:read', (_payload, _peer, reply) => {
      asked++
      reply({ success: false, error: { code: retryable ? 'unavailable' : 'not_found', message: 'no', retryable, retryAfterMs: 60_000 } })
    })
    tab.env.server.push('general', { userId: 'bob', content: 'x' })
    await tab.advance(1_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    await tab.advance(1_000)
    for (const times of [2, 3, 3]) {
      retryable = times < 3
      tab.env.network.drop()
      await tab.advance(5_000)
      expect(asked).toBe(times)
    }
  })

  it('G4: a receipt for a message that failed says that the server has it', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { delivery: { maxAttempts: 1, ackTimeoutMs: 1_000 } } })
    tab.connect()
    await tab.settle()
    tab.env.server.on('message:send', () => undefined)
    const id = tab.send('x')
    await tab.advance(5_000)
    expect(tab.shown()).toEqual(['x:failed'])
    tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', messageId: id })
    await tab.advance(1_000)
    expect([tab.shown(), tab.errors()]).toEqual([['x:read'], []])
  })

  it.each([1, 3])('G4: a mark of my own says nothing of what the server has (%i attempts)', async (maxAttempts) => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { delivery: { maxAttempts, ackTimeoutMs: 1_000, backoff: { baseMs: 0 } } } })
    tab.connect()
    await tab.settle()
    tab.env.server.on('message:send', () => undefined)
    const id = tab.send('x')
    const mark = (): void => tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'alice', messageId: id })
    mark()
    await tab.advance(5_000)
    mark()
    await tab.advance(1_000)
    expect(tab.shown()).toEqual(['x:failed'])
  })

  it.each([
    ['numbers', { seq: 7, createdAt: 5 }], ['keeps its own time', { createdAt: 5 }],
  ])('G5: a receipt that comes before the acknowledgement of a server that %s does not cost the message its place', async (_, place) => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { delivery: { ackTimeoutMs: 1_000, backoff: { baseMs: 0 } } } })
    tab.connect()
    await tab.settle()
    const answers: (() => void)[] = []
    tab.env.server.on('message:send', (payload, _peer, reply) => {
      const { id } = payload as { id: string }
      tab.env.server.emitRaw('alice', 'message:delivered', { channelId: 'general', userId: 'bob', messageId: id })
      answers.push(() => reply({ success: true, data: { id, ...place } }))
    })
    tab.send('x')
    // The answer to the first attempt comes when the second is under way.
    await tab.advance(1_500)
    answers[0]?.()
    await tab.advance(100)
    expect(tab.messages()).toEqual([expect.objectContaining({ content: 'x', status: 'delivered', ...place })])
  })

  it('a catch-up that succeeds takes the error of the one before it away', async () => {
    const tab = openStore()
    const seen: (string | undefined)[] = []
    tab.store.subscribe(() => { seen.push(tab.errors()[0]?.type) })
    tab.env.server.on('message:sync', (_payload, _peer, reply) => {
      const isFirst = !seen.includes('sync_failed')
      reply(isFirst ? { success: false, error: { code: 'unavailable', message: 'not now' } } : { success: true, data: { messages: [], receipts: [], latest: 0, more: false } })
    })
    await openGeneral(tab)
    await tab.advance(60_000)
    expect([seen.includes('sync_failed'), tab.errors()]).toEqual([true, []])
  })

  it('G4: a receipt for the first message, before any seq is known, says nothing of those that come after it', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    await openGeneral(tab)
    const sent: { readonly id: string }[] = []
    tab.env.server.on('message:send', (payload, _peer, reply) => {
      sent.push({ ...(payload as { id: string }), ...{ seq: sent.length + 1 } })
      reply({ success: true })
    })
    tab.send('a')
    await tab.settle()
    tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', messageId: sent[0]?.id ?? '' })
    await tab.settle()
    expect(tab.shown()).toEqual(['a:read'])
    tab.env.server.emitRaw('alice', 'message:new', sent[0])
    await tab.advance(1_000)
    tab.send('b')
    await tab.advance(1_000)
    tab.env.server.emitRaw('alice', 'message:new', sent[1])
    await tab.advance(1_000)
    expect(tab.shown()).toEqual(['a:read', 'b:sent'])
  })

  it('G4: a server that neither says nor shows the sender where a message stands is asked for it', async () => {
    const tab = openStore()
    await openGeneral(tab)
    const sent: object[] = []
    let asked = 0
    tab.env.server.on('message:send', (payload, _peer, reply) => {
      sent.push({ ...(payload as object), seq: sent.length + 1 })
      reply({ success: true })
    })
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      asked++
      reply({ success: true, data: { messages: sent.slice((payload as { after: number }).after), receipts: [], latest: sent.length, more: false } })
    })
    for (const content of ['a', 'b']) tab.send(content)
    await tab.advance(1_000)
    tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', seq: 2 })
    await tab.advance(60_000)
    expect([tab.shown(), asked]).toEqual([['a:read', 'b:read'], 1])
  })

  it.each([[10, 2], [1, 1]])('G4: a receipt stands for acknowledgements that never come (of %i attempts)', async (maxAttempts, sends) => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { delivery: { ackTimeoutMs: 1_000, maxAttempts } } })
    tab.connect()
    await tab.settle()
    tab.env.server.on('message:send', (payload) =>
      tab.env.server.emitRaw('alice', 'message:delivered', { channelId: 'general', userId: 'bob', messageId: (payload as { id: string }).id }))
    tab.send('x')
    await tab.advance(5_000)
    expect([tab.shown(), tab.errors(), tab.env.server.received('message:send').length]).toEqual([['x:delivered'], [], sends])
  })

  it('an echo that heals a failed message takes its error away', async () => {
    const tab = openStore({ config: { delivery: { maxAttempts: 1, ackTimeoutMs: 1_000 } } })
    tab.connect()
    await tab.settle()
    tab.env.server.on('message:send', () => undefined)
    const id = tab.send('x')
    await tab.advance(5_000)
    expect(tab.errors()).toHaveLength(1)
    tab.env.server.emitRaw('alice', 'message:new', { id, channelId: 'general', userId: 'alice', content: 'x', createdAt: 5, seq: 1 })
    await tab.advance(1_000)
    expect([tab.shown(), tab.errors()]).toEqual([['x:sent'], []])
  })

  it.each([
    ['message:delivered', false], ['message:read', false], ['message:delivered', true], ['message:read', true],
  ] as const)('G8: %s asks for an answer as long as the server gives any (%s), because each leaves a callback in the socket', async (event, answers) => {
    const env = createTestEnvironment()
    const asked: boolean[] = []
    const transport: Transport = { open: (options, handlers) => {
      const connection = env.environment.transport.open(options, handlers)
      return { ...connection, emit: (name, args, onAck) => {
        if (name === event) asked.push(onAck !== undefined)
        connection.emit(name, args, onAck)
      } }
    } }
    const tab = openStore({ env, config: { environment: { transport } } })
    env.server.on(event, (_payload, _peer, reply) => { if (answers) reply({ success: true, data: {} }) })
    await openGeneral(tab)
    for (let i = 0; i < 20; i++) {
      env.server.push('general', { userId: 'bob', content: 'x' })
      await tab.advance(1_000)
      tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
      await tab.advance(4_000)
    }
    expect(asked).toEqual(Array.from({ length: 20 }, (_, i) => answers || i < 6))
  })
})

describe('a server that disconnects', () => {
  it('G8: each client at once is given up after the attempts', async () => {
    const env = createTestEnvironment({ server: createMemoryServer({ capabilities: null }) })
    const tab = openStore({ env })
    tab.store.subscribe(() => { if (tab.connection().status === 'connected') env.server.disconnectAll('server_disconnect') })
    tab.connect()
    await tab.advance(60_000)
    expect([tab.connection().status, tab.connection().reason, env.network.attempts]).toEqual(['failed', 'server_disconnect', 6])
  })

  it.each([[1_500, null], [50, ['sync']]])('G1: after %i ms is connected to again, however often', async (ms, capabilities) => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities }), latencyMs: 10 } })
    tab.connect()
    await tab.settle()
    for (let i = 0; i < 20; i++) {
      await tab.advance(1_300 + ms)
      expect(tab.connection().status).toBe('connected')
      tab.env.server.disconnectAll('server_disconnect')
    }
  })

  it('G7: at each of three messages keeps none of the others, and each of them is told as an error', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    let seq = 0
    tab.env.server.on('message:send', (payload, peer, reply) => {
      const { id, content } = payload as { readonly id: string; readonly content: string }
      if (content.startsWith('poison')) peer.disconnect('server_disconnect')
      else reply({ success: true, data: { id, seq: ++seq } })
    })
    for (const content of ['poison 1', 'poison 2', 'good', 'poison 3', 'better']) tab.send(content)
    await tab.advance(120_000)
    expect(tab.shown()).toEqual(['good:sent', 'better:sent', 'poison 1:failed', 'poison 2:failed', 'poison 3:failed'])
    expect(tab.errors().map(({ type, code }) => [type, code])).toEqual(Array.from({ length: 3 }, () => ['message_failed', 'connection_lost_repeatedly']))
  })
})

it('G8: a server that asks for a pause without end in its handshake is asked again after an hour', async () => {
  const tab = openStore({ world: { server: createMemoryServer({ authenticate: () => ({ code: 'overloaded', retryable: true, retryAfterMs: 1e15 }) }) } })
  tab.connect()
  await tab.advance(1_000)
  expect(tab.connection()).toMatchObject({ status: 'reconnecting', attempt: 1, reason: 'overloaded' })
  await tab.advance(60 * 60 * 1_000)
  expect(tab.connection().attempt).toBe(2)
})

describe('tokens', () => {
  it('fresh ones that cannot be fetched for a while are none that did not help', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { getToken: ({ skipCache }) => {
      if (!skipCache) return 'stale'
      if (!isReachable) throw new Error('offline')
      return 'fresh'
    } } })
    let isReachable = false
    const { server } = tab.env
    server.onConnection(({ auth, userId }) => { if (auth.token === 'stale') server.expireAuth(userId) })
    tab.connect()
    await tab.advance(4_500)
    isReachable = true
    await tab.advance(10_000)
    expect([tab.connection().status, tab.errors()]).toEqual(['connected', []])
  })

  it.each(['that could not be fetched', 'that never came to the server'])('a fresh one %s is no reason to sign in again', async (how) => {
    const clock = createManualClock()
    let stale = 'old'
    const server = createMemoryServer({ now: clock.now, authenticate: ({ token }) => (token === stale ? { code: 'token_expired' } : { ok: true }) })
    const env = createTestEnvironment({ clock, server })
    let cached = 'old'
    let fetched = 0
    const tab = openStore({ env, config: { getToken: ({ skipCache }) => {
      if (!skipCache) return cached
      if (++fetched === 1 && how === 'that could not be fetched') throw new Error('offline')
      if (fetched === 1) env.network.cut()
      return (cached = `fresh ${fetched}`)
    } } })
    tab.connect()
    await tab.advance(100)
    // Meanwhile its time is over.
    stale = cached
    env.network.restore()
    await tab.advance(20_000)
    expect([tab.connection().status, fetched, tab.errors()]).toEqual(['connected', 2, []])
  })

  it.each(['message:send', 'message:sync'])('those that are refused late, when the server has a fresh one, are no reason to sign in again (%s)', async (event) => {
    const tab = openStore()
    const { server, clock } = tab.env
    let isStale = false
    let late = 0
    server.on('auth:refresh', (_payload, _peer, reply) => {
      isStale = false
      reply({ success: true, data: {} })
    })
    server.on(event, (_payload, _peer, reply) => {
      const answer = isStale ? { success: false, error: { code: 'token_expired', message: 'x' } } : { success: true, data: { messages: [], latest: 0, more: false } }
      clock.setTimer(isStale ? 40 * ++late : 300, () => reply(answer))
    })
    tab.connect()
    await tab.settle()
    isStale = true
    for (let i = 0; i < 8; i++) {
      if (event === 'message:send') tab.send('x', `c${i}`)
      else tab.dispatch(tab.chat.actions.openChannel({ channelId: `c${i}` }))
    }
    await tab.advance(20_000)
    expect([late > 3, tab.connection().status, tab.errors().filter(({ type }) => type === 'auth_failed')]).toEqual([true, 'connected', []])
    expect(tab.types().filter((type) => type === 'chat/tokenRefreshed').length).toBeLessThan(3)
  })

  it.each([['never', false], ['with what nobody can read', true]])('G1: a server that refuses a token and answers its renewal %s is connected to anew', async (_, answers) => {
    const tab = openStore()
    const { server } = tab.env
    let isStale = true
    server.on('auth:refresh', (_payload, _peer, reply) => { if (answers) reply(7) })
    server.on('message:send', (_payload, _peer, reply) => {
      reply(isStale ? { success: false, error: { code: 'token_expired', message: 'x' } } : { success: true, data: {} })
    })
    tab.connect()
    await tab.settle()
    server.onConnection(() => { isStale = false })
    tab.send('x')
    await tab.advance(20_000)
    expect([tab.connection().status, tab.shown()]).toEqual(['connected', ['x:sent']])
  })

  it('G1: a session that is announced again keeps no expired token from being replaced', async () => {
    const tab = openStore({ config: { getToken: () => {
      if (!isReachable) throw new Error('offline')
      return 'fresh'
    } } })
    let isReachable = true
    const { server, clock } = tab.env
    tab.connect()
    await tab.settle()
    isReachable = false
    server.expireAuth('alice')
    await tab.advance(1_000)
    tab.send('x')
    server.emitRaw('alice', 'session', { capabilities: ['sync', 'auth-refresh'], tokenExpiresAt: clock.now() + 3_600_000 })
    isReachable = true
    await tab.advance(20_000)
    expect([tab.connection().status, tab.shown()]).toEqual(['connected', ['x:sent']])
  })

  it('a sign-in whose tokens were all refused costs the next one none of its own', async () => {
    let isFresh = false
    const asked: boolean[] = []
    const tab = openStore({ config: { getToken: ({ skipCache }) => {
      asked.push(skipCache)
      return isFresh && skipCache ? 'fresh' : 'stale'
    } } })
    tab.env.server.rejectWhile(() => (isFresh && asked.at(-1) ? null : { code: 'token_expired' }))
    tab.connect()
    tab.send('x')
    await tab.advance(5_000)
    expect([tab.connection().status, asked.length]).toEqual(['unauthorized', 4])
    isFresh = true
    tab.connect()
    await tab.advance(5_000)
    expect([tab.connection().status, tab.shown()]).toEqual(['connected', ['x:sent']])
  })

  it('G1: a fresh one that grew old in a sleep on its way is no reason to sign in again', async () => {
    const clock = createManualClock()
    const authenticate = ({ token }: { readonly token: string }) => (Number(token) > clock.now() ? { ok: true as const, expiresAt: Number(token) } : { code: 'token_expired' })
    const env = createTestEnvironment({ clock, server: createMemoryServer({ now: clock.now, authenticate }), latencyMs: 20 })
    const tab = openStore({ env, config: { getToken: () => String(clock.now() + 4_000) } })
    tab.connect()
    await tab.advance(1_000)
    env.server.expireAuth('alice')
    // The fresh token is asked for and on its way when the lid closes.
    await tab.advance(25)
    clock.sleep(6_000)
    await tab.advance(60_000)
    expect(tab.connection().status).toBe('connected')
  })

  it.each([[['sync', 'auth-refresh']], [['sync']]])('one that lives for two seconds each time is no reason to sign in again (%o)', async (capabilities) => {
    const clock = createManualClock()
    const authenticate = ({ token }: { readonly token: string }) => {
      const expiresAt = Number((JSON.parse(atob(token.split('.')[1] ?? '')) as { exp: number }).exp) * 1_000
      return expiresAt > clock.now() ? { ok: true as const, expiresAt } : { code: 'token_expired' }
    }
    const env = createTestEnvironment({ clock, server: createMemoryServer({ now: clock.now, capabilities, authenticate }), latencyMs: 20 })
    const tab = openStore({ env, config: { getToken: () => `h.${btoa(JSON.stringify({ exp: (clock.now() + 2_000) / 1_000 }))}.s` } })
    tab.connect()
    for (let i = 0; i < 20; i++) {
      await tab.advance(2_000)
      env.server.expireAuth('alice')
    }
    await tab.advance(1_000)
    expect([tab.connection().status, tab.errors()]).toEqual(['connected', []])
  })

  it('G9: one that is still asked for at a disconnect leaves no timer', async () => {
    const tab = openStore({ config: { getToken: () => new Promise<string>(() => undefined) } })
    tab.connect()
    await tab.settle()
    expect(tab.env.timers).toBeGreaterThan(0)
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.settle()
    expect(tab.env.timers).toBe(0)
  })
})

describe('a server that begins a new log', () => {
  it('G2: shows what it commits from then on, to the sender and to others', async () => {
    const env = createTestEnvironment()
    const alice = openStore({ env })
    const bob = openStore({ env: env.openTab() })
    for (const [tab, userId] of [[alice, 'alice'], [bob, 'bob']] as const) {
      tab.connect(userId)
      tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    }
    for (let i = 0; i < 5; i++) alice.send(`old ${i}`)
    await env.clock.advance(5_000)
    expect(bob.messages()).toHaveLength(5)
    env.server.restart({ keepLog: false, keepIds: false })
    await env.clock.advance(5_000)
    alice.send('new')
    await env.clock.advance(5_000)
    expect(alice.shown()).toEqual(['new:delivered'])
    expect(bob.messages().map(({ content }) => content)).toEqual(['new'])
    expect([alice.channel().gap, bob.channel().gap]).toEqual([null, null])
  })

  it('G2: shows what was sent before the first catch-up, though it was as much as there had been', async () => {
    const tab = openStore()
    await openGeneral(tab)
    for (let i = 0; i < 3; i++) tab.send(`old ${i}`)
    await tab.advance(5_000)
    tab.env.server.restart({ keepLog: false, keepIds: false })
    for (let i = 0; i < 5; i++) tab.send(`new ${i}`)
    await tab.advance(10_000)
    expect(tab.shown()).toEqual([0, 1, 2, 3, 4].map((i) => `new ${i}:sent`))
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null, latestSeq: 5 })
  })

  it("G2: shows what others sent before the first catch-up, though it was more than there had been", async () => {
    const tab = openStore()
    await openGeneral(tab)
    const push = (content: string): void => void tab.env.server.push('general', { userId: 'bob', content })
    for (let i = 0; i < 3; i++) push(`old ${i}`)
    await tab.advance(1_000)
    tab.env.server.restart({ keepLog: false, keepIds: false })
    // Connected again, and not yet caught up.
    while (tab.connection().status !== 'connected' || tab.channel().sync !== 'stale') await tab.advance(10)
    for (let i = 0; i < 5; i++) push(`new ${i}`)
    await tab.advance(10_000)
    expect(tab.messages().map(({ content }) => content)).toEqual([0, 1, 2, 3, 4].map((i) => `new ${i}`))
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null, latestSeq: 5 })
  })

  it('G2: what was sent before the first catch-up is shown after it', async () => {
    const tab = openStore()
    await openGeneral(tab)
    for (let i = 0; i < 5; i++) tab.send(`old ${i}`)
    await tab.advance(5_000)
    tab.env.server.restart({ keepLog: false, keepIds: false })
    tab.send('at once')
    await tab.advance(10_000)
    expect(tab.shown()).toEqual(['at once:sent'])
  })
})

describe('a new log that has less than the old one', () => {
  it('G2: is told by its newest message, and shown in place of the old one', async () => {
    const tab = openStore()
    await openGeneral(tab)
    for (let i = 0; i < 5; i++) tab.send(`old ${i}`)
    await tab.advance(5_000)
    tab.env.network.cut()
    tab.env.server.restart({ keepLog: false, keepIds: false })
    for (let i = 0; i < 3; i++) tab.env.server.push('general', { userId: 'bob', content: `new ${i}` })
    tab.env.network.restore()
    await tab.advance(10_000)
    expect(tab.messages().map(({ content }) => content)).toEqual(['new 0', 'new 1', 'new 2'])
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null, latestSeq: 3 })
  })
})

describe('a server that reads its page and then, later, its newest seq', () => {
  it('G6: a message that came in between, and whose event is lost, is asked for', async () => {
    const tab = openStore()
    const log = page(3, true)
    const asked: number[] = []
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      const { after } = payload as { readonly after: number }
      asked.push(after)
      const messages = log.slice(after, asked.length === 1 ? 2 : 3)
      reply({ success: true, data: { messages, receipts: [], latest: 3, more: false } })
    })
    await openGeneral(tab)
    expect(tab.messages().map(({ id }) => id)).toEqual(['m1', 'm2', 'm3'])
    expect(asked).toEqual([0, 2])
  })

  it('G6: the newest seq of a message that was deleted is asked for once', async () => {
    const tab = openStore()
    const asked: number[] = []
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      const { after } = payload as { readonly after: number }
      asked.push(after)
      reply({ success: true, data: { messages: page(2, true).slice(after), receipts: [], latest: 3, more: false } })
    })
    await openGeneral(tab)
    await tab.advance(60_000)
    expect(asked).toEqual([0, 2])
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null })
  })
})

describe('a server that answers from a copy which is behind', () => {
  it.each([[1], [3]])('G6: takes nothing off the screen (%s messages missing), and is not hammered', async (missing) => {
    const tab = openStore()
    await openGeneral(tab)
    for (let i = 0; i < 5; i++) tab.send(`c${i}`)
    await tab.advance(5_000)
    const log = tab.env.server.log('general')
    const held = log.slice(0, log.length - missing)
    let asked = 0
    tab.env.server.on('message:sync', (payload, _peer, reply) => {
      asked++
      const { after } = payload as { readonly after: number }
      reply({ success: true, data: { messages: held.filter(({ seq }) => seq > after), receipts: [], latest: held.length, more: false } })
    })
    tab.env.network.cut()
    await tab.advance(1_000)
    tab.env.network.restore()
    await tab.advance(10_000)
    expect(tab.messages().map(({ content }) => content)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4'])
    expect(tab.channel()).toMatchObject({ sync: 'idle', gap: null })
    expect(asked).toBe(2)
  })
})

describe('a server that numbers, and announces nothing', () => {
  it('G1: my own message, acknowledged under the number of another one, is shown and takes nothing off the screen', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    tab.connect()
    await tab.settle()
    for (const seq of [1, 2]) tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: `c${seq}`, createdAt: seq, seq })
    await tab.advance(100)
    tab.env.server.on('message:send', (payload, _peer, reply) => reply({ success: true, data: { id: (payload as { id: string }).id, seq: 2, createdAt: 9 } }))
    const id = tab.send('mine')
    await tab.advance(1_000)
    expect(tab.messages().map(({ content }) => content)).toEqual(['c1', 'c2', 'mine'])
    tab.env.server.emitRaw('alice', 'message:new', { id, channelId: 'general', userId: 'alice', content: 'mine', createdAt: 9, seq: 2 })
    await tab.advance(1_000)
    expect(tab.messages().map(({ content }) => content)).toEqual(['c1', 'c2', 'mine'])
  })

  it("G2: nor is a message of somebody else lost that comes under the number of another one", async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    tab.connect()
    await tab.settle()
    const push = (seq: number, content: string): void =>
      tab.env.server.emitRaw('alice', 'message:new', { id: content, channelId: 'general', userId: 'bob', content, createdAt: 5, seq })
    for (const seq of [1, 2]) push(seq, `old ${seq}`)
    await tab.advance(100)
    for (const seq of [1, 2, 3, 2]) push(seq, `new ${seq}`)
    await tab.advance(100)
    expect(tab.messages().map(({ content }) => content)).toEqual(['old 1', 'old 2', 'new 3', 'new 1', 'new 2'])
  })

  it('G4: nor do they when the window is full', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) }, config: { history: { windowSize: 3 } } })
    tab.connect()
    await tab.settle()
    for (const seq of [1, 2, 3, 4, 5, 7, 9]) {
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq })
      await tab.advance(200)
    }
    expect(tab.env.server.received('message:delivered').map(({ payload }) => (payload as { seq: number }).seq)).toEqual([1, 2, 3, 4, 5, 7, 9])
  })

  it('G4: holes in its numbers end no delivery receipts, and are no gap', async () => {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
    tab.connect()
    await tab.settle()
    for (const seq of [103, 106, 109]) {
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq })
      await tab.advance(200)
    }
    expect(tab.env.server.received('message:delivered').map(({ payload }) => payload)).toEqual([103, 106, 109].map((seq) => ({ channelId: 'general', seq })))
    expect(tab.channel()).toMatchObject({ gapsDetectable: false, gap: null })
  })
})

describe('a mapping of the app that throws', () => {
  const outgoing = (): never => { throw new Error('of the app') }

  it.each(['message:sync', 'message:delivered', 'message:read', 'auth:refresh'] as const)('G7: for %s ends in an error, and the chat goes on', async (event) => {
    const tab = openStore({ config: { protocol: { outgoing: { [event]: outgoing } } } })
    tab.env.server.push('general', { userId: 'bob', content: 'old' })
    tab.connect()
    await tab.settle()
    for (let i = 0; i < 6; i++) tab.dispatch(tab.chat.actions.openChannel({ channelId: `c${i}` }))
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    tab.env.server.push('general', { userId: 'bob', content: 'hello' })
    await tab.advance(2_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    if (event === 'auth:refresh') tab.env.server.expireAuth('alice')
    tab.send('hi')
    await tab.advance(5_000)
    expect(tab.messages().at(-1)).toMatchObject({ content: 'hi', seq: 3 })
    expect(tab.connection().status).toBe('connected')
    expect(tab.channel().sync).toBe(event === 'message:sync' ? 'failed' : 'idle')
    expect(tab.errors().length > 0).toBe(event !== 'auth:refresh')
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.settle()
    expect(tab.env.timers).toBe(0)
  })

  it.each(['message:sync', 'message:read', 'auth:refresh'] as const)('G7: for %s that gives a cycle ends likewise, and throws into no dispatch', async (event) => {
    const cycle: { self?: object } = {}
    cycle.self = cycle
    const transport = (env: TestEnvironment): Transport => ({
      open(request, handlers) {
        const connection = env.environment.transport.open(request, handlers)
        // A socket throws at what it cannot write; the kit's own does not read it.
        return { ...connection, emit: (name, args, onAck) => void connection.emit(name, JSON.parse(JSON.stringify(args)) as unknown[], onAck) }
      },
    })
    const env = createTestEnvironment()
    const tab = openStore({ env, config: { protocol: { outgoing: { [event]: () => cycle } }, environment: { transport: transport(env) } } })
    env.server.push('general', { userId: 'bob', content: 'old' })
    await openGeneral(tab)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    if (event === 'auth:refresh') env.server.expireAuth('alice')
    tab.send('hi')
    await tab.advance(15_000)
    expect([tab.messages().at(-1)?.content, tab.connection().status, tab.errors().length > 0]).toEqual(['hi', 'connected', event !== 'auth:refresh'])
  })
})

it('G3: a message whose refusal nobody can read does not overtake the one that it was refused for', async () => {
  const tab = openStore()
  const arrived: string[] = []
  const stop = tab.env.server.on('message:send', (payload, _peer, reply) => {
    const { content } = payload as { readonly content: string }
    arrived.push(content)
    // The first is refused, and that is lost; the second is refused for its sake, and would be committed if it came again.
    if (content === 'second') reply(7)
  })
  tab.connect()
  await tab.advance(1_000)
  tab.send('first')
  tab.send('second')
  await tab.advance(9_000)
  expect(arrived).toEqual(['first', 'second'])
  stop()
  await tab.advance(30_000)
  expect(tab.env.server.log('general').map(({ content }) => content)).toEqual(['first', 'second'])
})

it("an app's action that is named like the chat's is emitted when it is bound", async () => {
  const typing = createAction<{ readonly who: string }>('chat/typing')
  const tab = openStore({ config: socketBindings<{}, { typing: (payload: { readonly who: string }) => void }>()({ emits: { typing: { action: typing } } }) })
  tab.connect()
  await tab.settle()
  tab.dispatch(typing({ who: 'alice' }))
  await tab.settle()
  expect(tab.env.server.received('typing').map(({ payload }) => payload)).toEqual([{ who: 'alice' }])
})

it('a server that echoes and never acknowledges is sent to at the pace of its echoes', async () => {
  const tab = openStore({ world: { server: createMemoryServer({ capabilities: null }) } })
  tab.env.server.on('message:send', (payload) => tab.env.server.emitRaw('alice', 'message:new', payload))
  for (let i = 0; i < 250; i++) tab.send(String(i))
  tab.connect()
  await tab.advance(8_000)
  expect(tab.shown()).toEqual(Array.from({ length: 250 }, (_, i) => `${i}:sent`))
  await tab.advance(30_000)
  tab.dispatch(tab.chat.actions.disconnect())
  expect([tab.errors(), tab.env.server.received('message:send').length, tab.env.timers]).toEqual([[], 250, 0])
})

describe("the server's own words", () => {
  /** What alice shows of her own message, of which the server's copy says something else. */
  async function shownOf(hasSeq: boolean, isAckFirst: boolean, copy: object) {
    const tab = openStore({ world: { server: createMemoryServer({ capabilities: hasSeq ? ['sync'] : null }) } })
    tab.env.server.on('message:send', (payload, _peer, reply) => {
      const message = { ...(payload as { readonly id: string }), ...copy, ...(hasSeq && { seq: 1 }) }
      const echo = (): void => tab.env.server.emitRaw('alice', 'message:new', message)
      if (!isAckFirst) echo()
      reply({ success: true, data: { id: message.id, ...(hasSeq && { seq: 1 }) } })
      if (isAckFirst) echo()
    })
    tab.connect()
    await tab.settle()
    tab.dispatch(tab.chat.actions.sendMessage({ channelId: 'general', content: 'damn', ...{ mood: { is: 'bad' } } }))
    await tab.advance(1_000)
    return tab.messages()
  }

  it.each([[true, true], [true, false], [false, true], [false, false]])('G5: are shown to the sender as well (seq %s, acknowledged first %s)', async (hasSeq, isAckFirst) => {
    expect(await shownOf(hasSeq, isAckFirst, { content: 'd***' })).toMatchObject([{ content: 'd***', status: 'sent', mood: { is: 'bad' } }])
    expect(await shownOf(hasSeq, isAckFirst, { preview: { title: 'x' } })).toMatchObject([{ content: 'damn', preview: { title: 'x' } }])
    const [message] = await shownOf(hasSeq, isAckFirst, { mood: undefined })
    expect(message).not.toHaveProperty('mood')
  })
})

describe('a message that has no number yet, among others that have', () => {
  /** Acknowledges without a seq; the echo, which brings it, comes later. */
  async function openLate() {
    const tab = openStore()
    tab.env.server.push('general', { userId: 'bob', content: 'first' })
    await openGeneral(tab)
    let echo = (): void => undefined
    const stop = tab.env.server.on('message:send', (payload, _peer, reply) => {
      const { id, content } = payload as { readonly id: string; readonly content: string }
      reply({ success: true, data: { id } })
      echo = () => { tab.env.server.push('general', { id, userId: 'alice', content }) }
    })
    tab.send('mine')
    await tab.advance(100)
    expect(tab.messages().at(-1)).toMatchObject({ content: 'mine', status: 'sent' })
    return { tab, echo: async () => { stop(); echo(); await tab.advance(1_000) } }
  }

  it('marks what stands before it as read, and nothing that is to come', async () => {
    const { tab, echo } = await openLate()
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    await tab.advance(1_000)
    expect(tab.env.server.received('message:read').map(({ payload }) => payload)).toEqual([{ channelId: 'general', seq: 1 }])
    await echo()
    tab.env.server.push('general', { userId: 'bob', content: 'later' })
    await tab.advance(1_000)
    expect(tab.selectors.selectUnreadCount(tab.store.getState(), 'general')).toBe(1)
  })

  it('G4: a receipt that names it says nothing of what is to come', async () => {
    const { tab, echo } = await openLate()
    const { id } = tab.messages().at(-1) ?? { id: '' }
    tab.env.server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'carol', messageId: id })
    await tab.advance(100)
    await echo()
    expect(tab.shown()).toEqual(['first:read', 'mine:read'])
    tab.send('next')
    await tab.advance(1_000)
    expect(tab.shown().at(-1)).toBe('next:sent')
  })
})

describe('a message whose place only history tells', () => {
  it('G6: leaves the end for it, and the window is not scrolled back by that', () => {
    const log = page(9, true)
    const { seq: _untold, ...mine } = log[2] ?? expect.fail('no message')
    const channel: ChannelState = { ...initialChannel, messages: [log.slice(4), [mine]], anchored: true, cursor: 9, latest: 9, hasOlder: true, loaded: true, stale: false }
    const older = receiveOlder(channel, 5, { messages: log.slice(0, 4), receipts: [], latest: null, more: false }, 'alice', { windowSize: 100 })
    expect([older.detached, older.messages.flat().map(({ seq }) => seq)]).toEqual([false, [1, 2, 3, 4, 5, 6, 7, 8, 9]])
  })
})

describe("somebody else's message under the id of mine", () => {
  it.each([['a page', true], ['an echo', false]])('G7: in %s settles nothing: mine is sent all the same', async (_, isPage) => {
    const tab = openStore()
    await openGeneral(tab)
    tab.env.server.on('message:send', () => undefined)
    const id = tab.send('mine')
    const theirs = { ...page(1, true)[0], id }
    tab.env.server.on('message:sync', (_payload, _peer, reply) => reply({ success: true, data: { messages: [theirs], receipts: [], latest: 1, more: false } }))
    if (isPage) {
      tab.env.network.cut()
      tab.env.network.restore()
    } else tab.env.server.emitRaw('alice', 'message:new', theirs)
    await tab.advance(3_000)
    expect(tab.messages().map(({ userId, status }) => [userId, status])).toEqual([['bob', 'sent'], ['alice', 'pending']])
  })
})

describe('a server whose database gives whole numbers as digits', () => {
  it('G6: is understood: acks, messages, receipts and pages', async () => {
    const tab = openStore()
    const { server } = tab.env
    server.on('message:sync', (_payload, _peer, reply) => reply({
      success: true,
      data: {
        messages: page(2, true).map((message) => ({ ...message, seq: String(message.seq) })),
        receipts: [{ userId: 'bob', delivered: '2', read: '1' }], latest: '2', more: false,
      },
    }))
    server.on('message:send', (payload, _peer, reply) => reply({ success: true, data: { id: (payload as { id: string }).id, seq: '3', createdAt: 3 } }))
    await openGeneral(tab)
    const id = tab.send('mine')
    await tab.advance(100)
    server.emitRaw('alice', 'message:new', { ...page(4, true)[3], seq: '4' })
    server.emitRaw('alice', 'message:read', { channelId: 'general', userId: 'bob', seq: '3' })
    await tab.advance(100)
    expect(tab.messages('general').map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(tab.messages('general').find((message) => message.id === id)?.status).toBe('read')
    expect(tab.errors()).toEqual([])
  })
})

describe('a refusal without a word', () => {
  it('G3: is one for good: the next message goes on at once', async () => {
    const tab = openStore()
    tab.env.server.on('message:send', (payload, _peer, reply) => {
      const { id, content } = payload as { id: string; content: string }
      reply(content === 'bad' ? { success: false } : { success: true, data: { id, seq: 1, createdAt: 1 } })
    })
    tab.connect()
    await tab.advance(100)
    tab.send('bad')
    tab.send('good')
    await tab.advance(100)
    expect(tab.messages('general').map(({ content, status, failure }) => [content, status, failure?.code])).toEqual([['good', 'sent', undefined], ['bad', 'failed', 'rejected']])
  })
})
