import { configureStore, createAction } from '@reduxjs/toolkit'
import { createTestEnvironment } from 'redux-chat/testing'
import { createChat, socketBindings } from 'redux-chat'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Transport } from '../../src/transport/transport'
import { openStore } from '../support/chat-store'
import { collectUncaught } from '../support/uncaught'

/* What an app gives (getToken, callbacks, a storage, bindings) dispatches, throws, or comes back. */

afterEach(() => void vi.unstubAllGlobals())

/** A transport that tells what was opened, and how many are not closed. */
function counted({ open }: Transport) {
  const auths: unknown[] = []
  const left = new Set<object>()
  const transport: Transport = {
    open(request, handlers) {
      auths.push(request.auth)
      const connection = open(request, { ...handlers, onClose: (event) => { left.delete(mine); handlers.onClose(event) } })
      const mine = { ...connection, close: () => { left.delete(mine); connection.close() } }
      left.add(mine)
      return mine
    },
  }
  return { auths, left, transport }
}

describe('getToken that dispatches before its first await', () => {
  it.each([['after a lost connection', Infinity], ['when it is renewed', 60]])('G9: signs out because there is no session (%s): nobody is unauthorized, and nobody is told', async (_, lifeSeconds) => {
    const env = createTestEnvironment()
    const jwt = `head.${btoa(JSON.stringify({ exp: env.clock.now() / 1_000 + lifeSeconds }))}.sign`
    let hasSession = true
    const told: string[] = []
    const tab = openStore({ env, config: {
      getToken: async () => {
        if (hasSession) return jwt
        tab.dispatch(tab.chat.actions.signOut())
        return null
      },
      onAuthError: ({ code }) => told.push(code),
    } })
    tab.connect()
    await tab.settle()
    hasSession = false
    if (lifeSeconds === Infinity) env.server.disconnectAll('transport_close')
    await tab.advance(120_000)
    expect([tab.connection().status, told, tab.errors()]).toEqual(['idle', [], []])
  })

  it('is not asked once nobody wants to connect any more', async () => {
    const asked: (string | null)[] = []
    const tab = openStore({ config: { getToken: () => {
      asked.push(tab.connection().userId)
      return 'token'
    } } })
    tab.connect()
    tab.dispatch(tab.chat.actions.signOut())
    await tab.advance(1_000)
    expect(asked).toEqual([])
  })

  it('G7, G9: changes the user: one socket, with that user and their token, and none is left', async () => {
    const env = createTestEnvironment()
    const { auths, left, transport } = counted(env.environment.transport)
    let [who, isTold] = ['alice', false]
    const tab = openStore({ env, config: {
      getToken: async () => {
        const token = `token-of-${who}`
        if (who === 'alice' && isTold) {
          who = 'bob'
          tab.connect('bob')
        }
        return token
      },
      environment: { transport },
    } })
    tab.connect('alice')
    await tab.settle()
    isTold = true
    env.server.disconnectAll('transport_close')
    await tab.advance(10_000)
    const opened = auths.slice(1)
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.advance(10_000)
    expect([opened, left.size]).toEqual([[{ token: 'token-of-bob', userId: 'bob' }], 0])
  })
})

