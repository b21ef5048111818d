import type { Clock, Stop } from '../environment'

/** Requests under way at once, so that a client with thousands of channels does not flood the server. */
const MAX_REQUESTS = 4

/** Room for requests. What is late (`lateMs`) holds up no other any longer; `freed` is told of that. */
export function createSlots(clock: Clock, lateMs: number, freed: () => void) {
  let running = 0
  return {
    isBusy: (): boolean => running >= MAX_REQUESTS,
    /** The undo is returned. */
    occupy(): Stop {
      running++
      let isOver = false
      const release = (): void => {
        if (!isOver) running--
        isOver = true
        stopTimer()
      }
      const stopTimer = clock.setTimer(lateMs, () => {
        release()
        freed()
      })
      return release
    },
  }
}
