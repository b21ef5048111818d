import type { Clock } from '../environment'
import type { Extra, OutboxEntry } from '../model'
import type { Target } from './outcomes'

/** An emit under way, as this tab knows it: times are monotonic, so no jump of the wall clock ends it. */
interface Flight {
  readonly target: Target
  readonly deadline: number
  /** Its number among all emits. */
  readonly nth: number
  readonly length: number
}

/** What is under way in one channel. */
interface Lane {
  count: number
  /** The last that was emitted of those that were answered, and when the last answer came. */
  answered: number
  answeredAt: number
}

/** How often those in flight are looked at, when there may be no more: what an echo has settled waits for an ack that may never come. */
const SWEEP_MS = 100

/**
 * Characters: as much as a hundred usual messages have. The answer to the server's heartbeat stands behind all that waits in the socket: on a slow link
 * (2G, 6 kB/s) the server would end a healthy connection for 20 s of it (Socket.IO's `pingTimeout`), and all of that would go once more.
 */
const MAX_LENGTH = 32_000

/**
 * The emits that no answer has come to yet, in the order in which their time is looked at; `limit` of them at most, and of long ones fewer. One that is
 * not under way any more (an echo has settled it) takes up no room, though its answer may be still to come.
 */
export function createFlights(clock: Clock, ackTimeoutMs: number, limit: number, isUnderWay: (target: Target) => boolean) {
  const flights = new Map<string, Flight>()
  const lanes = new Map<string, Lane>()
  let emits = 0
  /** Of all in flight. */
  let length = 0
  /** Channels of which the last emit to end got no answer, also on the connection before. */
  const silent = new Set<string>()
  /** Messages that the server has refused on this connection. */
  const refused = new Set<string>()

  let sweepAt = -Infinity

  const isAtLimit = (): boolean => flights.size >= limit || length >= MAX_LENGTH

  const countIn = (channelId: string): number => lanes.get(channelId)?.count ?? 0

  function remove({ id, channelId }: Target): void {
    length -= flights.get(id)?.length ?? 0
    flights.delete(id)
    const lane = lanes.get(channelId)
    if (lane && --lane.count === 0) lanes.delete(channelId)
  }

  /**
   * A server takes the messages of a channel one after the other: the time of each runs from the answer to the one before it. Else a slow one would get
   * all that waits there once more, and be slower still. One that was overtaken by an answer got none.
   */
  function deadlineOf({ target, deadline, nth }: Flight): number {
    const lane = lanes.get(target.channelId)
    return lane && lane.answered < nth ? lane.answeredAt + ackTimeoutMs : deadline
  }

  return {
    /** No more may be in flight. */
    isAtLimit,
    /** Likewise, once those that take up no room are left out. */
    isFull(): boolean {
      if (!isAtLimit()) return false
      const now = clock.monotonic()
      if (now >= sweepAt) {
        sweepAt = now + SWEEP_MS
        for (const { target } of [...flights.values()]) if (!isUnderWay(target)) remove(target)
      }
      return isAtLimit()
    },
    isSilent: (channelId: string): boolean => silent.has(channelId),
    isRefused: <X extends Extra>({ message }: OutboxEntry<X>): boolean => refused.has(message.id),
    refuse: (id: string) => refused.add(id),
    forgive: (id: string) => refused.delete(id),
    /** How many more the silent channels may have in flight: half of all that may be. */
    roomForSilent: (): number =>
      Math.max(0, Math.max(1, limit >> 1) - [...flights.values()].filter(({ target }) => silent.has(target.channelId) && isUnderWay(target)).length),
    /** Of one channel; those that an echo has settled count until their ack comes. */
    countIn,
    /** `characters`: the length of what is sent. */
    start(target: Target, characters: number): void {
      const earlier = flights.get(target.id)
      if (earlier) remove(earlier.target)
      flights.set(target.id, { target, deadline: clock.monotonic() + ackTimeoutMs, nth: ++emits, length: characters })
      length += characters
      const lane = lanes.get(target.channelId)
      if (lane) lane.count++
      else lanes.set(target.channelId, { count: 1, answered: 0, answeredAt: -Infinity })
    },
    /** An answer, also a late one to an earlier attempt, which ends nothing. */
    end(target: Target): void {
      silent.delete(target.channelId)
      const flight = flights.get(target.id)
      const lane = lanes.get(target.channelId)
      if (lane) lane.answeredAt = clock.monotonic()
      if (!lane || flight?.target !== target) return
      lane.answered = Math.max(lane.answered, flight.nth)
      remove(target)
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
      let isPutOff = false
      for (const [id, flight] of flights) {
        if (flight.deadline > now) break
        const { target } = flight
        const deadline = deadlineOf(flight)
        if (deadline > now) {
          flights.set(id, { ...flight, deadline })
          isPutOff = true
          continue
        }
        remove(target)
        if (isSettled(target)) silent.delete(target.channelId)
        else silent.add(target.channelId)
        timedOut(target)
      }
      // What was put off may end before what began later in another channel.
      if (!isPutOff) return
      const sorted = [...flights].sort(([, a], [, b]) => a.deadline - b.deadline)
      flights.clear()
      for (const [id, flight] of sorted) flights.set(id, flight)
    },
    /** The connection is gone. */
    clear(): void {
      flights.clear()
      length = 0
      lanes.clear()
      refused.clear()
    },
    /** Who comes next may be answered. */
    stop: (): void => silent.clear(),
  }
}
