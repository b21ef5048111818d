import type { Clock } from '../environment'
import type { Extra, OutboxEntry } from '../model'
import type { Target } from './outcomes'

/** An emit under way, as this tab knows it: times are monotonic, so no jump of the wall clock ends it. */
interface Flight {
  readonly target: Target
  readonly deadline: number
}

/** How often those in flight are looked at, when there may be no more: what an echo has settled waits for an ack that may never come. */
const SWEEP_MS = 100

/** The emits that no answer has come to yet, in the order of their deadlines, because all have the same time. */
export function createFlights(clock: Clock, ackTimeoutMs: number, limit: number) {
  const flights = new Map<string, Flight>()
  const counts = new Map<string, number>()
  /** Channels of which the last emit to end got no answer, also on the connection before. */
  const silent = new Set<string>()
  /** Messages that the server has refused on this connection. */
  const refused = new Set<string>()

  let sweepAt = -Infinity

  const isAtLimit = (): boolean => flights.size >= limit

  const countIn = (channelId: string): number => counts.get(channelId) ?? 0

  function remove({ id, channelId }: Target): void {
    flights.delete(id)
    const left = countIn(channelId) - 1
    if (left > 0) counts.set(channelId, left)
    else counts.delete(channelId)
  }

  function clear(): void {
    flights.clear()
    counts.clear()
    refused.clear()
  }

  return {
    /** No more may be in flight. */
    isAtLimit,
    /** Likewise, once those that do not count any more are left out. */
    isFull(counts: (target: Target) => boolean): boolean {
      if (!isAtLimit()) return false
      const now = clock.monotonic()
      if (now >= sweepAt) {
        sweepAt = now + SWEEP_MS
        for (const { target } of [...flights.values()]) if (!counts(target)) remove(target)
      }
      return isAtLimit()
    },
    isSilent: (channelId: string): boolean => silent.has(channelId),
    isRefused: <X extends Extra>({ message }: OutboxEntry<X>): boolean => refused.has(message.id),
    refuse: (id: string) => refused.add(id),
    forgive: (id: string) => refused.delete(id),
    /** How many more the silent channels may have in flight: half of all that may be. */
    roomForSilent: (counts: (target: Target) => boolean): number =>
      Math.max(0, Math.max(1, limit >> 1) - [...flights.values()].filter(({ target }) => silent.has(target.channelId) && counts(target)).length),
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
      silent.delete(target.channelId)
      if (flights.get(target.id)?.target === target) remove(target)
    },
    /** When a time is over, or it may be no longer full; Infinity when nothing is under way. */
    nextLook: (now: number) => Math.min(flights.values().next().value?.deadline ?? Infinity, isAtLimit() ? Math.max(sweepAt, now) : Infinity),
    /** Gives all at least this long from now. */
    prolong(ms: number): void {
      const earliest = clock.monotonic() + ms
      for (const [id, flight] of flights) flights.set(id, { ...flight, deadline: Math.max(flight.deadline, earliest) })
    },
    /** Ends those whose time is over, and tells of each; an echo that has settled one is an answer too. */
    expire(isSettled: (target: Target) => boolean, timedOut: (target: Target) => void): void {
      const now = clock.monotonic()
      for (const { target, deadline } of flights.values()) {
        if (deadline > now) return
        remove(target)
        if (isSettled(target)) silent.delete(target.channelId)
        else silent.add(target.channelId)
        timedOut(target)
      }
    },
    clear,
    /** Who comes next may be answered. */
    stop(): void {
      clear()
      silent.clear()
    },
  }
}
