import type { Clock, Stop } from '../environment'

/** One timer, for the earliest of the moments (monotonic) that it was set for. One that rings too early only makes its owner look again. */
export function createAlarm(clock: Clock, ring: (moment: number) => void) {
  let setFor = Infinity
  let stopTimer: Stop = () => undefined

  function drop(): void {
    stopTimer()
    setFor = Infinity
  }

  return {
    drop,
    set(moment: number): void {
      if (moment >= setFor) return
      stopTimer()
      setFor = moment
      stopTimer = clock.setTimer(Math.max(0, moment - clock.monotonic()), () => {
        setFor = Infinity
        ring(moment)
      })
    },
  }
}
