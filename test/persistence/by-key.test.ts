import { createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

/* AsyncStorage, localForage and their like: each call is a promise of its own, and may be refused by itself. */

type Fault = 'denied' | 'full' | 'busy'
const reasonOf: { readonly [fault in Fault]: () => Error } = {
  denied: () => new DOMException('the database connection is closing', 'InvalidStateError'),
  full: () => new Error('database or disk is full (code 13 SQLITE_FULL)'),
  busy: () => new Error('database is locked (code 5 SQLITE_BUSY)'),
}

const isRecord = (text: string | undefined): boolean => text?.includes('"data"') ?? false

function createAsyncStorage() {
  const items = new Map<string, string>()
  const device = {
    fault: null as Fault | null,
    /** After so many records more it is denied. */
    deniedAfter: Infinity,
    /** So many reads of the record that says "one" are refused. */
    busyReads: 0,
    records: () => [...items.values()].filter(isRecord),
    heal: (): void => void Object.assign(device, { fault: null, deniedAfter: Infinity }),
  }
  async function call<T>(what: Fault[], task: () => T): Promise<T> {
    await Promise.resolve()
    const { fault } = device
    if (fault && what.includes(fault)) throw reasonOf[fault]()
    return task()
  }
  const storage = {
    getItem: (key: string) => call(['denied'], () => {
      const text = items.get(key)
      if (device.busyReads > 0 && text?.includes('"one"')) {
        device.busyReads--
        throw reasonOf.busy()
      }
      return text ?? null
    }),
    setItem: (key: string, value: string) => call(['denied', 'full'], () => {
      items.set(key, value)
      if (isRecord(value) && --device.deniedAfter <= 0) device.fault = 'denied'
    }),
    removeItem: (key: string) => call(['denied'], () => void items.delete(key)),
  }
  return { device, storage }
}

type Device = ReturnType<typeof createAsyncStorage>

async function openWith({ storage }: Device, env = createTestEnvironment({ locks: null })) {
  const tab = openStore({ env, config: { storage } })
  tab.connect()
  await tab.advance(100)
  return tab
}
type Tab = Awaited<ReturnType<typeof openWith>>

const committed = ({ env }: Tab): readonly string[] => env.server.log('general').map(({ content }) => content)

describe('a key-value storage that is denied in the middle of a batch', () => {
  it('G1, G2: what the user discarded meanwhile does not come back, and is not sent', async () => {
    const made = createAsyncStorage()
    const before = await openWith(made)
    before.env.network.cut()
    made.device.deniedAfter = 1
    const ids = ['I regret this', 'and this'].map((content) => before.send(content))
    await before.advance(100)
    expect(before.messages().map(({ stored }) => stored)).toEqual([false, false])
    for (const id of ids) before.dispatch(before.chat.actions.discardMessage({ id }))
    await before.advance(10)
    made.device.heal()
    await before.advance(120_000)
    const after = await openWith(made, before.env.reload())
    await after.advance(10_000)
    expect([after.messages(), committed(after)]).toEqual([[], []])
  })

  it('G2: what was sent meanwhile leaves nothing behind', async () => {
    const made = createAsyncStorage()
    const tab = await openWith(made)
    made.device.deniedAfter = 1
    for (const content of ['first', 'second']) tab.send(content)
    await tab.advance(2_000)
    made.device.heal()
    await tab.advance(120_000)
    expect([tab.shown(), made.device.records()]).toEqual([['first:sent', 'second:sent'], []])
  })

  it('one that is denied from the start is told as that', async () => {
    const made = createAsyncStorage()
    const tab = await openWith(made)
    made.device.fault = 'denied'
    tab.send('hi')
    await tab.advance(10)
    expect(tab.errors().map(({ code }) => code)).toEqual(['storage_denied'])
  })
})

describe('where there are no locks, what an earlier life left and a full device did not let this one rename', () => {
  it('G1, G4: is written under its old name: what failed for good is not sent again by itself after the next start', async () => {
    const made = createAsyncStorage()
    const first = await openWith(made)
    const { env } = first
    env.network.cut()
    for (const text of ['forbidden', 'fine']) first.send(text)
    await first.advance(1_000)
    expect(first.messages().map(({ stored }) => stored)).toEqual([true, true])
    made.device.fault = 'full'
    env.server.rejectNext({ code: 'forbidden_word', retryable: false })
    const second = await openWith(made, env.reload())
    await second.advance(2_000)
    expect(second.shown()).toEqual(['fine:sent', 'forbidden:failed'])
    made.device.heal()
    await second.advance(600_000)
    const third = await openWith(made, second.env.reload())
    await third.advance(10_000)
    expect([third.shown(), committed(third)]).toEqual([['forbidden:failed'], ['fine']])
  })
})

describe('a key-value storage that refuses to read one key', () => {
  async function startAgain(busyReads: number): Promise<Tab> {
    const made = createAsyncStorage()
    const first = await openWith(made)
    first.env.network.cut()
    for (const text of ['one', 'two', 'three']) first.send(text)
    await first.advance(1_000)
    expect(first.messages().map(({ stored }) => stored)).toEqual([true, true, true])
    Object.assign(made.device, { busyReads })
    const second = await openWith(made, first.env.reload())
    await second.advance(60_000)
    return second
  }

  it.each([1, 8])('G1, G3: asks again, says nothing of it, and sends all in their order (refused %d times)', async (busyReads) => {
    const tab = await startAgain(busyReads)
    expect([tab.errors().map(({ code }) => code), committed(tab)]).toEqual([[], ['one', 'two', 'three']])
  })

  it('G7: sends the rest when that key cannot be read at all, and says so', async () => {
    const tab = await startAgain(Infinity)
    expect(committed(tab)).toEqual(['two', 'three'])
    expect(tab.errors().at(-1)?.message).toContain('unable to read 1 stored messages (refused)')
  })

  it('G3: lets nothing that is composed meanwhile overtake the rest', async () => {
    const made = createAsyncStorage()
    const first = await openWith(made)
    first.env.network.cut()
    for (const text of ['one', 'two', 'three']) first.send(text)
    await first.advance(1_000)
    made.device.busyReads = 5
    const second = await openWith(made, first.env.reload())
    second.send('new')
    await second.advance(60_000)
    expect(committed(second)).toEqual(['one', 'two', 'three', 'new'])
  })

  it('G1: a discard that it keeps open removes nothing that was composed since, in whichever tab', async () => {
    const made = createAsyncStorage()
    const first = await openWith(made, createTestEnvironment())
    first.env.network.cut()
    for (const text of ['one', 'two']) first.send(text)
    await first.advance(1_000)
    made.device.busyReads = Infinity
    const [env, beside] = [first.env.reload(), first.env.openTab()]
    const open = (where: TestEnvironment): Tab => openStore({ env: where, config: { storage: made.storage, reconnection: { attempts: Infinity } } })
    const [bob, other] = [open(env), open(beside)]
    bob.connect('bob')
    await bob.advance(20_000)
    bob.dispatch(bob.chat.actions.signOut({ discardOutbox: true }))
    await bob.advance(2_000)
    bob.connect('bob')
    beside.network.cut()
    other.connect('bob')
    await other.advance(30_000)
    other.send('later')
    for (let i = 0; i < 180; i++) {
      await other.advance(1_000)
      if (other.messages()[0]?.stored) expect(made.device.records().some((text) => text.includes('"later"'))).toBe(true)
    }
    expect(other.messages()[0]?.stored).toBe(true)
  })
})
