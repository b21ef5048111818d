import fc from 'fast-check'
import { createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { openStore, type TestStore } from '../support/chat-store'
import { contents, createDevice, openTab, record } from './support'

/* What a look at the storage, a sign-out and the end of another tab leave behind: nothing. Each case failed once. */

/** The storage of one environment, whose looks end when and as the test says. */
function createLooks(env: TestEnvironment) {
  const refusals: (() => void)[] = []
  const looks = { refusals, waits: false }
  const storage = (): RecordStorage | null => {
    const inner = env.storage('chat')
    return inner && {
      ...inner,
      load: (userId) => (looks.waits
        ? new Promise((_, reject) => { refusals.push(() => reject(new Error('refused'))) })
        : inner.load(userId)),
    }
  }
  return { looks, config: { environment: { storage } } }
}

const leave = {
  disconnect: (tab: TestStore) => tab.dispatch(tab.chat.actions.disconnect()),
  signOut: (tab: TestStore) => tab.dispatch(tab.chat.actions.signOut()),
}

describe('a look that is refused', () => {
  it.each(['disconnect', 'signOut'] as const)('G9: leaves no timer when it ends after a %s', async (how) => {
    const env = createTestEnvironment()
    const { looks, config } = createLooks(env)
    looks.waits = true
    const tab = openStore({ env, config })
    tab.connect()
    await tab.settle()
    leave[how](tab)
    await tab.settle()
    expect(looks.refusals).toHaveLength(1)
    looks.refusals[0]?.()
    await tab.settle()
    expect([env.timers, env.locks?.size, tab.errors()]).toEqual([0, 0, []])
  })

  it('G8: is followed by one timer, however often the page wakes', async () => {
    const env = createTestEnvironment()
    const { looks, config } = createLooks(env)
    const tab = openStore({ env, config })
    tab.connect()
    await tab.advance(10_000)
    looks.waits = true
    const timers: number[] = []
    for (let i = 0; i < 20; i++) {
      env.lifecycle.resumed()
      await tab.settle()
      looks.refusals.shift()?.()
      await tab.settle()
      timers.push(env.timers)
    }
    expect(new Set(timers)).toEqual(new Set([timers[0]]))
    leave.disconnect(tab)
    await tab.settle()
    expect(env.timers).toBe(0)
  })
})

/** Somebody with a history, a failed and a pending message, a read mark and an error. */
async function openBusy(env: TestEnvironment) {
  const tab = openStore({ env })
  env.server.push('general', { userId: 'carol', content: 'secret of carol' })
  tab.connect('alice')
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
  await tab.advance(1_000)
  env.server.rejectNext({ code: 'nope', message: 'secret reason' })
  tab.send('secret failure')
  await tab.advance(100)
  env.network.cut()
  await tab.settle()
  tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
  tab.send('secret plan')
  await tab.settle()
  return tab
}

describe('after a sign-out', () => {
  it.each([undefined, true])('G7: no slice holds anything of the former user (discardOutbox: %s)', async (discardOutbox) => {
    const env = createTestEnvironment()
    const tab = await openBusy(env)
    expect([tab.messages().length, tab.errors().length > 0, tab.chat.metrics.getSnapshot().queue]).toMatchObject([3, true, { depth: 1, failed: 1 }])
    tab.dispatch(tab.chat.actions.signOut(discardOutbox === undefined ? {} : { discardOutbox }))
    const check = (): void => {
      const { outbox, errors } = tab.store.getState().chat
      expect(JSON.stringify(tab.store.getState())).not.toMatch(/secret|alice|carol/)
      expect([tab.messages(), errors, outbox.channels, outbox.reads]).toEqual([[], [], [], {}])
      expect(tab.connection()).toMatchObject({ status: 'idle', userId: null, attempt: 0, nextRetryAt: null, lastConnectedAt: null, reason: 'signed_out' })
      expect(tab.chat.metrics.getSnapshot().queue).toEqual({ depth: 0, failed: 0, oldestAgeMs: 0 })
    }
    check()
    await tab.advance(60_000)
    check()
    expect([env.timers, env.locks?.size]).toEqual([0, 0])
  })
})

describe('the end of another tab', () => {
  it('G1: what a tab that reloads has left is spared, also where another one ended just before it', async () => {
    const device = createDevice()
    const { locks, clock, restore, adopted } = openTab({ device, tabId: 'heir' })
    for (const tab of ['one', 'two']) locks?.forTab(tab).hold(`redux-chat:chat:tab:${tab}:alice`)
    await device.inner.write({ put: [record('of one', 'one'), record('of two', 'two')], remove: [] })
    await restore('alice')
    await clock.advance(10_000)
    locks?.kill('one')
    await clock.advance(4_900)
    locks?.kill('two')
    await clock.advance(200)
    expect(adopted.flatMap(contents)).toEqual(['of one'])
    await clock.advance(5_000)
    expect(adopted.flatMap(contents)).toEqual(['of one', 'of two'])
  })

  it('G1, G7, G8: each that ends is noticed, also where nobody hears of tabs, and what it left is taken over once, whoever is stopped while they take over from others', async () => {
    const end = fc.record({ at: fc.nat({ max: 5 }), ms: fc.constantFrom(0, 500, 3_000, 20_000) })
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(end, { maxLength: 6 }), fc.uniqueArray(fc.nat({ max: 5 }), { maxLength: 2 }), async (count, ends, stopped) => {
      const device = createDevice()
      const { locks, clock, restore, adopted } = openTab({ device, tabId: 'heir' })
      for (const at of stopped) void locks?.forTab('stopped').during(`redux-chat:chat:adopt:other-${at}`, () => new Promise<void>(() => undefined))
      const others = Array.from({ length: count }, (_, i) => `other-${i}`)
      for (const tab of others) locks?.forTab(tab).hold(`redux-chat:chat:tab:${tab}:alice`)
      await device.inner.write({ put: others.map((tab) => record(`of ${tab}`, tab)), remove: [] })
      expect(contents(await restore('alice'))).toEqual([])
      for (const { at, ms } of ends) {
        locks?.kill(`other-${at}`)
        await clock.advance(ms)
      }
      await clock.advance(20_000)
      const ended = new Set(ends.filter(({ at }) => at < count && !stopped.includes(at)).map(({ at }) => `of other-${at}`))
      expect(adopted.flatMap(contents).sort()).toEqual([...ended].sort())
    }), { numRuns: Number(process.env['LOOKS_RUNS'] ?? 30) })
  })

  it('G1, G9: a device that refuses to show what it left says so once, and shows it later', async () => {
    const device = createDevice()
    const { locks, clock, restore, adopted, failed } = openTab({ device, tabId: 'heir' })
    locks?.forTab('other').hold('redux-chat:chat:tab:other:alice')
    await device.inner.write({ put: [record('of the other', 'other')], remove: [] })
    await restore('alice')
    await clock.advance(10_000)
    device.refuses = 'NotReadableError'
    locks?.kill('other')
    await clock.advance(60_000)
    expect([failed.map(({ code }) => code), adopted]).toEqual([['storage_failed'], []])
    device.refuses = null
    await clock.advance(60_000)
    expect([failed.length, adopted.flatMap(contents)]).toEqual([1, ['of the other']])
  })

  it('G8: is waited for with one lock request, and taken over with one, however often the page wakes', async () => {
    const device = createDevice()
    const tab = openTab({ device, tabId: 'heir' })
    const { locks, clock, restore } = tab
    const elsewhere = locks?.forTab('living')
    elsewhere?.hold('redux-chat:chat:tab:living:alice')
    await device.inner.write({ put: [record('a', 'living'), record('b', 'dead')], remove: [] })
    let go = (): void => undefined
    void locks?.forTab('frozen').during('redux-chat:chat:adopt:dead', () => new Promise<void>((resolve) => { go = resolve }))
    await clock.flush()
    const before = locks?.size ?? 0
    const looks = [restore('alice')]
    await clock.flush()
    const first = locks?.size ?? 0
    for (let i = 0; i < 50; i++) {
      looks.push(restore('alice'))
      await clock.advance(1_000)
    }
    // Its own two, its meeting place, the living tab's end, and the dead one's messages.
    expect([first - before, (locks?.size ?? 0) - before]).toEqual([5, 5])
    expect((await Promise.all(looks)).flatMap(contents)).toEqual([])
    go()
    await clock.flush()
    await clock.advance(100)
    expect(tab.adopted.flatMap(contents)).toEqual(['b'])
    tab.stop()
    locks?.kill('living')
    await clock.flush()
    expect([clock.pending, [...locks?.holders().keys() ?? []].filter((name) => name.includes('adopt'))]).toEqual([0, []])
  })
})
