import fc from 'fast-check'
import { createManualClock, createMemoryLocks } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { OutboxEntry, ReadMark } from '../../src/model'
import { createOutboxPersistence } from '../../src/persistence/persist'
import type { RecordStorage } from '../../src/persistence/record-storage'
import type { RestoredOutbox } from '../../src/persistence/records'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { createDevice, entry, openTab, outbox } from './support'

/* Users who come and go in one tab, at any moment, on a device that may refuse to write, while another tab of one of them may live beside it. */

const RUNS = Number(process.env['VISITS_RUNS'] ?? 600)
const USERS = ['alice', 'bob', 'carol'] as const
type User = (typeof USERS)[number]
/** Longer than any pause of a retry, or in which a queue is left to whoever reloads. */
const REST_MS = 300_000

/** What the users of a device have sent and read that no server knows yet. */
const createTruth = () => new Map(USERS.map((userId) => [userId as string, { ids: new Set<string>(), marks: new Map<string, number>() }]))

/** One tab, and a state that follows as the engine and the reducers do. */
function createTab(isSlow: boolean, inner: RecordStorage) {
  const clock = createManualClock()
  const locks = createMemoryLocks()
  const truth = createTruth()
  let [user, isOn, looks, composed] = ['', false, 0, 1]
  let refuses = false
  let visits = 0
  /** Who has left this tab to somebody else, since somebody was last not here. */
  const leavers = new Set<string>()
  let now: readonly OutboxEntry[] = []
  let reads: { readonly [key: string]: ReadMark } = {}
  const wrong: string[] = []

  const slow = async <T>(task: () => Promise<T>, writes = false): Promise<T> => {
    if (isSlow) await new Promise<void>((done) => { clock.setTimer(3, done) })
    if (writes && refuses) throw new DOMException('no', 'SecurityError')
    return task()
  }
  const storage: RecordStorage = {
    load: (userId) => slow(() => inner.load(userId)),
    write: (change) => slow(() => inner.write(change), true),
    adopt: (...args) => slow(() => inner.adopt(...args), true),
    clear: (...args) => slow(() => inner.clear(...args), true),
    close: () => undefined,
  }
  const show = (entries: readonly OutboxEntry[], marks = reads): void => {
    [now, reads] = [entries, marks]
    persistence.update({ ...outbox(now, user, { ...reads }), lastOrder: composed })
  }
  function take(userId: string, restored: RestoredOutbox<{}>): void {
    if (user !== userId || !isOn) return
    wrong.push(...restored.entries.map(({ message }) => message.id).filter((id) => !truth.get(userId)?.ids.has(id)))
    const known = new Set(now.map(({ message }) => message.id))
    show([...restored.entries.filter(({ message }) => !known.has(message.id)), ...now], { ...restored.reads, ...reads })
  }
  const mark = (ids: readonly string[], stored: boolean): void => {
    if (now.some((each) => ids.includes(each.message.id) && each.stored !== stored)) show(now.map((each) => (ids.includes(each.message.id) ? { ...each, stored } : each)))
  }
  const persistence = createOutboxPersistence<{}>({
    key: 'chat', storage: () => storage, locks: locks.forTab('tab'), clock, random: () => 0.5, tabId: 'tab',
    report: {
      stored: (ids) => mark(ids, true),
      unstored: (ids = now.map(({ message }) => message.id)) => mark(ids, false),
      failed: () => undefined,
      adopted: take,
      lost: (ids) => void wrong.push(...ids),
    },
  })
  function look(): void {
    if (!isOn) return
    looks++
    const [userId, visit] = [user, visits]
    // An answer to an earlier sign-in says nothing.
    persistence.restore(userId).then((restored) => { if (visits === visit) take(userId, restored) }, () => undefined).finally(() => { looks-- })
  }
  /** The state is somebody else's before anything else is. */
  function become(next: string): void {
    const wasOn = isOn
    isOn = next !== ''
    // Whose queue was not read by the time of a disconnect had left then.
    if (isOn && user !== next && (wasOn || now.length > 0)) leavers.add(user)
    leavers.delete(next)
    if (!isOn) leavers.clear()
    if (next !== user) {
      user = next
      show([], {})
    }
    visits++
    if (wasOn || next === '') persistence.stop()
  }
  const mine = () => truth.get(user)

  const steps = {
    send(): void {
      if (user === '') return
      const id = `m${composed++}`
      mine()?.ids.add(id)
      show([...now, entry(id, composed, {}, { userId: user })])
    },
    settle(at: number): void {
      const settled = now[at]?.message.id
      if (settled === undefined) return
      mine()?.ids.delete(settled)
      show(now.filter(({ message }) => message.id !== settled))
    },
    read(at: number): void {
      if (user === '') return
      const key = `#room-${at % 2}`
      mine()?.marks.set(key, ++composed)
      show(now, { ...reads, [key]: { seq: composed } })
    },
    /** The server has the mark that is shown. */
    told(at: number): void {
      const key = `#room-${at % 2}`
      if (looks > 0 || !isOn || !(key in reads)) return
      mine()?.marks.delete(key)
      show(now, Object.fromEntries(Object.entries(reads).filter(([each]) => each !== key)))
    },
    connect(at: number): void {
      const next = USERS[at % USERS.length] ?? ''
      if (isOn && user === next) return
      become(next)
      look()
    },
    look,
    refuse: (): void => { refuses = true },
    allow: (): void => { refuses = false },
    disconnect(): void {
      if (!isOn) return
      isOn = false
      leavers.clear()
      persistence.stop()
    },
    signOut: (): void => become(''),
    /** Nothing of theirs is on the device any more. */
    discard(): void {
      const leaving = user
      become('')
      truth.get(leaving)?.ids.clear()
      truth.get(leaving)?.marks.clear()
      if (leaving !== '') persistence.discard(leaving, ++composed).catch(() => undefined)
    },
  }
  /** Whoever left to somebody else keeps the lock until the device has all: who takes a queue over gets all of it. */
  async function letGo(): Promise<readonly string[]> {
    const held = [...locks.holders()].filter(([, holder]) => holder === 'tab').map(([name]) => name)
    const without = [...leavers].filter((userId) => userId !== '' && !held.some((name) => name.endsWith(`:${userId}`)))
    const left = await Promise.all(without.map(async (userId) => {
      const { records } = await inner.load(userId)
      const ids = new Set(records.map(({ id }) => id))
      const isInParts = records.some(({ tab }) => tab.startsWith('tab'))
      return isInParts ? [...truth.get(userId)?.ids ?? []].filter((id) => !ids.has(id)) : []
    }))
    return left.flat()
  }
  return { steps, clock, locks, truth, wrong, letGo, user: () => user, isQuiet: () => !refuses && !isOn && now.length === 0 && Object.keys(reads).length === 0 }
}