describe('callbacks', () => {
  it('G7: onError is told of every error that is put into the state, though a subscriber throws', async () => {
    const told: string[] = []
    const tab = openStore({ config: { onError: ({ code }) => told.push(code) } })
    tab.connect()
    await tab.settle()
    tab.env.server.rejectNext({ code: 'forbidden' })
    const uncaught = collectUncaught()
    const stop = tab.store.subscribe(() => { if (tab.errors().length > 0) throw new Error('a subscriber of the app') })
    tab.send('hi')
    await tab.advance(5_000)
    stop()
    expect([tab.errors().map(({ code }) => code), told, uncaught.length > 0]).toEqual([['forbidden'], ['forbidden'], true])
  })

  it('G1, G7: a storage that cannot be opened affects nothing else, and is opened anew', async () => {
    let isBroken = true
    const tab = openStore()
    const real = tab.env.storage
    const other = openStore({ env: tab.env.openTab(), config: { environment: { storage: (name) => {
      if (isBroken) throw new Error('unable to open the database')
      return real(name)
    } } } })
    other.connect()
    await other.settle()
    expect(() => other.send('hi')).not.toThrow()
    await other.advance(5_000)
    expect([other.shown(), other.errors().map(({ type }) => type)]).toEqual([['hi:sent'], ['storage_error']])
    other.env.network.cut()
    other.send('kept')
    await other.advance(5_000)
    isBroken = false
    await other.advance(120_000)
    expect(other.messages().at(-1)).toMatchObject({ content: 'kept', stored: true })
  })

  it('G8: a listener of the metrics that subscribes anew is told once each time, as by a store', () => {
    const tab = openStore()
    let [calls, stop] = [0, (): void => undefined]
    const listen = (): void => {
      stop()
      if (++calls < 1_000) stop = tab.chat.metrics.subscribe(listen)
    }
    stop = tab.chat.metrics.subscribe(listen)
    tab.send('hi')
    expect(calls).toBeLessThan(10)
  })

  it('G7: what had arrived is not shown once a listener of the metrics has signed out', async () => {
    const tab = openStore({ config: { onMetric: ({ name }) => { if (name === 'duplicate') tab.dispatch(tab.chat.actions.signOut()) } } })
    tab.connect()
    await tab.settle()
    tab.env.server.push('general', { userId: 'carol', content: 'hi' })
    await tab.advance(100)
    const fault = tab.env.network.fault({ direction: 'down', event: 'message:new', action: 'duplicate' })
    tab.env.server.push('general', { userId: 'carol', content: 'twice' })
    await tab.advance(100)
    fault.stop()
    expect([tab.connection().userId, tab.messages()]).toEqual([null, []])
  })

  it('the age of what waits grows for whoever asks for it, also while nothing else happens', async () => {
    const tab = openStore()
    tab.env.network.cut()
    tab.send('waiting')
    const ages: number[] = []
    for (let minutes = 0; minutes < 3; minutes++) {
      ages.push(tab.chat.metrics.getSnapshot().queue.oldestAgeMs)
      await tab.advance(60_000)
    }
    expect([ages, tab.chat.metrics.getSnapshot() === tab.chat.metrics.getSnapshot()]).toEqual([[0, 60_000, 120_000], true])
  })
})

