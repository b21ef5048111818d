import { FLUSH, PERSIST, PURGE } from 'redux-persist'
import { createManualClock, createMemoryLocks, createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { RecordStorage } from '../../src/persistence/record-storage'
import type { TabLocks } from '../../src/persistence/tabs'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { openStore } from '../support/chat-store'
import { contents, createDevice, entry, openTab, outbox, record } from './support'

/* A device, or a lock manager, that refuses or does not answer. Each case failed once. */

const full = async (): Promise<never> => { throw new DOMException('full', 'QuotaExceededError') }

/** A tab over a device that does some things in its own way. */
function openOver(env: TestEnvironment, change: (inner: RecordStorage) => Partial<RecordStorage>) {
  const inner = env.storage('chat')
  if (!inner) throw new Error('the environment has no storage')
  return openStore({ env, config: { environment: { storage: () => ({ ...inner, ...change(inner) }) } } })
}

/** Leaves messages on the device, in a page without a network. */
async function fill(messages: readonly string[]) {
  const env = createTestEnvironment()
  const tab = openStore({ env })
  tab.connect()
  await tab.settle()
  env.network.cut()
  for (const content of messages) tab.send(content)
  await tab.settle()
  expect(tab.messages().every(({ stored }) => stored)).toBe(true)
  return env
}

/** The same, in a page that has ended. */
const leaveBehind = async (...messages: readonly string[]) => (await fill(messages)).reload()

const left = async (env: TestEnvironment) => (await env.storage('chat')?.load('alice'))?.records.length
const received = (env: TestEnvironment) => env.server.received('message:send').map(({ payload }) => (payload as { readonly content: string }).content)

describe('a device that can be read and takes no writes', () => {
  it.each([
    ['is full', 'QuotaExceededError'], ['denies', 'SecurityError'], ['fails', 'UnknownError'],
  ])('G1: what an earlier life stored is shown and sent once, in order (%s)', async (_, name) => {
    const env = await leaveBehind('one', 'two')
    const refuse = async (): Promise<never> => { throw new DOMException('no', name) }
    const tab = openOver(env, () => ({ write: refuse, adopt: refuse, clear: refuse }))
    tab.connect()
    await tab.advance(600_000)
    expect([tab.shown(), received(env)]).toEqual([['one:sent', 'two:sent'], ['one', 'two']])
    expect(tab.errors().map(({ type }) => type)).toContain('storage_error')
  })

  it('G1: but for removals: what was sent is gone for the next life', async () => {
    const env = await leaveBehind('one', 'two')
    const tab = openOver(env, (inner) => ({ adopt: full, write: (change) => (change.put.length + (change.update?.length ?? 0) > 0 ? full() : inner.write(change)) }))
    tab.connect()
    await tab.advance(60_000)
    expect([tab.shown(), await left(env)]).toEqual([['one:sent', 'two:sent'], 0])
  })

  it('G1: for a while: edits are kept under the name that the record has', async () => {
    const env = await leaveBehind('one')
    let isFull = true
    const tab = openOver(env, (inner) => ({ adopt: (...args) => (isFull ? full() : inner.adopt(...args)), write: (change) => (isFull ? full() : inner.write(change)) }))
    const refuse = env.server.rejectWhile(() => ({ code: 'unavailable', retryable: true, retryAfterMs: 1_000 }))
    tab.connect()
    await tab.advance(2_000)
    isFull = false
    await tab.advance(20_000)
    expect([tab.shown(), tab.messages()[0]?.stored]).toEqual([['one:pending'], true])
    refuse()
    await tab.advance(60_000)
    expect([tab.shown(), await left(env)]).toEqual([['one:sent'], 0])
  })

  it('G2: another tab leaves them to the one that has them, until it ends', async () => {
    const env = await leaveBehind('one')
    env.network.cut()
    const first = openOver(env, () => ({ write: full, adopt: full }))
    first.connect()
    await first.advance(10_000)
    const second = openStore({ env: env.openTab() })
    second.env.network.cut()
    second.connect()
    await second.advance(10_000)
    expect([first.shown(), second.shown()]).toEqual([['one:pending'], []])
    env.kill()
    await second.advance(10_000)
    expect(second.shown()).toEqual(['one:pending'])
    second.env.network.restore()
    second.connect()
    await second.advance(60_000)
    expect([second.shown(), received(env)]).toEqual([['one:sent'], ['one']])
  })

  it('G1: of two tabs that open at once, the other takes over when the one that stood in ends', async () => {
    const { inner } = createDevice()
    await inner.write({ put: [record('m', 'dead')], remove: [] })
    let isFull = true
    const device = createDevice({ ...inner, adopt: (...args) => (isFull ? full() : inner.adopt(...args)) })
    const shared = { device, clock: createManualClock(), locks: createMemoryLocks() }
    const [one, two] = [openTab({ ...shared, tabId: 'one' }), openTab({ ...shared, tabId: 'two' })]
    expect((await Promise.all([one.restore('alice'), two.restore('alice')])).map(contents)).toEqual([['m'], []])
    await shared.clock.advance(20_000)
    isFull = false
    one.kill()
    await shared.clock.advance(20_000)
    expect(two.adopted.flatMap(contents)).toEqual(['m'])
  })

  it('G7, G9: leaves no lock at the sign-out, and shows them again to their user only', async () => {
    const env = await leaveBehind('one')
    env.network.cut()
    const tab = openOver(env, () => ({ write: full, adopt: full }))
    for (const [userId, shown] of [['alice', ['one:pending']], ['bob', []], ['alice', ['one:pending']]] as const) {
      tab.connect(userId)
      await tab.advance(10_000)
      expect([userId, tab.shown()]).toEqual([userId, shown])
    }
    tab.dispatch(tab.chat.actions.signOut())
    await tab.advance(1_000)
    expect([env.locks?.size, env.timers]).toEqual([0, 0])
  })

  it('G9: that says so after the sign-out leaves no lock', async () => {
    const env = await leaveBehind('one')
    env.network.cut()
    let refuse: (reason: unknown) => void = () => undefined
    const tab = openOver(env, () => ({ adopt: () => new Promise((_, reject) => { refuse = reject }) }))
    tab.connect()
    await tab.advance(100)
    tab.dispatch(tab.chat.actions.signOut())
    await tab.settle()
    refuse(new DOMException('full', 'QuotaExceededError'))
    await tab.advance(1_000)
    expect([env.locks?.size, env.timers, tab.shown()]).toEqual([0, 0, []])
  })

  it('G9: whose records are still being read at the sign-out leaves no lock, and waits for none', async () => {
    const env = await leaveBehind('one')
    env.network.cut()
    let isRefused = false
    let go = (): void => undefined
    const tab = openOver(env, (inner) => ({
      write: full,
      adopt: () => { isRefused = true; return full() },
      load: async (userId) => {
        if (isRefused) await new Promise<void>((resolve) => { go = resolve })
        return inner.load(userId)
      },
    }))
    tab.connect()
    await tab.advance(100)
    expect(isRefused).toBe(true)
    tab.dispatch(tab.chat.actions.signOut())
    await tab.settle()
    // Meanwhile somebody else keeps them: a lock that is asked for now would be waited for without end.
    const [ended = ''] = (await env.storage('chat')?.load('alice'))?.records.map((each) => each.tab) ?? []
    const release = env.locks?.forTab('another').hold(`redux-chat:chat:tab:${ended}:alice`)
    go()
    await tab.advance(1_000)
    expect([env.locks?.size, env.timers, tab.shown()]).toEqual([1, 0, []])
    release?.()
  })
})

describe('a browser that lets tabs not hear of each other', () => {
  // Vitest fails a run in which a rejection is left alone.
  it('G1, G7: keeps nothing from being stored and sent', async () => {
    const env = createTestEnvironment()
    const { locks } = env.environment
    if (!locks) throw new Error('the environment has no locks')
    const tab = openStore({ env, config: { environment: { locks: { ...locks, meet: () => { throw new DOMException('no', 'SecurityError') } } } } })
    tab.connect()
    await tab.settle()
    env.network.cut()
    tab.send('a')
    await tab.settle()
    expect(tab.messages().map(({ stored }) => stored)).toEqual([true])
    env.network.restore()
    await tab.advance(60_000)
    expect(tab.shown()).toEqual(['a:sent'])
  })

  it('G1: nor from being read by a page that has lost its locks', async () => {
    const locks = createMemoryLocks()
    const mute = { ...locks, forTab: (name: string) => ({ ...locks.forTab(name), meet: () => { throw new DOMException('no', 'SecurityError') } }) }
    const { restore, loseLocks, device } = openTab({ locks: mute })
    await restore('alice')
    await device.inner.write({ put: [record('a', 'tab')], remove: [] })
    loseLocks()
    expect(contents(await restore('alice'))).toEqual(['a'])
  })
})

describe('a tab that crashes while it takes a long queue over', () => {
  it('G3: two others do not share out what it leaves', async () => {
    const wanted = Array.from({ length: 120 }, (_, i) => `m${i}`)
    const env = await fill(wanted)
    const [heir, next] = [env.openTab(), env.openTab()]
    heir.network.cut()
    next.network.cut()
    // The device has done what it was asked for last.
    const amid = openOver(heir, (inner) => ({ async adopt(...args) {
      await inner.adopt(...args)
      heir.kill()
      return new Promise(() => undefined)
    } }))
    amid.connect()
    await amid.settle()
    const two = openStore({ env: next })
    two.connect()
    await two.advance(10_000)
    env.kill()
    await two.advance(6_000)
    const three = openStore({ env: env.openTab() })
    three.connect()
    await three.advance(100)
    next.network.restore()
    two.connect()
    await two.advance(60_000)
    expect(received(env)).toEqual(wanted)
  })
})

describe('a storage that tells with no name why it refuses', () => {
  it('G7: a value that is too large for it keeps no other from being stored', async () => {
    const env = createTestEnvironment()
    const items = new Map<string, string>()
    const tab = openStore({ env, config: { storage: {
      getItem: async (key) => items.get(key) ?? null,
      async setItem(key, value) {
        if (value.length > 2_048) throw new Error('the value is too large')
        items.set(key, value)
      },
      removeItem: async (key) => items.delete(key),
    } } })
    tab.connect()
    await tab.settle()
    env.network.cut()
    for (const content of ['a', 'large'.repeat(1_000), 'b']) tab.send(content)
    await tab.advance(1_000)
    tab.send('c')
    await tab.settle()
    expect(tab.messages().map(({ stored }) => stored)).toEqual([true, false, true, true])
  })

  it('G2: what it has written all the same is removed with its message', async () => {
    const { inner } = createDevice()
    const device = createDevice({ ...inner, async write(change) {
      const answer = await inner.write(change)
      if (change.put.some(({ id }) => id === 'a') || change.update?.some(({ id }) => id === 'a')) throw new Error('no')
      return answer
    } })
    const tab = openTab({ device })
    await tab.restore('alice')
    tab.update(outbox([entry('a'), entry('b', 2)]))
    await tab.clock.flush()
    expect(tab.stored).toEqual(['b'])
    tab.update(outbox([entry('b', 2)]))
    await tab.clock.flush()
    expect(await device.ids()).toEqual(['b'])
  })
})

describe('a look', () => {
  it('G9: that is refused after the sign-out leaves no timer', async () => {
    const env = createTestEnvironment()
    const rejects: ((reason: Error) => void)[] = []
    let looks = 0
    const tab = openOver(env, () => ({ load: () => (looks++ === 0 ? Promise.reject(new Error('no')) : new Promise((_, reject) => { rejects.push(reject) })) }))
    tab.connect()
    await tab.advance(60_000)
    expect(rejects).toHaveLength(1)
    tab.dispatch(tab.chat.actions.signOut())
    await tab.settle()
    rejects[0]?.(new Error('late'))
    await tab.settle()
    expect([env.timers, tab.errors()]).toEqual([0, []])
  })

  it('G9: that has to discard first, and whose user leaves meanwhile, claims no lock', async () => {
    const env = createTestEnvironment()
    let clear: RecordStorage['clear'] = full
    const tab = openOver(env, () => ({ clear: () => clear() }))
    tab.connect()
    await tab.settle()
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.settle()
    let go = (): void => undefined
    clear = () => new Promise((resolve) => { go = resolve })
    tab.connect()
    await tab.settle()
    tab.dispatch(tab.chat.actions.signOut())
    await tab.settle()
    go()
    await tab.settle()
    expect([env.locks?.size, env.timers]).toEqual([0, 0])
  })

  it('G9: that was asked for right before the disconnect opens no storage', async () => {
    const { restore, persistence, device, clock, locks } = openTab()
    await restore('alice')
    void restore('alice').catch(() => undefined)
    await Promise.resolve()
    persistence.stop()
    device.hangs = true
    await clock.flush()
    expect([device.opened - device.closed, clock.pending, locks?.size]).toEqual([0, 0, 0])
  })

  it.each([['with', true], ['without', false]])('G9: that comes to an end after the sign-out tries nothing again of what was refused (%s locks)', async (_, hasLocks) => {
    const { restore, update, stop, device, clock, locks } = openTab({ locks: hasLocks ? createMemoryLocks() : null })
    await restore('alice')
    device.refuses = 'SecurityError'
    update(outbox([entry('a')]))
    void restore('alice').catch(() => undefined)
    update(outbox([], ''))
    stop()
    await clock.advance(600_000)
    expect([device.opened - device.closed, clock.pending, locks?.size ?? 0]).toEqual([0, 0, 0])
  })

  it('G9: what is queued and settled between a disconnect and the next connect leaves no storage open', async () => {
    const { restore, persistence, update, device, clock } = openTab()
    await restore('alice')
    persistence.stop()
    await clock.flush()
    update(outbox([entry('a')]))
    await clock.flush()
    update(outbox([]))
    await clock.flush()
    expect(device.opened).toBe(device.closed)
  })

  it('G1: after a freeze over a storage that does not answer any more holds the queue for half a minute at most', async () => {
    const env = createTestEnvironment()
    let hangs = false
    const never = () => new Promise<never>(() => undefined)
    const tab = openOver(env, (inner) => ({ load: (userId) => (hangs ? never() : inner.load(userId)), write: (change) => (hangs ? never() : inner.write(change)) }))
    tab.connect()
    await tab.settle()
    env.network.cut()
    await tab.settle()
    tab.send('before')
    await tab.advance(500)
    hangs = true
    env.network.restore()
    env.lifecycle.resumed()
    await tab.advance(1_000)
    tab.send('after')
    await tab.advance(35_000)
    expect(tab.shown()).toEqual(['before:sent', 'after:sent'])
  })
})

describe('a discard that is refused', () => {
  it('G1, G2: what was sent after it counts as stored all the time, and when it is settled comes back in no other life', async () => {
    const { update, restore, discard, flush, device, clock, purged } = openTab()
    const a = entry('a')
    device.refuses = 'SecurityError'
    await expect(discard('alice', 0)).rejects.toThrow('no')
    await expect(restore('alice')).rejects.toThrow('no')
    device.refuses = null
    update(outbox([a]))
    await flush()
    update(outbox([{ ...a, stored: true }]))
    // The next look tries to discard again, and in vain.
    device.refuses = 'SecurityError'
    await clock.advance(1_000)
    expect(purged.mock.calls.flat(2)).not.toContain('a')
    update(outbox([]))
    device.refuses = null
    await flush()
    expect(await device.ids()).toEqual([])
  })
})

describe('records that must not be touched', () => {
  it("G1: one user's keep no other user from keeping theirs", async () => {
    const tab = openTab()
    await tab.device.inner.write({ put: [record('read:#general', 'gone', 'alice', { version: 9 })], remove: [] })
    await tab.restore('alice')
    tab.update(outbox([], ''))
    tab.persistence.stop()
    tab.update(outbox([], 'bob'))
    await tab.restore('bob')
    tab.update(outbox([], 'bob', { '#general': { seq: 3 } }))
    await tab.clock.flush()
    expect(await tab.device.ids('bob')).toEqual(['read:#general'])
  })

  it('G1: are gone with a purge: what comes after it is kept', async () => {
    const tab = openTab()
    await tab.device.inner.write({ put: [record('read:#general', 'gone', 'alice', { version: 9 })], remove: [] })
    await tab.restore('alice')
    tab.handle({ type: 'persist/PURGE', result: () => undefined })
    await tab.clock.flush()
    tab.update(outbox([], 'alice', { '#general': { seq: 3 } }))
    await tab.clock.flush()
    expect(await tab.device.ids()).toEqual(['read:#general'])
  })

  it('G2: one that broke under a living tab and was written again is removed when it is sent', async () => {
    const { inner } = createDevice()
    let isBroken = false
    const device = createDevice({ ...inner, load: async (userId) => {
      const found = await inner.load(userId)
      return isBroken ? { records: found.records.filter(({ id }) => id !== 'a'), unreadable: [{ id: 'a', reason: 'corrupt' as const }] } : found
    } })
    const tab = openTab({ device })
    await tab.restore('alice')
    const a = entry('a')
    tab.update(outbox([a]))
    await tab.clock.flush()
    tab.update(outbox([{ ...a, stored: true }]))
    isBroken = true
    tab.purged.mockImplementation(() => tab.update(outbox([a])))
    await tab.restore('alice')
    await tab.clock.flush()
    isBroken = false
    tab.update(outbox([]))
    await tab.clock.flush()
    expect(await device.ids()).toEqual([])
  })
})

describe('locks', () => {
  it('G1: that are refused keep nobody from what an earlier life stored', async () => {
    const denied = () => Promise.reject(new DOMException('denied', 'SecurityError'))
    const refusing: TabLocks = { hold: () => () => undefined, held: denied, during: denied, meet: () => () => undefined }
    const env = await leaveBehind('m')
    const tab = openStore({ env, config: { environment: { locks: refusing } } })
    tab.connect()
    await tab.advance(60_000)
    expect(tab.shown()).toEqual(['m:sent'])
  })

  it("G1: that hold up the look of one user do not hold up the next user's", async () => {
    const clock = createManualClock()
    const locks = createMemoryLocks()
    const device = createDevice()
    await device.inner.write({ put: [record('a', 'dead1'), record('b', 'dead2', 'bob')], remove: [] })
    void locks.forTab('frozen').during('redux-chat:chat:adopt:dead1', () => new Promise(() => undefined))
    await clock.flush()
    const tab = openTab({ device, clock, locks, tabId: 'two' })
    void tab.restore('alice').catch(() => undefined)
    await clock.flush()
    tab.persistence.stop()
    const found: string[] = []
    void tab.restore('bob').then((restored) => found.push(...contents(restored)))
    await clock.advance(60_000)
    expect(found).toEqual(['b'])
  })
})

describe('redux-persist', () => {
  it.each([FLUSH, PURGE, PERSIST])('G9: after the sign-out leaves no storage open (%s)', async (type) => {
    const [clock, locks, device] = [createManualClock(), createMemoryLocks(), createDevice()]
    const tab = openTab({ clock, locks, device })
    await tab.restore('alice')
    device.refuses = 'SecurityError'
    tab.update(outbox([entry('a')]))
    tab.update(outbox([], ''))
    tab.stop()
    await clock.advance(1_000)
    expect(device.opened - device.closed).toBe(0)
    device.refuses = null
    tab.handle({ type, result: () => undefined })
    await clock.advance(1_000)
    expect([device.opened, device.opened - device.closed]).toEqual([2, 0])
  })

  it('G1: a purge between a take-over and its news leaves nothing that counts as stored', async () => {
    const [clock, device, memory] = [createManualClock(), createDevice(), createMemoryLocks()]
    // A lock manager answers a moment later, as between processes.
    const late = (tab: string): TabLocks => ({ ...memory.forTab(tab), during: async (name, task) => {
      const result = await memory.forTab(tab).during(name, task)
      await new Promise<void>((done) => { clock.setTimer(2, done) })
      return result
    } })
    const [left, tab] = [openTab({ clock, device, locks: memory, tabId: 'left' }), openTab({ clock, device, locks: { ...memory, forTab: late } })]
    await left.restore('alice')
    left.update(outbox([entry('m')]))
    await left.flush()
    void tab.restore('alice')
    await clock.advance(10_000)
    left.kill()
    await clock.advance(5_000)
    tab.handle({ type: PURGE, result: () => undefined })
    await clock.advance(60_000)
    expect([tab.adopted.flatMap(contents), await device.ids()]).toEqual([[], []])
  })
})

describe('who has left to somebody else', () => {
  it('G9: is waited for no more when what could not be written is settled', async () => {
    const [clock, locks, device] = [createManualClock(), createMemoryLocks(), createDevice()]
    const one = openTab({ clock, locks, device })
    await one.restore('alice')
    device.refuses = 'SecurityError'
    one.update(outbox([entry('a')]))
    const come = (userId: string): void => {
      one.update(outbox([], userId))
      one.stop()
      void one.restore(userId).catch(() => undefined)
    }
    come('bob')
    await clock.flush()
    come('alice')
    await clock.flush()
    one.update(outbox([entry('a')]))
    one.update(outbox([]))
    device.refuses = null
    await clock.advance(300_000)
    expect([...locks.holders().keys()].filter((name) => name.endsWith(':bob'))).toEqual([])
  })
})

describe('a long queue of an ended tab whose heir leaves in the middle of taking it over', () => {
  const wanted = Array.from({ length: 250 }, (_, i) => `m${i}`)

  /** Tab one is moving all of it, and its user signs out. */
  async function leaveAmid() {
    const inner = createMemoryStorage()
    await inner.write({ put: wanted.map((id, i) => record(id, 'ended', 'alice', { data: { message: entry(id).message, order: i } })), remove: [] })
    const [clock, locks, moves] = [createManualClock(), createMemoryLocks(), [] as (() => void)[]]
    const device = createDevice({ ...inner, adopt: async (...args) => {
      await new Promise<void>((resolve) => { moves.push(resolve) })
      return inner.adopt(...args)
    } })
    const go = async () => {
      for (let i = 0; i < 10; i++) {
        moves.shift()?.()
        await clock.advance(10_000)
      }
    }
    const [one, two] = [openTab({ clock, locks, device, tabId: 'one' }), openTab({ clock, locks, device, tabId: 'two' })]
    void one.restore('alice').catch(() => undefined)
    await clock.flush()
    expect(moves).toHaveLength(1)
    one.update(outbox([], ''))
    one.stop()
    return { clock, locks, device, moves, one, two, go }
  }

  it("G3: all of it is the next tab's", async () => {
    const { clock, one, two, go } = await leaveAmid()
    const found = two.restore('alice')
    await clock.flush()
    await go()
    one.update(outbox([], 'alice'))
    const back = await one.restore('alice')
    expect([contents(back), [...contents(await found), ...two.adopted.flatMap(contents)]]).toEqual([[], wanted])
  })

  it('G3, G1: all of it is theirs when they are back at once', async () => {
    const { clock, one, two, go } = await leaveAmid()
    one.update(outbox([], 'alice'))
    const back = one.restore('alice')
    const found = two.restore('alice')
    await clock.flush()
    await go()
    expect([contents(await back), contents(await found), two.adopted]).toEqual([wanted, [], []])
  })

  it('G9: leaves no lock, timer or storage when it is done', async () => {
    const { clock, locks, device, go } = await leaveAmid()
    await go()
    expect([locks.size, clock.pending, device.opened - device.closed]).toEqual([0, 0, 0])
  })
})

describe('who comes back while another tab stands in for them', () => {
  /** Alice leaves tab one while nothing can be moved, tab two stands in, and alice is back on tab one. */
  async function comeBack() {
    const inner = createMemoryStorage()
    const [clock, locks] = [createManualClock(), createMemoryLocks()]
    let isFull = false
    const device = createDevice({ ...inner, adopt: (...args) => (isFull ? full() : inner.adopt(...args)) })
    const [one, two] = [openTab({ clock, locks, device, tabId: 'one' }), openTab({ clock, locks, device, tabId: 'two' })]
    await one.restore('alice')
    await two.restore('alice')
    await clock.advance(10_000)
    one.update(outbox([entry('m')]))
    await clock.flush()
    isFull = true
    one.update(outbox([], ''))
    one.stop()
    await clock.advance(10_000)
    expect(two.adopted.flatMap(contents)).toEqual(['m'])
    two.update(outbox([entry('m', 1, { stored: true })]))
    isFull = false
    one.update(outbox([], 'alice'))
    return { clock, one, two, back: await one.restore('alice') }
  }

  it('G2: shares nothing of it', async () => {
    const { back } = await comeBack()
    expect(contents(back)).toEqual([])
  })

  it('G1: and what they write from then on is taken over when that tab ends', async () => {
    const { clock, one, two } = await comeBack()
    one.update(outbox([entry('n', 2)]))
    await clock.flush()
    expect(one.stored).toContain('n')
    one.kill()
    await clock.advance(60_000)
    expect(two.adopted.flatMap(contents)).toContain('n')
  })

  it('G2: shares nothing of what they write before the next connect either', async () => {
    const inner = createMemoryStorage()
    const [clock, locks, device] = [createManualClock(), createMemoryLocks(), createDevice({ ...inner, adopt: full })]
    const [one, two] = [openTab({ clock, locks, device, tabId: 'one' }), openTab({ clock, locks, device, tabId: 'two' })]
    await one.restore('alice')
    await two.restore('alice')
    one.update(outbox([entry('m')]))
    one.stop()
    one.update(outbox([]))
    await clock.advance(10_000)
    one.update(outbox([entry('n', 2)]))
    await clock.flush()
    expect([one.stored.includes('n'), contents(await two.restore('alice'))]).toEqual([true, []])
  })
})

describe('who goes on under another name', () => {
  it('G2: finds nothing of what was settled while the device refused to remove it', async () => {
    const { restore, update, stop, flush, device, clock } = openTab()
    await restore('alice')
    update(outbox([entry('m')]))
    await flush()
    const { write } = device.inner
    device.inner.write = full
    update(outbox([]))
    stop()
    await clock.flush()
    update(outbox([entry('n', 2)]))
    expect(contents(await restore('alice'))).toEqual([])
    device.inner.write = write
    await clock.advance(60_000)
    expect(await device.ids()).toEqual(['n'])
  })
})

describe('who was back, and gone again before the stored queue was read', () => {
  it('G1: leaves what the device takes only later to the other tab', async () => {
    const inner = createMemoryStorage()
    let isFull = true
    const device = createDevice({ ...inner, write: (change) => (isFull ? full() : inner.write(change)) })
    const [clock, locks] = [createManualClock(), createMemoryLocks()]
    const [one, two] = [openTab({ clock, locks, device, tabId: 'one' }), openTab({ clock, locks, device, tabId: 'two' })]
    await one.restore('alice')
    await two.restore('alice')
    one.update(outbox([entry('m')]))
    one.update(outbox([], 'bob'))
    one.stop()
    await clock.flush()
    one.update(outbox([]))
    void one.restore('alice').catch(() => undefined)
    one.stop()
    await clock.advance(10_000)
    isFull = false
    await one.flush()
    await clock.advance(60_000)
    expect(two.adopted.flatMap(contents)).toContain('m')
  })
})

describe('who disconnects before the lock manager has answered', () => {
  it('G9, G2: keeps what is shown, also what was written by then', async () => {
    const [clock, device, memory] = [createManualClock(), createDevice(), createMemoryLocks()]
    const slow = { ...memory, forTab: (tab: string): TabLocks => ({ ...memory.forTab(tab), held: () => new Promise(() => undefined) }) }
    const one = openTab({ clock, device, locks: slow, tabId: 'one' })
    void one.restore('alice')
    one.update(outbox([entry('m')]))
    await clock.flush()
    expect(one.stored).toEqual(['m'])
    one.stop()
    const two = openTab({ clock, device, locks: memory, tabId: 'two' })
    expect(contents(await two.restore('alice'))).toEqual([])
  })
})
