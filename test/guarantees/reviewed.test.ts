import { configureStore, createAction, createReducer, type UnknownAction } from '@reduxjs/toolkit'
import { createChat, socketBindings, type ChatState } from 'redux-chat'
import { describe, expect, it } from 'vitest'
import { createManualClock, createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import type { RecordStorage, StoredRecord } from '../../src/persistence/record-storage'
import type { TabLocks } from '../../src/persistence/tabs'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { openStore } from '../support/chat-store'

/* What a reviewer found by running it: each case failed once. */

const jwt = (sub: string): string => `h.${btoa(JSON.stringify({ sub }))}.s`
const contents = (log: readonly { readonly content: string }[]) => log.map(({ content }) => content)

/** One device for all tabs, on which a call can be delayed or refused. */
function createSlowDevice(clock: ReturnType<typeof createManualClock>) {
  const inner = createMemoryStorage()
  const device = { loadMs: 0, writeMs: 0, refuses: false, inner, loads: 0, cleared: 0 }
  const pass = async <T>(ms: number, task: () => Promise<T>): Promise<T> => {
    if (ms > 0) await new Promise<void>((resolve) => { clock.setTimer(ms, resolve) })
    if (device.refuses) throw new Error('the device refuses')
    return task()
  }
  const storage: RecordStorage = {
    load: (userId) => {
      device.loads++
      return pass(device.loadMs, () => inner.load(userId))
    },
    write: (change) => pass(device.writeMs, () => inner.write(change)),
    adopt: (...args) => pass(0, () => inner.adopt(...args)),
    clear: (...args) => {
      device.cleared++
      return pass(0, () => inner.clear(...args))
    },
    close: () => undefined,
  }
  return { ...device, device, open: () => storage }
}

function world() {
  const clock = createManualClock()
  const { device, open } = createSlowDevice(clock)
  return { device, env: createTestEnvironment({ clock, storage: open }) }
}

/** Locks that the browser can take away from a page. */
function losable(env: TestEnvironment) {
  const { locks } = env.environment
  const held = new Set<() => void>()
  const hold: TabLocks['hold'] = (...args) => {
    const stop = locks?.hold(...args) ?? (() => undefined)
    held.add(stop)
    return stop
  }
  return { locks: locks && { ...locks, hold }, lose: () => { for (const stop of held) stop() } }
}

/** Somebody who was connected, and whose network has just gone. */
async function openCutOff(env: TestEnvironment) {
  const tab = openStore({ env })
  tab.connect()
  await tab.settle()
  env.network.cut()
  return tab
}

describe('tabs and storage', () => {
  it('G2: a woken tab sends nothing that was stored before it has looked, however long the look takes', async () => {
    const { device, env } = world()
    const tab = await openCutOff(env)
    await tab.settle()
    const id = tab.send('stored')
    await tab.settle()
    expect(tab.messages()[0]?.stored).toBe(true)
    device.loadMs = 20_000
    env.lifecycle.resumed()
    env.network.restore()
    await tab.advance(10_000)
    const fresh = tab.send('fresh', 'other')
    await tab.advance(5_000)
    const sent = () => tab.actions.filter(({ type }) => type === 'chat/messageEmitted').map(({ payload }) => (payload as { readonly id: string }).id)
    expect([sent().includes(id), sent().includes(fresh)]).toEqual([false, true])
    await tab.advance(30_000)
    expect(contents(env.server.log('general'))).toEqual(['stored'])
  })

  it('G2: nor what may have been stored just before it fell asleep', async () => {
    const { device, env } = world()
    const tab = await openCutOff(env)
    await tab.settle()
    Object.assign(device, { writeMs: 1_000, loadMs: 20_000 })
    tab.send('being stored')
    await tab.settle()
    env.lifecycle.resumed()
    env.network.restore()
    await tab.advance(10_000)
    expect(tab.actions.filter(({ type }) => type === 'chat/messageEmitted')).toEqual([])
    await tab.advance(30_000)
    expect(contents(env.server.log('general'))).toEqual(['being stored'])
  })

  it('G2: nor what it is asked to retry meanwhile', async () => {
    const { device, env } = world()
    const tab = await openCutOff(env)
    await tab.settle()
    const id = tab.send('stored')
    await tab.settle()
    device.loadMs = 20_000
    env.lifecycle.resumed()
    env.network.restore()
    await tab.advance(10_000)
    tab.dispatch(tab.chat.actions.retryAllFailed())
    tab.dispatch(tab.chat.actions.retryMessage({ id }))
    tab.send('fresh', 'other')
    await tab.advance(5_000)
    expect([contents(env.server.log('general')), contents(env.server.log('other'))]).toEqual([[], ['fresh']])
    await tab.advance(30_000)
    expect(contents(env.server.log('general'))).toEqual(['stored'])
  })

  it('G3: what follows a message that another tab took waits for its echo, also after a long look', async () => {
    const { device, env } = world()
    const { locks, lose } = losable(env)
    const tab = openStore({ env, config: { environment: { locks } } })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.settle()
    env.network.cut()
    await tab.settle()
    tab.send('first')
    await tab.settle()
    // Frozen, it loses its locks, and another tab takes over what it has.
    lose()
    const other = openStore({ env: env.openTab() })
    other.env.network.cut()
    other.connect()
    await other.advance(10_000)
    expect(other.shown()).toEqual(['first:pending'])
    device.loadMs = 5_000
    env.network.restore()
    env.lifecycle.resumed()
    await tab.advance(1_000)
    tab.send('second')
    await tab.advance(6_000)
    other.env.network.restore()
    other.connect()
    await tab.advance(100_000)
    expect(contents(env.server.log('general'))).toEqual(['first', 'second'])
  })

  it('G2: what only a later look finds taken over is sent by one tab', async () => {
    const { device, env } = world()
    const { locks, lose } = losable(env)
    const tab = openStore({ env, config: { environment: { locks } } })
    tab.connect()
    await tab.settle()
    env.network.cut()
    await tab.settle()
    tab.send('m')
    await tab.settle()
    lose()
    const other = openStore({ env: env.openTab() })
    other.env.network.cut()
    other.connect()
    await other.advance(10_000)
    device.refuses = true
    env.lifecycle.resumed()
    await tab.settle()
    device.refuses = false
    await tab.advance(60_000)
    for (const each of [tab, other]) {
      each.env.network.restore()
      each.connect()
    }
    await tab.advance(60_000)
    expect(env.server.received('message:send')).toHaveLength(1)
  })

  it('G3: what a tab queued in two sign-ins, taken over by another tab one after the other, leaves in dispatch order', async () => {
    const { env } = world()
    const one = openStore({ env })
    one.connect()
    await one.settle()
    env.network.cut()
    await one.settle()
    const two = openStore({ env: env.openTab() })
    two.env.network.cut()
    two.connect()
    await two.advance(10_000)
    for (const content of ['first', 'second']) {
      one.connect('alice')
      await one.advance(1_000)
      one.send(content)
      await one.advance(1_000)
      one.dispatch(one.chat.actions.signOut())
      await one.advance(10_000)
    }
    expect(two.shown()).toEqual(['first:pending', 'second:pending'])
    two.env.network.restore()
    two.connect()
    await two.advance(60_000)
    expect(contents(env.server.log('general'))).toEqual(['first', 'second'])
  })

  it('G8: nothing stays stored of an adopted message that the timeline has already', async () => {
    const { device, env } = world()
    const dead = openStore({ env })
    dead.connect()
    await dead.settle()
    const other = openStore({ env: env.openTab() })
    other.connect()
    other.dispatch(other.chat.actions.openChannel({ channelId: 'general' }))
    await other.advance(1_000)
    env.network.fault({ direction: 'ack', action: 'drop' })
    env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    dead.send('committed')
    await dead.advance(1_000)
    expect(other.shown()).toEqual(['committed:sent'])
    env.kill()
    await other.advance(30_000)
    expect([other.shown(), (await device.inner.load('alice')).records]).toEqual([['committed:sent'], []])
  })

  it('G1: a storage that does not answer a look is told', async () => {
    const { device, env } = world()
    device.loadMs = 60_000
    const tab = openStore({ env })
    tab.connect()
    await tab.advance(6_000)
    expect(tab.errors().map(({ code }) => code)).toEqual(['storage_slow'])
  })

  it('G7: a discard that the device refused is done before the user sees anything again', async () => {
    const { device, env } = world()
    const tab = await openCutOff(env)
    tab.send('unwanted')
    await tab.settle()
    device.refuses = true
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.settle()
    expect(tab.errors().map(({ code }) => code)).toEqual(['discard_failed'])
    device.refuses = false
    env.network.restore()
    tab.connect()
    await tab.advance(30_000)
    expect([tab.shown(), contents(env.server.log('general'))]).toEqual([[], []])
  })

  it('G9: a sign-out in the moment in which the patience with a look ends leaves no timer', async () => {
    const { device, env } = world()
    device.loadMs = 20_000
    const tab = openStore({ env })
    tab.connect()
    await tab.advance(1_000)
    tab.send('m')
    const stop = tab.store.subscribe(() => {
      if (!tab.types().includes('chat/messageEmitted')) return
      stop()
      tab.dispatch(tab.chat.actions.signOut())
    })
    await tab.advance(3_000)
    expect([tab.connection().status, env.timers]).toEqual(['idle', 0])
  })

  it('G1: a read mark of newer code is left as it is', async () => {
    const { device, env } = world()
    const newer: StoredRecord = { userId: 'alice', id: 'read:#general', tab: 'gone', version: 99, data: { mark: { seq: 1 }, more: true } }
    await device.inner.write({ put: [newer], remove: [] })
    const tab = openStore({ env })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    await tab.settle()
    env.server.push('general', { userId: 'bob', content: 'hi' })
    await tab.advance(1_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    await tab.advance(5_000)
    expect((await device.inner.load('alice')).records).toEqual([newer])
  })

  it('G2: what is queued after a disconnect stays its own tab\'s, and nothing is held when it is discarded', async () => {
    const { env } = world()
    const tab = openStore({ env })
    tab.connect()
    await tab.settle()
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.settle()
    const id = tab.send('mine')
    await tab.settle()
    const other = openStore({ env: env.openTab() })
    other.connect()
    await other.advance(30_000)
    expect([other.shown(), contents(env.server.log('general'))]).toEqual([[], []])
    tab.dispatch(tab.chat.actions.discardMessage({ id }))
    other.dispatch(other.chat.actions.disconnect())
    await tab.advance(10_000)
    expect(env.locks?.size).toBe(0)
  })
})

describe('identity', () => {
  it("G7: alice's queue does not leave under bob's token, also after a disconnect", async () => {
    let who = 'alice'
    const tab = openStore({ config: { getToken: () => jwt(who) } })
    tab.connect()
    await tab.settle()
    tab.env.network.cut()
    tab.send('written by alice')
    tab.dispatch(tab.chat.actions.disconnect())
    who = 'bob'
    tab.env.network.restore()
    tab.connect('alice')
    await tab.advance(30_000)
    expect([tab.connection().status, contents(tab.env.server.log('general'))]).toEqual(['unauthorized', []])
    tab.dispatch(tab.chat.actions.signOut())
    tab.connect('bob')
    await tab.advance(1_000)
    expect(tab.connection().status).toBe('connected')
  })
})

it('G10: an error that repeats itself says what the last one said: also whether trying again helps', () => {
  const { reducer } = createChat({ url: 'https://chat.example.com', token: 'raw.jwt.token' })
  const error = { id: 'first', type: 'sync_failed', code: 'rejected', message: 'not now', at: 1, retryable: true, channelId: 'general' } as const
  const report = (more: object): UnknownAction => ({ type: 'chat/errorReported', payload: { error: { ...error, ...more } } })
  const state = [report({}), report({ id: 'second', message: 'never', at: 2, retryable: false })].reduce(reducer, reducer(undefined, { type: 'start' }))
  expect(state.errors).toEqual([{ ...error, message: 'never', at: 2, retryable: false, count: 2 }])
})

describe('whoever signs out when told that the session is over', () => {
  it.each(['message:sync', 'message:read', 'message:history'])('G9, G10: leaves nothing, though %s told it', async (event) => {
    let tokens = 0
    const tab = openStore({ config: { getToken: () => `token ${++tokens}`, onAuthError: () => void tab.dispatch(tab.chat.actions.signOut()) } })
    for (let i = 0; i < 200; i++) tab.env.server.push('general', { userId: 'bob', content: 'x' })
    tab.connect()
    await tab.advance(1_000)
    tab.env.server.on(event, (_payload, _peer, reply) => reply({ success: false, error: { code: 'token_expired', message: 'over', retryable: false } }))
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
    tab.env.server.push('other', { userId: 'bob', content: 'x' })
    for (let i = 0; i < 20 && tab.connection().userId !== null; i++) {
      tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
      tab.env.server.push('general', { userId: 'bob', content: 'y' })
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'general' }))
      await tab.advance(1_000)
    }
    const types = tab.types()
    expect([tab.connection().userId, types.slice(types.lastIndexOf('chat/signOut') + 1), tab.env.timers]).toEqual([null, [], 0])
  })
})

