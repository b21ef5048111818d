import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { createTestEnvironment } from 'redux-chat/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createIndexedDbStorage } from '../../src/persistence/indexed-db'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { openStore, type TestStore } from '../support/chat-store'

/* Key-value storage, as an app gives it, of which one key, all keys or one lock is refused for a while. */

const WITH_AND_WITHOUT_LOCKS = [['with locks', true], ['without locks, as in React Native', false]] as const

/** AsyncStorage, as its users know it. */
function createAsyncStorage() {
  const items = new Map<string, string>()
  let refuses: (key: string) => boolean = () => false
  let refusals = 0
  return {
    items,
    refusals: (): number => refusals,
    storage: {
      getItem: async (key: string) => {
        if (refuses(key)) {
          refusals++
          throw new Error('database is locked')
        }
        return items.get(key) ?? null
      },
      setItem: async (key: string, value: string) => { items.set(key, value) },
      removeItem: async (key: string) => { items.delete(key) },
    },
    refuseAll: (): void => { refuses = () => true },
    refuseWhere(text: string): void {
      const [wanted] = [...items].find(([, value]) => value.includes(text)) ?? expect.fail(`nothing stored has ${text}`)
      refuses = (key) => key === wanted
    },
    heal: (): void => { refuses = () => false },
  }
}

const worldOf = (hasLocks: boolean) => createTestEnvironment(hasLocks ? {} : { locks: null })

async function composeOffline(tab: TestStore, ...contents: readonly string[]): Promise<void> {
  tab.connect()
  await tab.advance(100)
  tab.env.network.cut()
  for (const content of contents) tab.send(content)
  await tab.advance(100)
}

afterEach(() => { vi.unstubAllGlobals() })