type Tab = ReturnType<typeof createTab>
interface Step { readonly does: keyof Tab['steps'] | 'rest' | 'endNeighbour'; readonly at: number; readonly turns: number; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('send', 'send', 'settle', 'read', 'read', 'told', 'connect', 'connect', 'connect', 'look', 'disconnect', 'signOut', 'discard', 'rest', 'refuse', 'allow', 'endNeighbour'),
  at: fc.nat({ max: 5 }),
  /** How long until the next one. */
  turns: fc.constantFrom(0, 0, 0, 1, 2, 5, 30),
  ms: fc.constantFrom(0, 0, 0, 2, 5, 500, 8_000),
})

const stepOf = (does: Step['does'], at = 0, ms = 0, turns = 0): Step => ({ does, at, turns, ms })

/** What broke once, in one run of thousands. */
const PINNED: [Step[], boolean, User | null][] = [
  // What was being written counted as written.
  [[stepOf('connect', 0), stepOf('send', 0, 5), stepOf('refuse'), stepOf('send'), stepOf('connect', 1), stepOf('send', 0, 0, 5), stepOf('send', 0, 500)], false, null],
  // Who left before the first look had no lock.
  [[stepOf('connect', 1), stepOf('send'), stepOf('connect', 0), stepOf('send', 0, 5), stepOf('refuse'), stepOf('connect', 1), stepOf('send', 0, 0, 2), stepOf('connect', 0), stepOf('send', 0, 500)], false, null],
  [[stepOf('connect', 0), stepOf('send'), stepOf('signOut'), stepOf('send', 0, 500), stepOf('connect', 0), stepOf('send'), stepOf('connect', 1), stepOf('refuse'), stepOf('send', 0, 8_000)], false, null],
  // What an earlier sign-in of the same user was taking over came back after a discard.
  [[stepOf('connect', 0, 2), stepOf('endNeighbour', 0, 5), stepOf('discard'), stepOf('connect', 0), stepOf('read', 0, 500)], true, 'alice'],
  // What was sent while a discard was under way went with the next one, which a look asked for.
  [[stepOf('connect', 2), stepOf('discard'), stepOf('connect', 2), stepOf('send', 0, 2)], true, null],
]

