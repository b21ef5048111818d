import type { Clock, Environment, Stop } from '../environment'
import type { RecordStorage } from '../persistence/record-storage'
import { createManualClock, type ManualClock } from './manual-clock'
import { createManualLifecycle, type ManualLifecycle } from './manual-lifecycle'
import { createMemoryLocks, type MemoryLocks } from './memory-locks'
import { createMemoryServer } from './memory-server'
import type { MemoryServer } from './memory-server-types'
import { createMemoryStorage } from './memory-storage'
import { createMemoryTransport, type MemoryTransportOptions, type Network } from './memory-transport'
import { createSeededIds, createSeededRandom } from './seeded'

export interface TestEnvironmentOptions {
  /** Everything random follows from it and the tab's name; default 1. */
  readonly seed?: number | string
  /** The tab's name; default `tab-1`, `tab-2` ... per server. Two tabs of one name and seed would make the same ids. */
  readonly tab?: string
  /** Default: a new server on this environment's clock. */
  readonly server?: MemoryServer
  /** Default: a new manual clock. Tabs that share a server usually share it too. */
  readonly clock?: ManualClock
  /** Default: storage in memory, one per name; pass another environment's to see what it stored. Return null for a device without. */
  readonly storage?: (name: string) => RecordStorage | null
  /** Default: new locks; null where Web Locks do not exist. */
  readonly locks?: MemoryLocks | null
  readonly latencyMs?: NonNullable<MemoryTransportOptions['latencyMs']>
}

/** One simulated tab: an `Environment` for `createChat({ environment })`, and the controls of the world around it. */
export interface TestEnvironment {
  /** For `createChat({ environment })`. */
  readonly environment: Environment
  /** The tab's name. */
  readonly tab: string
  /** Time passes only with `await clock.advance(ms)`. */
  readonly clock: ManualClock
  /** The server that all tabs of this world talk to. */
  readonly server: MemoryServer
  /** Cuts, restores and faults of this tab's connection. */
  readonly network: Network
  /** Hides, freezes, resumes the page; takes it offline and online. */
  readonly lifecycle: ManualLifecycle
  /** Web Locks; null where there are none. */
  readonly locks: MemoryLocks | null
  /** What the tab's chats keep their records in, by name. */
  readonly storage: (name: string) => RecordStorage | null
  /** Timers of this tab that have not fired. */
  readonly timers: number
  /** Ends the tab as a crash does: timers, connections and locks are gone, pending storage calls never settle. */
  kill(): void
  /** Another tab of the same browser: same clock, server, storage, locks and seed, a network and lifecycle of its own. */
  openTab(options?: Pick<TestEnvironmentOptions, 'tab' | 'latencyMs'>): TestEnvironment
  /** `kill()` and `openTab()`. */
  reload(): TestEnvironment
}

const tabCounts = new WeakMap<MemoryServer, number>()

/** Creates a whole deterministic world for one tab. No real timer, randomness or I/O is in it. */
export function createTestEnvironment(options: TestEnvironmentOptions = {}): TestEnvironment {
  const { seed = 1, clock = createManualClock(), locks = createMemoryLocks(), storage = createStorages() } = options
  const server = options.server ?? createMemoryServer({ now: clock.now })
  const tab = options.tab ?? nextTabName(server)
  const random = createSeededRandom(`${seed}/${tab}/random`)
  const life = createTabLife(clock)
  const lifecycle = createManualLifecycle()
  const transport = createMemoryTransport(server, {
    clock: life.clock,
    random: createSeededRandom(`${seed}/${tab}/network`),
    ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }),
  })

  const environment: Environment = {
    clock: life.clock,
    random,
    id: createSeededIds(clock, createSeededRandom(`${seed}/${tab}/ids`)),
    transport,
    lifecycle,
    storage: (name) => life.guard(storage(name)),
    locks: locks?.forTab(tab) ?? null,
  }

  const kill = (): void => {
    life.end()
    transport.network.kill()
    locks?.kill(tab)
  }
  const openTab: TestEnvironment['openTab'] = (changes = {}) =>
    createTestEnvironment({ seed, clock, server, storage, locks, ...changes })

  return {
    environment, tab, clock, server, network: transport.network, lifecycle, locks, storage, kill, openTab,
    get timers() { return life.timers() },
    reload() {
      kill()
      return openTab()
    },
  }
}

function nextTabName(server: MemoryServer): string {
  const count = (tabCounts.get(server) ?? 0) + 1
  tabCounts.set(server, count)
  return `tab-${count}`
}

function createStorages(): (name: string) => RecordStorage {
  const storages = new Map<string, RecordStorage>()
  return (name) => {
    const storage = storages.get(name) ?? createMemoryStorage()
    storages.set(name, storage)
    return storage
  }
}

interface TabLife {
  readonly clock: Clock
  timers(): number
  /** The storage until the tab ends; `close()` closes this tab's handle only. */
  guard(storage: RecordStorage | null): RecordStorage | null
  end(): void
}

function createTabLife(clock: ManualClock): TabLife {
  const stops = new Set<Stop>()
  let isAlive = true

  const setTimer: Clock['setTimer'] = (delayMs, task) => {
    if (!isAlive) return () => {}
    const stopTimer = clock.setTimer(delayMs, () => {
      stops.delete(stop)
      task()
    })
    const stop = () => {
      stops.delete(stop)
      stopTimer()
    }
    stops.add(stop)
    return stop
  }

  // A dead tab neither starts a storage call nor learns how one ended.
  const whileAlive = <T>(call: () => Promise<T>): Promise<T> => {
    if (!isAlive) return new Promise(() => {})
    return new Promise((resolve, reject) => {
      call().then((value) => { if (isAlive) resolve(value) }, (error: unknown) => { if (isAlive) reject(error) })
    })
  }

  const guard = (storage: RecordStorage | null): RecordStorage | null => storage && {
    load: (userId) => whileAlive(() => storage.load(userId)),
    write: (change) => whileAlive(() => storage.write(change)),
    adopt: (userId, from, tab, ids) => whileAlive(() => storage.adopt(userId, from, tab, ids)),
    clear: (...args) => whileAlive(() => storage.clear(...args)),
    close: () => {},
  }

  return {
    clock: { now: clock.now, monotonic: clock.monotonic, setTimer },
    timers: () => stops.size,
    guard,
    end() {
      isAlive = false
      for (const stop of [...stops]) stop()
    },
  }
}
