import type { Clock, Stop } from '../environment'

/** Timers that end together. */
export function createTimers(clock: Clock) {
  const running = new Set<Stop>()

  function later(delayMs: number, task: () => void): Stop {
    const stop = clock.setTimer(delayMs, () => {
      running.delete(stop)
      task()
    })
    running.add(stop)
    return stop
  }

  return {
    later,
    /** Over when the timers end, if not before. */
    pause: (delayMs: number): Promise<void> => new Promise((resolve) => {
      later(delayMs, () => {
        running.delete(resolve)
        resolve()
      })
      running.add(resolve)
    }),
    stop(): void {
      for (const stop of running) stop()
      running.clear()
    },
  }
}