/** Somebody of whom the other tab hears. */
async function openNeighbour(tab: Tab, inner: RecordStorage, userId: User): Promise<void> {
  const { restore, update, persistence } = openTab({ device: createDevice(inner), clock: tab.clock, locks: tab.locks, tabId: 'neighbour' })
  await restore(userId)
  update(outbox([entry('theirs', 1, {}, { userId })], userId))
  await persistence.flush()
}

describe('visits, by model', () => {
  it('G1, G7, G9: each user finds what they left, and nothing of anybody else; who has left waits for nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), fc.option(fc.constantFrom(...USERS)), async (steps, isSlow, neighbour) => {
      const inner = createMemoryStorage()
      const tab = createTab(isSlow, inner)
      const { clock, locks } = tab
      if (neighbour) await openNeighbour(tab, inner, neighbour)
      await clock.flush()
      let others = locks.size
      /** The other tab has ended, or what it had was discarded. */
      let hasLeft = false
      const endNeighbour = (): void => {
        locks.kill('neighbour')
        others = 0
        if (neighbour && !hasLeft) tab.truth.get(neighbour)?.ids.add('theirs')
        hasLeft = true
      }
      const rest = async (): Promise<void> => {
        await clock.advance(REST_MS)
        // What a device refuses to remove is tried again.
        if (tab.isQuiet()) expect([locks.size, clock.pending], 'locks and timers of nobody').toEqual([others, 0])
      }
      for (const { does, at, turns, ms } of steps) {
        if (does === 'discard' && tab.user() === neighbour) hasLeft = true
        if (does === 'rest') await rest()
        else if (does === 'endNeighbour') endNeighbour()
        else tab.steps[does](at)
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        if (ms > 0) await clock.advance(ms)
        if (ms > 5) expect(await tab.letGo(), 'the rest of a queue that anybody may take over').toEqual([])
      }
      tab.steps.allow()
      // What was refused is tried again as soon as somebody is here; what they wanted to be removed, when they are back.
      for (const at of USERS.keys()) {
        tab.steps.connect(at)
        await rest()
      }
      tab.steps.signOut()
      await rest()
      expect(tab.wrong).toEqual([])
      locks.kill('tab')
      // What was left to the neighbour comes from there.
      endNeighbour()
      const next = openTab({ device: createDevice(inner), clock, locks, tabId: 'next' })
      for (const [userId, { ids, marks }] of tab.truth) {
        const { entries, reads } = await next.restore(userId)
        expect([userId, entries.map(({ message }) => message.id).sort()]).toEqual([userId, [...ids].sort()])
        expect(new Map(Object.entries(reads).map(([key, each]) => [key, 'seq' in each ? each.seq : 0]))).toEqual(marks)
        next.stop()
        await clock.flush()
      }
    }), { numRuns: RUNS, examples: PINNED })
  }, 300_000)
})
