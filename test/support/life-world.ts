import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { openStore, type TestStore } from './chat-store'

export const USERS = ['alice', 'bob'] as const
export const CHANNELS = ['a', 'b'] as const

/** Longer than the device takes. */
export const READ_MS = 500

interface Composed { readonly id: string; readonly channelId: string; readonly userId: string; readonly page: number }
export interface Page { readonly env: TestEnvironment; readonly tab: TestStore; readonly number: number }

/** One device that takes its time, and pages on it, one after the other or two at once, whose users come and go. */
export function createLifeWorld(run: number) {
  const random = createSeededRandom(`lives ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const upTo = (count: number): number => Math.floor(random() * count)
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, capabilities: pick([['sync', 'ordered'], ['sync']]) })
  const inner = createMemoryStorage()
  const usual = { loadMs: pick([0, 0, 2, 40]), writeMs: pick([0, 0, 2, 20]) }
  const device = { ...usual, loaded: 0, calls: 0 }
  const after = async <T>(ms: number, task: () => Promise<T>): Promise<T> => {
    device.calls++
    if (ms > 0) await new Promise<void>((resolve) => { clock.setTimer(ms, resolve) })
    device.calls--
    return task()
  }
  const storage: RecordStorage = {
    load: async (userId) => {
      const result = await after(device.loadMs, () => inner.load(userId))
      device.loaded++
      return result
    },
    write: (change) => after(device.writeMs, () => inner.write(change)),
    adopt: (...args) => inner.adopt(...args), clear: (...args) => inner.clear(...args), close: () => undefined,
  }
  const composed: Composed[] = []
  const problems: string[] = []
  /** Composed before a page ran again, which has not looked since whether they are still its own. */
  const doubtful = new Set<string>()
  let doubtEnds = 0
  let pages = 0
  /** How often whoever sees stored messages come signs out at once, and comes back. */
  const moods = { restless: 0 }

  function watch({ tab }: Page): void {
    tab.store.subscribe(() => {
      const { type, payload } = tab.actions.at(-1) ?? { type: '' }
      if (type === 'chat/messageEmitted' && device.loaded < doubtEnds && doubtful.has((payload as Composed).id)) problems.push('sent before it was looked whether it is still this page\'s own')
      const userId = tab.connection().userId
      if (type !== 'chat/outboxRestored' || userId === null || random() >= moods.restless) return
      tab.dispatch(tab.chat.actions.signOut())
      tab.connect(userId)
    })
  }

  function open(env: TestEnvironment): Page {
    const page = { env, tab: openStore({ env, config: { delivery: { ackTimeoutMs: 1_000 }, reconnection: { attempts: 1_000 } } }), number: ++pages }
    watch(page)
    return page
  }

  /** Ids of the messages that are still stored. */
  const left = async (userId: string): Promise<readonly string[]> => (await inner.load(userId)).records.map(({ id }) => id)

  const firstEnv = createTestEnvironment({ seed: run, clock, server, storage: () => storage, latencyMs: { min: 0, max: pick([0, 20]) } })
  return {
    random, pick, upTo, clock, server, device, usual, moods, composed, problems, open,
    first: open(firstEnv),
    send({ tab, number }: Page, channelId = pick(CHANNELS)): void {
      const userId = tab.connection().userId ?? 'alice'
      const { payload } = tab.dispatch(tab.chat.actions.sendMessage({ channelId, content: `${composed.length}` }))
      composed.push({ id: payload.id, channelId, userId, page: number })
    },
    /** From now on until the next look has ended nothing of what is there is to be sent. */
    doubt(): void {
      doubtful.clear()
      for (const { id } of composed) doubtful.add(id)
      doubtEnds = device.loaded + 1
    },
    left,
    /** Until the device has nothing to do. */
    async idle(): Promise<void> {
      do await clock.advance(READ_MS)
      while (device.calls > 0)
    },
    /** Until nothing would be lost with a page. */
    async stored(): Promise<void> {
      const isKept = async (): Promise<boolean> => {
        const kept = new Set([...await left('alice'), ...await left('bob'), ...CHANNELS.flatMap((channelId) => server.log(channelId).map(({ id }) => id))])
        return composed.every(({ id }) => kept.has(id))
      }
      for (let waits = 0; waits < 100 && !(await isKept()); waits++) await clock.advance(READ_MS)
    },
  }
}

export type LifeWorld = ReturnType<typeof createLifeWorld>
