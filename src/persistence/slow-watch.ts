import type { Clock, Stop } from '../environment'

/** A device that takes longer is told of while it does: all that follows waits for it. */
const SLOW_MS = 5_000

export function createSlowWatch(clock: Clock, tell: () => void) {
  let stop: Stop = () => undefined

  /** A timer much too late has slept with the page: the answer may be waiting to be heard. */
  function watch(): void {
    const late = clock.monotonic() + SLOW_MS * 1.5
    stop = clock.setTimer(SLOW_MS, () => (clock.monotonic() > late ? watch() : tell()))
  }

  return { watch, stop: (): void => stop() }
}
