import type { Clock } from '../environment'

/** Requests under way at once, so that a client with thousands of channels does not flood the server. */
const MAX_REQUESTS = 4

/** A request that takes longer is late, unless the server takes that long for others too: for so many times what the last answer took. */
const LATE_MS = 2_000
const SLOWNESS = 4

/** Room for requests. What is late (after `longestMs` at most) holds up no other any longer; `freed` is told of that. */
export function createSlots(clock: Clock, longestMs: number, freed: () => void) {
  let running = 0
  let lateMs = Math.min(LATE_MS, longestMs)
  return {
    isBusy: (): boolean => running >= MAX_REQUESTS,
    /** The undo is returned: it is told whether an answer came. */
    occupy(): (isAnswered: boolean) => void {
      running++
      const startedAt = clock.monotonic()
      let isOver = false
      const release = (isAnswered: boolean): void => {
        if (isAnswered) lateMs = Math.min(Math.max(LATE_MS, SLOWNESS * (clock.monotonic() - startedAt)), longestMs)
        if (!isOver) running--
        isOver = true
        stopTimer()
      }
      const stopTimer = clock.setTimer(lateMs, () => {
        release(false)
        freed()
      })
      return release
    },
  }
}
