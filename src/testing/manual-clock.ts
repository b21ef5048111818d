import type { Clock, Stop } from '../environment'

/** A clock that moves only when told to. Time is in milliseconds throughout. */
export interface ManualClock extends Clock {
  /**
   * Moves both clocks forward by `ms` and fires the timers that come due, in order of time and then of creation, with
   * microtasks settled before, between and after. Rejects with what a timer throws.
   */
  advance(ms: number): Promise<void>
  /** Moves both clocks forward without firing anything, as a sleeping device does; what is overdue fires at the next `advance`. */
  sleep(ms: number): void
  /** Sets the wall clock, forwards or backwards; the monotonic clock and the timers stay as they are. */
  setWall(ms: number): void
  /** Settles every microtask, those that settling them creates included; time does not move. */
  flush(): Promise<void>
  /** Timers not yet fired. */
  readonly pending: number
  /** When the next timer fires, on the monotonic clock; null without one. */
  readonly nextDue: number | null
}

interface Timer {
  readonly due: number
  readonly task: () => void
}

/** 2026-01-01T00:00:00Z */
const DEFAULT_WALL_MS = 1_767_225_600_000

// One turn of the event loop runs only once no microtask is left. Bound at load, so fake timers installed later do not stop it.
const turn: (task: () => void) => unknown = typeof setImmediate === 'function' ? setImmediate : setTimeout
const nextTurn = turn.bind(globalThis)

export const settle = (): Promise<void> => new Promise((resolve) => nextTurn(resolve))

/** A manual clock; `now` is its first wall time (default 2026-01-01 UTC), the monotonic clock starts at 0. */
export function createManualClock(options: { readonly now?: number } = {}): ManualClock {
  const timers: Timer[] = []
  let monotonic = 0
  let offset = options.now ?? DEFAULT_WALL_MS

  const setTimer = (delayMs: number, task: () => void): Stop => {
    const timer: Timer = { due: monotonic + (delayMs > 0 ? delayMs : 0), task }
    timers.splice(placeAfter(timers, timer.due), 0, timer)
    return () => {
      const index = timers.indexOf(timer)
      if (index >= 0) timers.splice(index, 1)
    }
  }

  const takeDue = (limit: number): Timer | undefined => {
    const first = timers[0]
    if (first === undefined || first.due > limit) return undefined
    timers.shift()
    return first
  }

  const advance = async (ms: number): Promise<void> => {
    const target = monotonic + ms
    await settle()
    for (let timer = takeDue(target); timer !== undefined; timer = takeDue(target)) {
      monotonic = Math.max(monotonic, timer.due)
      timer.task()
      await settle()
    }
    monotonic = Math.max(monotonic, target)
    await settle()
  }

  return {
    now: () => offset + monotonic,
    monotonic: () => monotonic,
    setTimer,
    advance,
    sleep: (ms) => { monotonic += ms },
    setWall: (ms) => { offset = ms - monotonic },
    flush: settle,
    get pending() { return timers.length },
    get nextDue() { return timers[0]?.due ?? null },
  }
}

/** Where a timer due at `due` belongs: behind all that are due no later. */
function placeAfter(timers: readonly Timer[], due: number): number {
  let low = 0
  let high = timers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timers[middle]?.due ?? 0) <= due) low = middle + 1
    else high = middle
  }
  return low
}