describe('bindings', () => {
  it('an event that comes behind messages is dispatched behind them', async () => {
    const reacted = createAction<{ messageId: string }>('reacted')
    const seen: boolean[] = []
    const tab = openStore({ config: socketBindings<{ reacted: (payload: { messageId: string }) => void }>()({ events: { reacted } }) })
    tab.store.subscribe(() => {
      const last: unknown = tab.actions.at(-1)
      if (reacted.match(last)) seen.push(tab.messages().some(({ id }) => id === last.payload.messageId))
    })
    tab.connect()
    await tab.advance(1_000)
    for (let seq = 1; seq <= 5; seq++) {
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq })
      tab.env.server.emitRaw('alice', 'reacted', { messageId: `m${seq}` })
    }
    await tab.advance(1_000)
    expect(seen).toEqual([true, true, true, true, true])
  })

  it('G8: a burst of messages with events between them is one batch all the same', async () => {
    const typing = createAction('typing')
    const tab = openStore({ config: { events: { typing: () => typing() } } })
    tab.connect()
    await tab.advance(1_000)
    for (let seq = 1; seq <= 500; seq++) {
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq })
      tab.env.server.emitRaw('alice', 'typing')
    }
    await tab.advance(1_000)
    const batches = tab.types().filter((type) => type === 'chat/messagesReceived').length
    expect([tab.messages().length, tab.types().filter((type) => type === 'typing').length, batches < 10]).toEqual([500, 500, true])
  })

  it('G7: one that came before a sign-out is not heard after it', async () => {
    const tab = openStore({ config: { events: { reacted: () => ({ type: 'reacted' }) } } })
    tab.connect()
    await tab.advance(1_000)
    const stop = tab.store.subscribe(() => {
      if (tab.messages().length < 2) return
      stop()
      tab.dispatch(tab.chat.actions.signOut())
      tab.connect()
    })
    for (let seq = 1; seq <= 2; seq++) {
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq })
    }
    tab.env.server.emitRaw('alice', 'reacted')
    await tab.advance(3_000)
    expect([tab.types().includes('reacted'), tab.connection().status]).toEqual([false, 'connected'])
  })

  it('what the app dispatches itself is emitted, though the same object once came as that event', async () => {
    const wave = createAction('wave')
    const constant = wave()
    const tab = openStore({ config: { events: { wave: () => constant }, emits: { wave: { action: wave } } } })
    tab.connect()
    await tab.settle()
    tab.env.server.emitRaw('alice', 'wave')
    await tab.advance(100)
    tab.dispatch(constant)
    await tab.advance(1_000)
    expect(tab.env.server.received('wave')).toHaveLength(1)
  })

  it('what came to one chat of a store is emitted by another', async () => {
    const moved = createAction<{ x: number }>('moved')
    const [here, there] = [createTestEnvironment(), createTestEnvironment()]
    const one = createChat({ url: 'https://one.test', token: 'token', reducerPath: 'one', environment: here.environment, events: { moved: (payload: { x: number }) => moved(payload) } })
    const two = createChat({ url: 'https://two.test', token: 'token', reducerPath: 'two', environment: there.environment, emits: { moved: { action: moved } } })
    const store = configureStore({ reducer: { one: one.reducer, two: two.reducer }, middleware: (getDefault) => getDefault().concat(one.middleware, two.middleware) })
    store.dispatch(one.actions.connect({ userId: 'alice' }))
    store.dispatch(two.actions.connect({ userId: 'alice' }))
    const pass = async (): Promise<void> => {
      await here.clock.advance(1_000)
      await there.clock.advance(1_000)
    }
    await pass()
    here.server.emitRaw('alice', 'moved', { x: 1 })
    await pass()
    expect(there.server.received('moved')).toHaveLength(1)
  })

  it('what came as an event is not sent back as the same event, and as another one it is', async () => {
    const moved = createAction<{ x: number }>('moved')
    type Moved = (payload: { x: number }) => void
    const tab = openStore({ config: socketBindings<{ moved: Moved }, { moved: Moved; seen: Moved }>()({ events: { moved }, emits: { moved: { action: moved }, seen: { action: moved } } }) })
    const { server } = tab.env
    server.on('moved', (payload) => { if (server.received('moved').length < 100) server.emitRaw('alice', 'moved', payload) })
    tab.connect()
    await tab.settle()
    tab.dispatch(moved({ x: 1 }))
    await tab.advance(20_000)
    expect([server.received('moved').length, server.received('seen').length]).toEqual([1, 2])
  })

  it('an emit that cannot be written throws, and is not told once more by a timeout or by the end of the connection', async () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const save = createAction('save')
    const failed = vi.fn(() => ({ type: 'failed' }))
    const tab = openStore({ config: { emits: { save: { action: save, args: () => [cyclic], failed } } } })
    tab.connect()
    await tab.settle()
    let thrown: unknown
    try {
      tab.dispatch(save())
    } catch (reason) {
      thrown = reason
    }
    tab.dispatch(tab.chat.actions.disconnect())
    expect(tab.env.timers).toBe(0)
    await tab.advance(20_000)
    expect([thrown !== undefined, failed.mock.calls.length].filter(Boolean)).toHaveLength(1)
  })

  it('two emits that fail are two errors', () => {
    const [save, load] = [createAction('save'), createAction('load')]
    const tab = openStore({ config: { emits: { save: { action: save }, load: { action: load } } } })
    tab.dispatch(save())
    tab.dispatch(load())
    expect(tab.errors().map(({ message, count }) => [/"\w+"/.exec(message)?.[0], count])).toEqual([['"save"', undefined], ['"load"', undefined]])
  })

  it('two that fail by turns push no other error out', async () => {
    const [typing, cursor] = [createAction('typing'), createAction('cursor')]
    const tab = openStore({ config: { emits: { typing: { action: typing }, cursor: { action: cursor } } } })
    tab.connect()
    await tab.advance(1_000)
    tab.env.server.rejectNext({ code: 'forbidden' })
    tab.send('no')
    await tab.advance(1_000)
    tab.dispatch(tab.chat.actions.disconnect())
    for (let i = 0; i < 60; i++) {
      tab.dispatch(typing())
      tab.dispatch(cursor())
    }
    expect(tab.errors().map(({ type, count }) => [type, count])).toEqual([['message_failed', undefined], ['emit_failed', 60], ['emit_failed', 60]])
  })
})

describe('a browser that says that it is offline', () => {
  const openSilent = async (isSilent: boolean) => {
    const tab = openStore()
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.advance(2_000)
    for (const direction of ['up', 'down', 'ack'] as const) if (isSilent) tab.env.network.fault({ direction, action: 'drop' })
    tab.env.lifecycle.offline()
    await tab.advance(6_000)
    return tab
  }

  it('G8: a connection that does not answer by then is offline, long before its heartbeat notices', async () => {
    expect((await openSilent(true)).connection().status).toBe('offline')
  })

  it('G8: one that nobody can ask stays', async () => {
    const tab = openStore({ config: { protocol: { outgoing: { 'message:sync': () => { throw new Error('no') } } } } })
    tab.connect()
    await tab.advance(2_000)
    tab.env.server.push('general', { userId: 'bob', content: 'hi' })
    await tab.advance(2_000)
    tab.env.lifecycle.offline()
    await tab.advance(6_000)
    expect(tab.connection().status).toBe('connected')
  })

  it('G8: one that answers, as that to a server on the same machine, stays', async () => {
    expect((await openSilent(false)).connection().status).toBe('connected')
  })
})
