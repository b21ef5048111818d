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
  const counts = new Map<string, number>()

  const countIn = (channelId: string): number => counts.get(channelId) ?? 0

  function remove({ id, channelId }: Target): void {
    flights.delete(id)
    const left = countIn(channelId) - 1
    if (left > 0) counts.set(channelId, left)
    else counts.delete(channelId)
  }

  return {
    count: () => flights.size,
    /** Of one channel; those that an echo has settled count until their ack comes. */
    countIn,
    start(target: Target): void {
      const earlier = flights.get(target.id)
      if (earlier) remove(earlier.target)
      flights.set(target.id, { target, deadline: clock.monotonic() + ackTimeoutMs })
      counts.set(target.channelId, countIn(target.channelId) + 1)
    },
    /** An answer, also a late one to an earlier attempt, which ends nothing. */
    end(target: Target): void {
      if (flights.get(target.id)?.target === target) remove(target)
    },
    /** Infinity when nothing is under way. */
    firstDeadline: () => flights.values().next().value?.deadline ?? Infinity,
    /** Ends those that do not count any more, whatever comes of them. */
    keep(counts: (target: Target) => boolean): void {
      for (const { target } of [...flights.values()]) if (!counts(target)) remove(target)
    },
    /** Gives all at least this long from now. */
    prolong(ms: number): void {
      const earliest = clock.monotonic() + ms
      for (const [id, flight] of flights) flights.set(id, { ...flight, deadline: Math.max(flight.deadline, earliest) })
    },
    /** Ends those whose time is over, and tells of each. */
    expire(timedOut: (target: Target) => void): void {
      const now = clock.monotonic()
      for (const { target, deadline } of flights.values()) {
        if (deadline > now) return
        remove(target)
        timedOut(target)
      }
    },
    clear(): void {
      flights.clear()
      counts.clear()
    },
  }
}
