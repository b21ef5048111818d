import type { Clock, Stop } from '../environment'

/** Timers that end together. */
export function createTimers(clock: Clock) {
  const running = new Set<Stop>()
  return {
    later(delayMs: number, task: () => void): Stop {
      const stop = clock.setTimer(delayMs, () => {
        running.delete(stop)
        task()
      })
      running.add(stop)
      return stop
    },
    stop(): void {
      for (const stop of running) stop()
      running.clear()
    },
  }
}
