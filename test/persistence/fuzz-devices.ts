import { createSeededRandom, type ManualClock } from 'redux-chat/testing'
import { createKeyValueStorage, type KeyValueStorage } from '../../src/persistence/key-value'
import type { RecordChange, RecordStorage } from '../../src/persistence/record-storage'
import { createBackend, record } from './support'

/** `lies`: it happens, and is reported as failed. `small`: only what is small has room. `full`: what it holds can be read and removed. `busy`: a read may be refused. */
export const MODES = ['ok', 'ok', 'quota', 'full', 'denied', 'failed', 'lies', 'small', 'small', 'hangs', 'busy'] as const
type Mode = (typeof MODES)[number]

/** What a tab that has ended left on the device. */
export const LEFT_BEHIND = ['e0', 'e1']

interface Call {
  readonly isRead?: boolean
  /** Needs room, and so much of it. */
  readonly size?: number
  readonly lies?: boolean
}

/** Calls that end as the mode says: that of the moment in which each happens. */
function createCalls(clock: ManualClock, isSlow: boolean, random: () => number) {
  const held: (() => void)[] = []
  let mode: Mode = 'ok'
  return {
    async call<T>(what: () => Promise<T> | T, { isRead = false, size = 0, lies = true }: Call): Promise<T> {
      if (mode === 'hangs') await new Promise<void>((done) => { held.push(done) })
      else if (isSlow) await new Promise<void>((done) => { clock.setTimer(1 + random() * 4, done) })
      if (mode === 'quota' || (mode === 'full' && size > 0) || (mode === 'small' && size > 1_000)) throw new DOMException('full', 'QuotaExceededError')
      if (mode === 'denied') throw new DOMException('no', 'SecurityError')
      if (mode === 'failed' || (mode === 'busy' && isRead && random() < 0.5)) throw new Error('no')
      const result = await what()
      if (lies && mode === 'lies') throw new Error('who knows')
      return result
    },
    release: () => held.shift()?.(),
    become(next: Mode): void {
      mode = next
      if (mode !== 'hangs') held.splice(0).forEach((go) => go())
    },
  }
}

const sizeOf = ({ put, update = [] }: RecordChange): number => Math.max(0, ...[...put, ...update].map((each) => JSON.stringify(each).length))

/** What `inner` shows, and what it holds. */
const looksOf = (inner: RecordStorage) => ({
  leaveBehind: () => inner.write({ put: LEFT_BEHIND.map((id) => record(id, 'ended')), remove: [] }),
  ids: async () => new Set((await inner.load('alice')).records.map(({ id }) => id)),
})

/** A device that refuses a whole change or nothing of it. */
export function createWhole(inner: RecordStorage, clock: ManualClock, isSlow: boolean, seed: number) {
  const { call, ...rest } = createCalls(clock, isSlow, createSeededRandom(seed))
  let inVain = false
  const storage: RecordStorage = {
    load: (userId) => call(() => inner.load(userId), { isRead: true }),
    write: (change) => call(() => inner.write(change), { size: sizeOf(change) }),
    adopt: (...args) => call(() => inner.adopt(...args), { size: 1 }),
    // One that clears and then says that it failed is a limit that the README names.
    clear(...args) {
      const isInVain = inVain
      inVain = false
      return call(() => (isInVain ? Promise.reject(new Error('busy')) : inner.clear(...args)), { lies: false })
    },
    close: () => undefined,
  }
  return {
    ...rest, ...looksOf(inner), storage,
    /** The next purge or discard fails, whatever else it takes. */
    refuseClear: (): void => { inVain = true },
  }
}

/** A storage of keys and texts that refuses each call by itself, also in the middle of a change. */
export function createByKey(clock: ManualClock, isSlow: boolean, seed: number) {
  const backend = createBackend()
  const { call, ...rest } = createCalls(clock, isSlow, createSeededRandom(seed))
  const storage: KeyValueStorage = {
    getItem: (key) => call(() => backend.getItem(key), { isRead: true }),
    setItem: (key, value) => call(() => backend.setItem(key, value), { size: value.length }),
    removeItem: (key) => call(() => backend.removeItem(key), {}),
  }
  return {
    ...rest, ...looksOf(createKeyValueStorage({ name: 'chat', storage: backend })), storage: createKeyValueStorage({ name: 'chat', storage }),
    refuseClear: (): void => rest.become('busy'),
  }
}

export type FuzzDevice = ReturnType<typeof createWhole>