it('a reducer within a reducer of Immer works, and its drafts are not frozen', async () => {
  const { environment, clock, server } = createTestEnvironment()
  const chat = createChat({ url: 'x', token: 't', environment })
  const reducer = createReducer({ chat: chat.reducer(undefined, { type: 'init' }), seen: 0 }, (builder) => builder.addDefaultCase((draft, action) => {
    draft.seen++
    draft.chat = chat.reducer(draft.chat as ChatState, action) as typeof draft.chat
  }))
  const store = configureStore({ reducer, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  store.dispatch(chat.actions.openChannel({ channelId: 'general' }))
  store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'x' }))
  await clock.advance(2_000)
  server.push('general', { userId: 'bob', content: 'y' })
  await clock.advance(2_000)
  expect(chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => `${content}:${status}`)).toEqual(['x:sent', 'y:sent'])
})

describe('an emit of the app', () => {
  const moved = createAction<{ readonly to?: { readonly x: number } }>('moved')

  it('whose args throw is told as an error, and not to whoever dispatched', async () => {
    const tab = openStore({ config: socketBindings<{}, { moved: (x: number) => void }>()({ emits: { moved: { action: moved, args: ({ to }) => [(to as { x: number }).x] } } }) })
    tab.connect()
    await tab.settle()
    expect(() => tab.dispatch(moved({}))).not.toThrow()
    expect(tab.errors()).toMatchObject([{ type: 'emit_failed', code: 'args_failed' }])
    tab.dispatch(moved({ to: { x: 1 } }))
    await tab.settle()
    expect(tab.env.server.received('moved').map(({ args }) => args)).toEqual([[1]])
  })

  it('that fails into itself is told, and may be dispatched again', async () => {
    const kept = moved({ to: { x: 1 } })
    const tab = openStore({ config: socketBindings<{}, { moved: (payload: { readonly to?: { readonly x: number } }) => void }>()({ emits: { moved: { action: moved, failed: () => kept } } }) })
    tab.dispatch(kept)
    expect(tab.errors()).toMatchObject([{ type: 'emit_failed', code: 'not_delivered' }])
    tab.connect()
    await tab.settle()
    tab.dispatch(kept)
    await tab.settle()
    expect(tab.env.server.received('moved').length).toBe(1)
  })
})
