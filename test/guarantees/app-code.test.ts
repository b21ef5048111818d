import { createAction } from '@reduxjs/toolkit'
import { createTestEnvironment } from 'redux-chat/testing'
import { socketBindings } from 'redux-chat'
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
  it('G9: signs out because there is no session: nobody is unauthorized, and nobody is told', async () => {
    let hasSession = true
    const told: string[] = []
    const tab = openStore({ config: {
      getToken: async () => {
        if (hasSession) return 'token'
        tab.dispatch(tab.chat.actions.signOut())
        return null
      },
      onAuthError: ({ code }) => told.push(code),
    } })
    tab.connect()
    await tab.settle()
    hasSession = false
    tab.env.server.disconnectAll('transport_close')
    await tab.advance(60_000)
    expect([tab.connection().status, told, tab.errors()]).toEqual(['idle', [], []])
  })

  it('G9: the same when a token is renewed', async () => {
    const env = createTestEnvironment()
    const jwt = `head.${btoa(JSON.stringify({ exp: env.clock.now() / 1_000 + 60 }))}.sign`
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
    await tab.advance(120_000)
    expect([tab.connection().status, told, tab.errors()]).toEqual(['idle', [], []])
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
    const tab = openStore({ config: socketBindings<{ reacted: (payload: { messageId: string }) => void }>()({ events: { reacted: ({ messageId }) => {
      seen.push(tab.messages().some(({ id }) => id === messageId))
      return reacted({ messageId })
    } } }) })
    tab.connect()
    await tab.advance(1_000)
    for (let seq = 1; seq <= 5; seq++) {
      tab.env.server.emitRaw('alice', 'message:new', { id: `m${seq}`, channelId: 'general', userId: 'bob', content: 'hi', createdAt: seq, seq })
      tab.env.server.emitRaw('alice', 'reacted', { messageId: `m${seq}` })
    }
    await tab.advance(1_000)
    expect(seen).toEqual([true, true, true, true, true])
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

  it('an emit that cannot be written throws, and is not told once more by a timeout', async () => {
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

  it('G8: one that answers, as that to a server on the same machine, stays', async () => {
    expect((await openSilent(false)).connection().status).toBe('connected')
  })
})