describe('refused keys', () => {
  it.each(WITH_AND_WITHOUT_LOCKS)('G1: a stored message that cannot be read for 5 s is sent once it can be, and leaves the device: %s', async (_, hasLocks) => {
    const device = createAsyncStorage()
    const env = worldOf(hasLocks)
    const before = openStore({ env, config: { storage: device.storage } })
    await composeOffline(before, 'one', 'two')
    expect(before.messages().map(({ stored }) => stored)).toEqual([true, true])
    device.refuseWhere('"two"')
    const after = openStore({ env: env.reload(), config: { storage: device.storage } })
    after.connect()
    await after.advance(5_000)
    expect(after.shown()).toEqual(['one:sent'])
    device.heal()
    await after.advance(120_000)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['one', 'two'])
    expect([...device.items.values()].filter((text) => text.includes('"two"'))).toEqual([])
  })

  it('G8: one that can never be read is told once, and asked for at times', async () => {
    const device = createAsyncStorage()
    const env = createTestEnvironment()
    const before = openStore({ env, config: { storage: device.storage } })
    await composeOffline(before, 'one')
    device.refuseWhere('"one"')
    const after = openStore({ env: env.reload(), config: { storage: device.storage } })
    after.connect()
    await after.advance(60_000)
    const first = device.refusals()
    await after.advance(3_600_000)
    // A look within each half minute, of a few reads.
    expect(device.refusals() - first).toBeGreaterThan(120)
    expect(device.refusals() - first).toBeLessThan(2_000)
    expect(after.errors().filter(({ code }) => code === 'records_unreadable').map(({ count }) => count ?? 1)).toEqual([1])
  })

  it.each(WITH_AND_WITHOUT_LOCKS)('G7: discardOutbox discards, also where the clock was set back since: %s', async (_, hasLocks) => {
    const env = worldOf(hasLocks)
    const alice = openStore({ env, config: { storage: createAsyncStorage().storage } })
    await composeOffline(alice, 'never mind')
    expect(alice.messages()[0]?.stored).toBe(true)
    env.clock.setWall(env.clock.now() - 1_000)
    alice.dispatch(alice.chat.actions.signOut({ discardOutbox: true }))
    await alice.advance(10_000)
    env.network.restore()
    alice.connect()
    await alice.advance(60_000)
    expect([alice.shown(), env.server.log('general')]).toEqual([[], []])
  })

  it('G1: a discard that stays open removes nothing that was composed after it, also where the clock was set back since', async () => {
    const device = createAsyncStorage()
    const env = createTestEnvironment()
    const alice = openStore({ env, config: { storage: device.storage } })
    await composeOffline(alice, 'old')
    device.refuseWhere('"old"')
    alice.dispatch(alice.chat.actions.signOut({ discardOutbox: true }))
    await alice.advance(1_000)
    env.clock.setWall(env.clock.now() - 3_600_000)
    alice.connect()
    await alice.advance(10_000)
    const id = alice.send('new')
    await alice.advance(1_000)
    expect(alice.messages().find((each) => each.id === id)?.stored).toBe(true)
    alice.dispatch(alice.chat.actions.signOut())
    await alice.advance(1_000)
    device.heal()
    env.network.restore()
    alice.connect()
    await alice.advance(60_000)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['new'])
  })

  it('G1: what was composed after a discard that stays open, and could not be stored before its user left, is there when they return', async () => {
    const device = createAsyncStorage()
    const env = createTestEnvironment()
    const tab = openStore({ env, config: { storage: device.storage } })
    const { signOut } = tab.chat.actions
    await composeOffline(tab, 'old')
    device.refuseAll()
    tab.dispatch(signOut({ discardOutbox: true }))
    await tab.advance(1_000)
    tab.connect('alice')
    await tab.advance(10_000)
    tab.send('new')
    await tab.advance(1_000)
    expect(tab.messages()[0]?.stored).toBe(false)
    tab.dispatch(signOut())
    tab.connect('bob')
    await tab.advance(1_000)
    tab.dispatch(signOut())
    tab.connect('alice')
    await tab.advance(100)
    device.heal()
    env.network.restore()
    await tab.advance(120_000)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['new'])
  })

  it('G2: who writes while a discard is refused owns what it writes', async () => {
    const device = createAsyncStorage()
    const env = createTestEnvironment()
    const alice = openStore({ env, config: { storage: device.storage, reconnection: { attempts: Infinity } } })
    alice.connect()
    await alice.advance(1_000)
    device.refuseAll()
    alice.dispatch(alice.chat.actions.signOut({ discardOutbox: true }))
    await alice.advance(1_000)
    alice.connect()
    await alice.advance(30_000)
    env.network.fault({ direction: 'ack', event: 'message:send', action: 'hold' })
    env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    device.heal()
    alice.send('one')
    await alice.advance(1)
    expect(alice.messages()[0]?.stored).toBe(true)
    const other = openStore({ env: env.openTab(), config: { storage: device.storage } })
    other.connect()
    await other.advance(500)
    expect(env.server.received('message:send')).toHaveLength(1)
  })

  it('G1: who composes while a discard is refused is known to the others, who take over what they leave', async () => {
    const device = createAsyncStorage()
    const env = createTestEnvironment()
    const one = openStore({ env, config: { storage: device.storage, reconnection: { attempts: Infinity } } })
    one.connect()
    await one.advance(1_000)
    const readable = { ...device.storage, getItem: async (key: string) => device.items.get(key) ?? null }
    const two = openStore({ env: env.openTab(), config: { storage: readable } })
    two.connect()
    await two.advance(1_000)
    env.network.cut()
    one.send('old')
    await one.advance(100)
    device.refuseWhere('"old"')
    one.dispatch(one.chat.actions.signOut({ discardOutbox: true }))
    await one.advance(20_000)
    one.connect()
    await one.advance(10_000)
    one.send('new')
    await one.advance(1_000)
    expect(one.messages().map(({ content, stored }) => [content, stored])).toEqual([['new', true]])
    one.env.kill()
    await two.advance(60_000)
    expect(env.server.log('general').map(({ content }) => content)).toContain('new')
  })

  it.each(WITH_AND_WITHOUT_LOCKS)('G1: what is shown and stored stays this tab\'s own while its key cannot be read: %s', async (_, hasLocks) => {
    const device = createAsyncStorage()
    const env = worldOf(hasLocks)
    const tab = openStore({ env, config: { storage: device.storage, reconnection: { attempts: Infinity } } })
    await composeOffline(tab, 'one', 'two')
    device.refuseWhere('"two"')
    env.lifecycle.resumed()
    await tab.advance(10_000)
    expect(tab.shown()).toEqual(['one:pending', 'two:pending'])
    device.heal()
    env.network.restore()
    await tab.advance(300_000)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['one', 'two'])
  })

  it.each(WITH_AND_WITHOUT_LOCKS)('G1: a discard that a slow device carries out later leaves what another tab has composed since: %s', async (_, hasLocks) => {
    const { items, storage } = createAsyncStorage()
    const env = worldOf(hasLocks)
    let held: (() => void)[] | null = null
    const slow = {
      ...storage,
      getItem: async (key: string) => {
        if (held) await new Promise<void>((resolve) => held?.push(resolve))
        return items.get(key) ?? null
      },
    }
    const one = openStore({ env, config: { storage: slow, reconnection: { attempts: Infinity } } })
    one.connect()
    await one.advance(1_000)
    const two = openStore({ env: env.openTab(), config: { storage } })
    two.connect()
    await two.advance(10_000)
    two.env.network.cut()
    const waiting: (() => void)[] = held = []
    one.dispatch(one.chat.actions.signOut({ discardOutbox: true }))
    await one.advance(500)
    two.send('later')
    await two.advance(200)
    expect(two.messages()[0]?.stored).toBe(true)
    held = null
    for (const go of waiting) go()
    await one.advance(10_000)
    two.env.kill()
    const three = openStore({ env: env.openTab(), config: { storage } })
    three.connect()
    await three.advance(60_000)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['later'])
  })

  it.each([['memory', false], ['IndexedDB', true]])('G1: a discard that %s refuses at first leaves what was stored since, also where its user has left', async (_, isIndexedDb) => {
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    const env = createTestEnvironment()
    const inner = isIndexedDb ? createIndexedDbStorage({ name: 'discards', factory: new IDBFactory() }) : env.storage('chat') ?? expect.fail('no storage')
    let refuses = false
    const refusing = async <T>(task: () => Promise<T>): Promise<T> => {
      if (refuses) throw new DOMException('no', 'UnknownError')
      return task()
    }
    const storage = (): RecordStorage => ({
      load: (...args) => refusing(() => inner.load(...args)), write: (...args) => refusing(() => inner.write(...args)),
      adopt: (...args) => refusing(() => inner.adopt(...args)), clear: (...args) => refusing(() => inner.clear(...args)), close: () => undefined,
    })
    const tab = openStore({ env, config: { environment: { storage } } })
    /** The fake of IndexedDB has timers of its own. */
    const until = (isDone: () => boolean): Promise<void> => vi.waitUntil(async () => {
      await tab.advance(1_000)
      return isDone()
    }, { interval: 1, timeout: 10_000 }).then(() => undefined)
    const isStored = (): boolean => tab.messages().length === 1 && tab.messages()[0]?.stored === true
    tab.connect()
    await until(() => tab.connection().status === 'connected')
    env.network.cut()
    tab.send('old')
    await until(isStored)
    refuses = true
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.advance(1_000)
    tab.connect()
    await tab.advance(120_000)
    refuses = false
    tab.send('new')
    await until(isStored)
    tab.dispatch(tab.chat.actions.signOut())
    await tab.advance(500)
    env.network.restore()
    tab.connect()
    await until(() => env.server.log('general').length > 0)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['new'])
  })

  it('G7: a lock that the browser refuses to one tab keeps no other from its storage', async () => {
    const { storage } = createAsyncStorage()
    const env = createTestEnvironment()
    const { locks } = env.environment
    if (!locks) return expect.fail('no locks')
    // As Web Locks do where a request rejects: nothing is held, and nobody is told.
    const refusing = { ...locks, hold: (name: string, granted?: () => void) => (name.includes('index') ? () => undefined : locks.hold(name, granted)) }
    const one = openStore({ env, config: { storage, environment: { locks: refusing } } })
    const two = openStore({ env: env.openTab(), config: { storage } })
    one.connect('alice')
    await one.advance(100)
    two.connect('bob')
    await two.advance(100)
    two.env.network.cut()
    two.send('keep me')
    await two.advance(60_000)
    expect(two.messages()[0]?.stored).toBe(true)
  })
})
