import type { Stop } from '../environment'
import type { Extra, OutboxEntry } from '../model'
import { due, failure, findEntry, nextWakeAt, SUSPECT_LOSSES, TAKEN_OVER, type Queue } from '../policy/outbox'
import { refusal } from '../state/outbox'
import { createOutcomes, type Target } from './outcomes'
import type { Renewal } from './renewal'
import type { Runtime } from './runtime'

/** A timer this late has slept with the machine: what it waited for may be waiting to be read. */
const LATE_TIMER_MS = 2_000

/** How many settled ids may linger before the outbox is looked through. */
const PRUNE_SLACK = 200

const TAKEN_OVER_TEXT = 'unable to say whether the message was sent: another tab took it over while this one was frozen; if it does not appear, retry it, or discard it'

/** An emit under way, as this tab knows it: times are monotonic, so no jump of the wall clock ends it. */
interface Flight { readonly target: Target; readonly deadline: number }

/** Makes what the outbox says true: emits what is due, and lets leases run out. Safe to call at any time, any number of times. */
export function createDelivery<X extends Extra>(runtime: Runtime<X>, renewal: Renewal) {
  const { environment, options, link, wire } = runtime
  const { clock } = environment
  const { delivery } = options
  /** Messages that this tab may send: what it composed, restored or was asked to retry, and never what a replayed state shows. */
  const owned = new Set<string>()
  const flights = new Map<string, Flight>()
  /** When a delayed message may go again (monotonic). */
  const readyAt = new Map<string, number>()
  let stopTimer: Stop = () => undefined
  let timerAt = Infinity
  let held = true
  let pruneAt = PRUNE_SLACK

  const outcomes = createOutcomes(runtime, renewal, {
    waitUntil: (id, moment) => readyAt.set(id, moment),
    settled: (id) => owned.delete(id),
  })

  function isWaiting(entry: OutboxEntry<X>): boolean {
    const { id } = entry.message
    if (entry.nextAttemptAt === null) {
      readyAt.delete(id)
      return false
    }
    let ready = readyAt.get(id)
    if (ready === undefined) {
      // Restored from an earlier life: its wall-clock moment is worth no more than one longest pause.
      const left = Math.min(Math.max(0, entry.nextAttemptAt - clock.now()), delivery.backoff.maxMs)
      readyAt.set(id, (ready = clock.monotonic() + left))
    }
    return ready > clock.monotonic()
  }

  const gate = { owned: (entry: OutboxEntry<X>) => owned.has(entry.message.id), waiting: isWaiting }

  function emit(entry: OutboxEntry<X>): void {
    const { message, attempts } = entry
    const target = { id: message.id, channelId: message.channelId, attempt: attempts + 1 }
    const impossible = refusal(message, runtime.getState().connection.maxMessageBytes)
    if (impossible) outcomes.fail({ ...target, attempt: attempts }, impossible)
    else if (!outcomes.failSpent(entry, { ...target, attempt: attempts })) send(entry, target)
  }

  function send({ message }: OutboxEntry<X>, target: Target): void {
    const startedAt = clock.monotonic()
    flights.set(target.id, { target, deadline: startedAt + delivery.ackTimeoutMs })
    const at = clock.now()
    runtime.dispatch(runtime.actions.reports.messageEmitted({ ...target, at, deadline: at + delivery.ackTimeoutMs }))
    try {
      const { name, payload } = wire.outbound('message:send', message)
      link.emit(name, payload, (raw) => {
        if (flights.get(target.id)?.target === target) flights.delete(target.id)
        outcomes.answered(target, startedAt, raw)
      })
    } catch (reason) {
      flights.delete(target.id)
      const text = reason instanceof Error ? reason.message : String(reason)
      outcomes.fail(target, failure('unserialisable', `unable to send the message: ${text}`, false, target.attempt))
    }
  }

  function timeOut(late: boolean): void {
    const now = clock.monotonic()
    for (const [id, flight] of flights) {
      if (flight.deadline > now) continue
      if (late) flights.set(id, { ...flight, deadline: now + LATE_TIMER_MS })
      else {
        flights.delete(id)
        outcomes.timedOut(flight.target)
      }
    }
  }

  /** A message that may be what breaks the connection goes alone, so that no other is suspected with it. */
  const isSuspect = (entry: OutboxEntry<X>): boolean => entry.losses >= SUSPECT_LOSSES

  function ready(queues: readonly Queue<X>[], perChannel: number): readonly OutboxEntry<X>[] {
    const found = queues.flatMap((queue) => due(queue, perChannel, gate))
    const suspect = found.find(isSuspect)
    if (!suspect) return found
    return queues.some((queue) => queue.some((entry) => entry.lease)) ? [] : [suspect]
  }

  const suspectInFlight = (queues: readonly Queue<X>[]): boolean =>
    queues.some((queue) => queue.some((entry) => entry.lease !== null && isSuspect(entry)))

  function emitDue(): void {
    const { outbox, connection } = runtime.getState()
    const queues = Object.values(outbox.channels)
    if (queues.length === 0 || flights.size >= delivery.inFlightTotal || suspectInFlight(queues)) return
    const perChannel = connection.capabilities.includes('ordered') ? delivery.inFlightPerChannel : 1
    const generation = link.generation()
    for (const entry of ready(queues, perChannel)) {
      if (flights.size >= delivery.inFlightTotal || link.generation() !== generation || renewal.isExpired()) return
      // An earlier emit of this round may have changed what stands here.
      if (outcomes.current(entry.message) === entry) emit(entry)
    }
  }

  /** One timer, for the earliest moment at which something has to happen; one that rings too early only looks again. */
  function setTimer(): void {
    const now = clock.monotonic()
    const wake = Math.min(
      nextWakeAt(Array.from(flights.values(), (flight) => flight.deadline)),
      nextWakeAt([...readyAt.values()].filter((moment) => moment > now)),
    )
    if (wake >= timerAt) return
    stopTimer()
    timerAt = wake
    stopTimer = clock.setTimer(Math.max(0, wake - now), () => {
      timerAt = Infinity
      timeOut(clock.monotonic() - wake > LATE_TIMER_MS)
      runtime.reconcile()
    })
  }

  function dropTimer(): void {
    stopTimer()
    timerAt = Infinity
  }

  /** Forgets what an echo or a page has settled; rarely, because it looks at the whole outbox. */
  function prune(): void {
    if (owned.size <= pruneAt) return
    const present = new Set(Object.values(runtime.getState().outbox.channels).flatMap((queue) => queue.map((entry) => entry.message.id)))
    for (const id of owned) if (!present.has(id)) owned.delete(id)
    for (const id of readyAt.keys()) if (!present.has(id)) readyAt.delete(id)
    pruneAt = owned.size * 2 + PRUNE_SLACK
  }

  return {
    /** Messages that this tab is to send from now on. */
    own(ids: Iterable<string>): void {
      for (const id of ids) owned.add(id)
    },
    /** The user discarded it. */
    disown(id: string): void {
      owned.delete(id)
      readyAt.delete(id)
    },
    /** Another tab has them, or had them: what it sends comes back as an echo, and only the user can tell about the rest. */
    abandon(ids: readonly string[]): void {
      for (const id of ids) {
        const entry = findEntry(runtime.getState().outbox, id)
        if (!entry || entry.failure) continue
        const { channelId } = entry.message
        outcomes.fail({ id, channelId, attempt: entry.attempts }, failure(TAKEN_OVER, TAKEN_OVER_TEXT, true, entry.attempts))
      }
    },
    /** Nothing is sent while the stored queue is being read: what it holds is older. */
    hold(on: boolean): void {
      held = on
    },
    reconcile(): void {
      if (link.generation() === 0 || held || renewal.isExpired()) {
        dropTimer()
        return
      }
      prune()
      emitDue()
      setTimer()
    },
    /** The connection is gone: every outcome is unknown, which `connectionLost` has told the outbox. */
    closed(): void {
      dropTimer()
      flights.clear()
    },
    stop(): void {
      dropTimer()
      flights.clear()
      readyAt.clear()
      owned.clear()
      held = true
    },
  }
}

export type Delivery = ReturnType<typeof createDelivery<Extra>>
