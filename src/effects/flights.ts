import type { Clock } from '../environment'
import type { Target } from './outcomes'

/** An emit under way, as this tab knows it: times are monotonic, so no jump of the wall clock ends it. */
interface Flight {
  readonly target: Target
  readonly deadline: number
}

/** The emits that no answer has come to yet, in the order of their deadlines, because all have the same time. */
export function createFlights(clock: Clock, ackTimeoutMs: number) {
  const flights = new Map<string, Flight>()

  return {
    count: () => flights.size,
    /** Of one channel; those that an echo has settled count until their ack comes. */
    countIn(channelId: string | undefined): number {
      let count = 0
      for (const { target } of flights.values()) if (target.channelId === channelId) count++
      return count
    },
    start: (target: Target) => flights.set(target.id, { target, deadline: clock.monotonic() + ackTimeoutMs }),
    /** An answer, also a late one to an earlier attempt, which ends nothing. */
    end(target: Target): void {
      if (flights.get(target.id)?.target === target) flights.delete(target.id)
    },
    /** Infinity when nothing is under way. */
    firstDeadline: () => flights.values().next().value?.deadline ?? Infinity,
    /** Gives all at least this long from now. */
    prolong(ms: number): void {
      const earliest = clock.monotonic() + ms
      for (const [id, flight] of flights) flights.set(id, { ...flight, deadline: Math.max(flight.deadline, earliest) })
    },
    /** Ends those whose time is over, and tells of each. */
    expire(timedOut: (target: Target) => void): void {
      const now = clock.monotonic()
      for (const [id, { target, deadline }] of flights) {
        if (deadline > now) return
        flights.delete(id)
        timedOut(target)
      }
    },
    clear: () => flights.clear(),
  }
}
