import type { Stop } from '../environment'
import type { Extra, OutboxEntry, SendFailure, SocketErrorBody } from '../model'
import { fullJitter } from '../policy/backoff'
import { errorBody, reactionTo } from '../policy/errors'
import { keyOf } from '../policy/keys'
import { due, exhausted, failure, nextWakeAt, SUSPECT_LOSSES, type Queue } from '../policy/outbox'
import { refusal } from '../state/outbox'
import type { Renewal } from './renewal'
import type { Runtime } from './runtime'

/** A timer this late has slept with the machine: what it waited for may be waiting to be read. */
const LATE_TIMER_MS = 2_000

/** An emit under way, as this tab knows it: times are monotonic, so no jump of the wall clock ends it. */
interface Flight { readonly attempt: number; readonly startedAt: number; readonly deadline: number }

/** How many settled ids may linger before the outbox is looked through. */
const PRUNE_SLACK = 200

interface Target { readonly id: string; readonly channelId: string; readonly attempt: number }

const EXPIRED = 'unable to send the message in time: its retry period is over; retry it, or discard it'
const EXHAUSTED = 'unable to send the message: the attempts are used up; retry it, or discard it'

/** Makes what the outbox says true: emits what is due, and turns every outcome into a report. Safe to call at any time. */
export function createDelivery<X extends Extra>(runtime: Runtime<X>, renewal: Renewal) {
  const { environment, options, link, wire, metrics } = runtime
  const { clock } = environment
  const { reports } = runtime.actions
  const { delivery } = options
  /** Messages that this tab may send: what it composed, restored or was asked to retry, and never what a replayed state shows. */
  const owned = new Set<string>()
  const flights = new Map<string, Flight>()
  /** When a delayed message may go again (monotonic). */
  const readyAt = new Map<string, number>()
  let stopTimer: Stop = () => undefined
  let held = true
  let pruneAt = PRUNE_SLACK

  const budget = () => {
    const { dedupWindowMs } = runtime.getState().connection
    return { maxAttempts: delivery.maxAttempts, retryForMs: Math.min(delivery.retryForMs, dedupWindowMs ?? Infinity) }
  }

  const current = ({ id, channelId }: { id: string; channelId: string }): OutboxEntry<X> | undefined =>
    runtime.getState().outbox.channels[keyOf(channelId)]?.find((entry) => entry.message.id === id)

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

  function fail(target: Target, failed: SendFailure): void {
    metrics.count('failed')
    const { id: messageId, channelId } = target
    const error = runtime.error('message_failed', failed.code, failed.message, { channelId, messageId, retryable: failed.retryable })
    runtime.dispatch(reports.messageFailed({ ...target, at: clock.now(), failure: failed, error }))
  }

  /** The outcome is unknown: the same id goes again after a pause, unless the budget is used up. */
  function delay(target: Target, reason: SendFailure, retryAfterMs = 0): void {
    const entry = current(target)
    if (entry?.lease?.attempt !== target.attempt) return
    const spent = entry.spent + 1
    const spentUp = exhausted({ ...entry, spent }, clock.now(), budget())
    if (spentUp) {
      fail(target, failure(spentUp, spentUp === 'expired' ? EXPIRED : `${EXHAUSTED} (${reason.message})`, true, target.attempt))
      return
    }
    metrics.count('retry')
    const pause = Math.max(fullJitter(spent, environment.random(), delivery.backoff), retryAfterMs)
    readyAt.set(target.id, clock.monotonic() + pause)
    runtime.dispatch(reports.messageDelayed({ ...target, at: clock.now(), reason, nextAttemptAt: clock.now() + pause, spent: true }))
  }

  function refused(target: Target, error: SocketErrorBody): void {
    // A server that knows the id already has the message.
    if (error.code === 'duplicate') {
      accepted(target, {})
      return
    }
    const reaction = reactionTo(error)
    if (current(target)?.lease?.attempt !== target.attempt) return
    if (reaction === 'fail') fail(target, failure(error.code, error.message, false, target.attempt))
    else if (reaction === 'retry') delay(target, failure(error.code, error.message, true, target.attempt), error.retryAfterMs)
    else {
      // The token is to blame, not the message: it waits for a fresh one and no attempt is spent.
      renewal.refuse()
      const reason = failure(error.code, error.message, true, target.attempt)
      runtime.dispatch(reports.messageDelayed({ ...target, at: clock.now(), reason, nextAttemptAt: null, spent: false }))
    }
  }

  function accepted(target: Target, data: { readonly seq?: number; readonly createdAt?: number }): void {
    renewal.proven()
    owned.delete(target.id)
    if (current(target)) runtime.dispatch(reports.messageAcked({ ...target, ...data, at: clock.now() }))
  }

  function answered(target: Target, startedAt: number, raw: unknown): void {
    if (flights.get(target.id)?.attempt === target.attempt) flights.delete(target.id)
    const response = wire.response('message:send', raw)
    const ack = response.ok && response.value.success ? wire.sendAck(target.id, response.value.data) : null
    if (ack?.ok) {
      metrics.acked(startedAt, clock.monotonic())
      accepted(target, ack.value)
    } else if (response.ok && !response.value.success) refused(target, errorBody(response.value))
    else unreadable(target, response.ok ? (ack?.ok === false ? ack.problem : '') : response.problem)
  }

  function unreadable(target: Target, problem: string): void {
    metrics.count('invalid_payload')
    runtime.report('invalid_payload', 'invalid_ack', `unable to read the acknowledgement of a message: ${problem}`, { messageId: target.id })
    delay(target, failure('invalid_ack', problem, true, target.attempt))
  }

  function emit(entry: OutboxEntry<X>): void {
    const { message } = entry
    const { id, channelId } = message
    const target = { id, channelId, attempt: entry.attempts + 1 }
    const impossible = refusal(message, runtime.getState().connection.maxMessageBytes)
    if (impossible) {
      fail({ ...target, attempt: entry.attempts }, impossible)
      return
    }
    const spentUp = exhausted(entry, clock.now(), budget())
    if (spentUp) {
      fail({ ...target, attempt: entry.attempts }, failure(spentUp, spentUp === 'expired' ? EXPIRED : EXHAUSTED, true, entry.attempts))
      return
    }
    const startedAt = clock.monotonic()
    flights.set(id, { attempt: target.attempt, startedAt, deadline: startedAt + delivery.ackTimeoutMs })
    runtime.dispatch(reports.messageEmitted({ ...target, at: clock.now(), deadline: clock.now() + delivery.ackTimeoutMs }))
    send(entry, target, startedAt)
  }

  function send(entry: OutboxEntry<X>, target: Target, startedAt: number): void {
    try {
      const { name, payload } = wire.outbound('message:send', entry.message)
      link.emit(name, payload, (raw) => answered(target, startedAt, raw))
    } catch (reason) {
      flights.delete(target.id)
      const text = reason instanceof Error ? reason.message : String(reason)
      fail(target, failure('unserialisable', `unable to send the message: ${text}`, false, target.attempt))
    }
  }

  function timeOut(late: boolean): void {
    const now = clock.monotonic()
    for (const [id, flight] of [...flights]) {
      if (flight.deadline > now) continue
      if (late) {
        flights.set(id, { ...flight, deadline: now + LATE_TIMER_MS })
        continue
      }
      flights.delete(id)
      const entry = findLeased(id, flight.attempt)
      if (!entry) continue
      const { channelId } = entry.message
      delay({ id, channelId, attempt: flight.attempt }, failure('timeout', 'the server did not answer in time', true, flight.attempt))
    }
  }

  function findLeased(id: string, attempt: number): OutboxEntry<X> | undefined {
    for (const queue of Object.values(runtime.getState().outbox.channels)) {
      const entry = queue.find((candidate) => candidate.message.id === id)
      if (entry) return entry.lease?.attempt === attempt ? entry : undefined
    }
    return undefined
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
    if (queues.length === 0) return
    const perChannel = connection.capabilities.includes('ordered') ? delivery.inFlightPerChannel : 1
    if (suspectInFlight(queues)) return
    const generation = link.generation()
    for (const entry of ready(queues, perChannel)) {
      if (flights.size >= delivery.inFlightTotal || link.generation() !== generation || renewal.isExpired()) return
      // An earlier emit of this round may have changed what stands here.
      if (current(entry.message) === entry) emit(entry)
    }
  }

  function setTimer(): void {
    stopTimer()
    const now = clock.monotonic()
    const moments = [...readyAt.values()].filter((moment) => moment > now)
    const wake = nextWakeAt([...[...flights.values()].map((flight) => flight.deadline), ...moments])
    if (wake === Infinity) return
    stopTimer = clock.setTimer(Math.max(0, wake - now), () => {
      timeOut(clock.monotonic() - wake > LATE_TIMER_MS)
      runtime.reconcile()
    })
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
    /** Nothing is sent while the stored queue is being read: what it holds is older. */
    hold(on: boolean): void {
      held = on
    },
    reconcile(): void {
      if (link.generation() === 0 || held || renewal.isExpired()) {
        stopTimer()
        return
      }
      prune()
      emitDue()
      setTimer()
    },
    /** The connection is gone: every outcome is unknown, which `connectionLost` has told the outbox. */
    closed(): void {
      stopTimer()
      flights.clear()
    },
    /** The user discarded it. */
    disown(id: string): void {
      owned.delete(id)
      readyAt.delete(id)
    },
    stop(): void {
      stopTimer()
      flights.clear()
      readyAt.clear()
      owned.clear()
      held = true
    },
  }
}

export type Delivery = ReturnType<typeof createDelivery<Extra>>
