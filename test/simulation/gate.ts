import type { Environment } from '../../src/environment'
import type { TabLocks } from '../../src/persistence/tabs'
import type { RecordStorage } from '../../src/persistence/record-storage'

/** What reaches a page only while it runs: a frozen one finds it when it wakes. */
export interface Gate {
  run(task: () => void): void
  later<T>(promise: Promise<T>): Promise<T>
  readonly isFrozen: boolean
  freeze(): void
  /** `first` is the page's own news of it, before whatever waited. */
  thaw(first: () => void): void
}

export function createGate(): Gate {
  let isFrozen = false
  let backlog: (() => void)[] = []
  const run = (task: () => void): void => {
    if (isFrozen) backlog.push(task)
    else task()
  }
  return {
    run,
    later: (promise) => new Promise((resolve, reject) => {
      promise.then((value) => run(() => resolve(value)), (reason: unknown) => run(() => reject(reason)))
    }),
    get isFrozen() { return isFrozen },
    freeze: () => { isFrozen = true },
    thaw(first) {
      isFrozen = false
      const waiting = backlog
      backlog = []
      first()
      for (const task of waiting) run(task)
    },
  }
}

export interface PageFaults {
  /** Timers of a hidden page ring once a second at most. */
  readonly isHidden: () => boolean
  readonly wallOffset: () => number
  /** Told of each connection as it starts. */
  readonly onLink: (link: { timeOut(): void }) => void
}

const HIDDEN_TIMER_MS = 1_000

const gatedStorage = (gate: Gate, storage: RecordStorage | null): RecordStorage | null => storage && {
  load: (userId) => gate.later(storage.load(userId)),
  write: (change) => gate.later(storage.write(change)),
  adopt: (userId, from, tab, ids) => gate.later(storage.adopt(userId, from, tab, ids)),
  clear: (...args) => gate.later(storage.clear(...args)),
  close: () => storage.close(),
}

/** A page that is frozen holds its locks, unless the browser takes them away. */
export function createGatedLocks(gate: Gate, locks: TabLocks) {
  const held = new Set<() => void>()
  const gated: TabLocks = {
    hold(name, onGranted) {
      const stop = locks.hold(name, onGranted && (() => gate.run(() => { if (held.has(release)) onGranted() })))
      const release = (): void => {
        held.delete(release)
        stop()
      }
      held.add(release)
      return release
    },
    held: (names) => gate.later(locks.held(names)),
    during: (name, task) => locks.during(name, () => new Promise((resolve, reject) => {
      gate.run(() => void task().then(resolve, reject))
    })),
    meet(place, tab, met) {
      let isHere = true
      const leave = locks.meet(place, tab, (other) => gate.run(() => { if (isHere) met(other) }))
      return () => {
        isHere = false
        leave()
      }
    },
  }
  return { locks: gated, releaseAll: () => { for (const release of held) release() } }
}

/** An environment as a page with a life of its own sees it: everything that comes from outside waits while it is frozen. */
export function gated(environment: Environment, gate: Gate, locks: TabLocks | null, { isHidden, wallOffset, onLink }: PageFaults): Environment {
  const { clock, transport } = environment
  return {
    ...environment,
    locks,
    clock: {
      now: () => clock.now() + wallOffset(),
      monotonic: clock.monotonic,
      setTimer: (delayMs, task) => {
        let isStopped = false
        const stop = clock.setTimer(isHidden() ? Math.max(delayMs, HIDDEN_TIMER_MS) : delayMs, () => gate.run(() => { if (!isStopped) task() }))
        return () => {
          isStopped = true
          stop()
        }
      },
    },
    storage: (name) => gatedStorage(gate, environment.storage(name)),
    transport: {
      open(request, handlers) {
        let isClosed = false
        const connection = transport.open(request, {
          onOpen: () => gate.run(() => { if (!isClosed) handlers.onOpen() }),
          onEvent: (name, args) => gate.run(() => { if (!isClosed) handlers.onEvent(name, args) }),
          onClose: (event) => gate.run(() => { if (!isClosed) handlers.onClose(event) }),
        })
        onLink({
          timeOut: () => gate.run(() => {
            if (isClosed) return
            isClosed = true
            connection.close()
            handlers.onClose({ reason: 'ping_timeout', message: 'ping timeout' })
          }),
        })
        return {
          emit: (event, args, onAck) => connection.emit(event, args, onAck && ((response) => gate.run(() => { if (!isClosed) onAck(response) }))),
          close() {
            isClosed = true
            connection.close()
          },
        }
      },
    },
  }
}
