import { createManualClock, createMemoryLocks, createSeededRandom } from 'redux-chat/testing'
import type { OutboxEntry } from '../../src/model'
import { createOutboxPersistence } from '../../src/persistence/persist'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { failure, TAKEN_OVER } from '../../src/policy/outbox'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { entry, outbox, record } from '../persistence/support'
import { createGate, createGatedLocks } from '../simulation/gate'

export const USERS = ['alice', 'bob'] as const

/** `full`: what it holds can be read and removed, and nothing can be added or changed. `lies`: it happens, and is reported as failed. */
export type Mode = 'ok' | 'full' | 'denied' | 'failed' | 'lies' | 'hangs'

interface BrowserTab {
  readonly tabId: string
  user(): string
  /** It has served more than one sign-in. */
  hasChanged(): boolean
  entries(): readonly OutboxEntry[]
  /** What it shows, and may send. */
  owned(): readonly OutboxEntry[]
  look(): void
  leave(): void
  isOn(): boolean
  /** What is shown stays. */
  disconnect(): void
  connect(userId: string): void
  send(): void
  touch(id: string): void
  settle(id: string): void
  /** The browser takes its locks. What it still keeps for somebody who has left would be kept without any: it does nothing then. */
  loseLocks(): boolean
  kill(): void
}

/** One browser: a device, its locks, and what was ever composed in it. */
export function createBrowser(run: number) {
  const random = createSeededRandom(`tabs ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const clock = createManualClock()
  const locks = createMemoryLocks()
  const inner = createMemoryStorage()
  const device = { mode: 'ok' as Mode, isSlow: random() < 0.5 }
  const hung: (() => void)[] = []
  const tabs = new Map<string, BrowserTab>()
  /** Sent, or given up: none of these may come back. */
  const gone = new Set<string>()
  let lives = 0
  let composed = 0

  function deviceOf(isAlive: () => boolean): RecordStorage {
    const call = async <T>(task: () => Promise<T>, needsRoom = false): Promise<T> => {
      if (device.mode === 'hangs') await new Promise<void>((done) => { hung.push(done) })
      if (device.isSlow) await new Promise<void>((done) => { clock.setTimer(3, done) })
      if (!isAlive()) return new Promise(() => undefined)
      if (needsRoom && device.mode === 'full') throw new DOMException('full', 'QuotaExceededError')
      if (device.mode === 'denied') throw new DOMException('no', 'SecurityError')
      if (device.mode === 'failed') throw new Error('no')
      const isLie = device.mode === 'lies'
      const result = await task()
      if (isLie && isAlive()) throw new Error('who knows')
      return isAlive() ? result : new Promise(() => undefined)
    }
    return {
      load: (userId) => call(() => inner.load(userId)),
      write: (change) => call(() => inner.write(change), change.put.length + (change.update?.length ?? 0) > 0),
      adopt: (...args) => call(() => inner.adopt(...args), true),
      clear: (...args) => call(() => inner.clear(...args)),
      close: () => undefined,
    }
  }

  function open(slot: string): BrowserTab {
    const tab = createTab(`${slot}.${++lives}`)
    tabs.set(slot, tab)
    return tab
  }

  function createTab(tabId: string): BrowserTab {
    let isAlive = true
    let user = ''
    let isOn = false
    let visits = 0
    let now: readonly OutboxEntry[] = []
    const gatedLocks = createGatedLocks(createGate(), locks.forTab(tabId))
    const persistence = createOutboxPersistence<{}>({
      key: 'chat', storage: () => deviceOf(() => isAlive), locks: gatedLocks.locks, clock, random: () => 0.5, tabId,
      report: {
        stored: (ids) => mark(ids, true),
        unstored: (ids = now.map(({ message }) => message.id)) => mark(ids, false),
        failed: () => undefined,
        adopted: (userId, restored) => take(userId, restored.entries),
        lost: (ids) => lose(ids),
      },
    })
    const show = (entries: readonly OutboxEntry[]): void => {
      if (!isAlive) return
      now = entries
      persistence.update(outbox(now, user))
    }
    const change = (ids: readonly string[], how: (each: OutboxEntry) => OutboxEntry): void => {
      if (now.some(({ message }) => ids.includes(message.id))) show(now.map((each) => (ids.includes(each.message.id) ? how(each) : each)))
    }
    const mark = (ids: readonly string[], stored: boolean): void => change(ids, (each) => ({ ...each, stored }))
    /** As the outbox does: kept, and not sent any more. */
    const lose = (ids: readonly string[]): void =>
      change(ids, (each) => (each.failure ? each : { ...each, failure: failure(TAKEN_OVER, 'gone', true, 1) }))
    function take(userId: string, entries: readonly OutboxEntry[]): void {
      if (user !== userId) return
      const back = new Set(entries.map(({ message }) => message.id))
      const kept = now.filter((each) => !each.failure || !back.has(each.message.id))
      const known = new Set(kept.map(({ message }) => message.id))
      // What was sent meanwhile is settled as soon as it comes.
      const settled = entries.map(({ message }) => message.id).filter((id) => gone.has(id))
      if (settled.length > 0) persistence.forget(userId, settled)
      show([...entries.filter(({ message: { id } }) => !known.has(id) && !gone.has(id)), ...kept])
    }
    function look(): void {
      const [userId, visit] = [user, visits]
      if (isOn) persistence.restore(userId).then((restored) => {
        // An answer to an earlier sign-in says nothing.
        if (visits !== visit || user !== userId || !isOn) return
        lose(restored.lost)
        take(userId, restored.entries)
      }, () => undefined)
    }
    function leave(): void {
      if (user === '') return
      user = ''
      isOn = false
      show([])
      persistence.stop()
    }
    return {
      tabId, look, leave,
      isOn: () => isOn,
      disconnect(): void {
        if (isOn) persistence.stop()
        isOn = false
      },
      user: () => user,
      hasChanged: () => visits > 1,
      entries: () => now,
      owned: () => now.filter((each) => !each.failure),
      connect(userId: string): void {
        if (user === userId && isOn) return
        if (isOn) leave()
        const before = user
        user = userId
        isOn = true
        visits++
        if (before !== userId) now = []
        // As the engine does: who had disconnected is followed by somebody else without a sign-out.
        look()
        show(now)
      },
      send(): void {
        if (user !== '') show([...now, entry(`m${composed}`, ++composed, {}, { userId: user })])
      },
      touch: (id: string): void => change([id], (each) => ({ ...each, spent: each.spent + 1 })),
      settle: (id: string): void => { if (now.some(({ message }) => message.id === id)) show(now.filter(({ message }) => message.id !== id)) },
      loseLocks(): boolean {
        // One that has disconnected looks when it is back.
        if (visits === 1 && isOn) gatedLocks.releaseAll()
        return visits === 1 && isOn
      },
      kill(): void {
        isAlive = false
        locks.kill(tabId)
      },
    }
  }

  return {
    random, pick, clock, locks, device, tabs, gone, open,
    /** What a tab that has ended left behind. */
    leaveBehind: (count: number) => inner.write({ put: Array.from({ length: count }, (_, i) => record(`left${i}`, 'ended')), remove: [] }),
    idsOf: async (userId: string) => (await inner.load(userId)).records.map(({ id }) => id),
    become(mode: Mode): void {
      device.mode = mode
      if (mode !== 'hangs') for (const go of hung.splice(0)) go()
    },
    /**
     * Those that wait for the rest of their queue, which a full device refuses: their tab keeps them, though somebody else is there by now, or was.
     * And those that a tab has which disconnected while it took them over.
     */
    keptApart: async (userId: string) => (await inner.load(userId)).records.filter((each) => {
      const keeper = [...tabs.values()].find(({ tabId }) => tabId === locks.holders().get(`redux-chat:chat:tab:${each.tab}:${userId}`))
      return keeper && (keeper.user() === userId ? !keeper.isOn() || (device.mode === 'full' && keeper.hasChanged()) : device.mode === 'full')
    }).map(({ id }) => id),
    living: (userId: string) => [...tabs.values()].filter((tab) => tab.user() === userId),
  }
}

export type Browser = ReturnType<typeof createBrowser>
