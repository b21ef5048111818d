import type { Extra, OutboxEntry, OutboxState } from '../model'
import { reasonText } from '../policy/errors'
import { lengthOf } from '../policy/message'
import { due, entriesIn, failure, findEntry, idsIn, inFlight, isSuspect, TAKEN_OVER } from '../policy/outbox'
import { placeOf, withItem } from '../policy/sequence'
import { changedKeys, EMPTY_TABLE, valueAt, valuesOf } from '../policy/table'
import { refusal } from '../state/outbox'
import { createAlarm } from './alarm'
import { createFlights } from './flights'
import { createOutcomes, type Target } from './outcomes'
import { createPrecedence } from './precedence'
import type { Renewal } from './renewal'
import type { Runtime } from './runtime'
import { createWaits } from './waits'

/** A timer this late has slept with the machine: what it waited for may be waiting to be read. */
const LATE_TIMER_MS = 2_000

/** How many settled ids may linger before the outbox is looked through. */
const PRUNE_SLACK = 200

/** How long what stands behind a message that another tab took over waits for its echo. */
const TAKEN_OVER_MS = 30_000

const TAKEN_OVER_TEXT = 'unable to say whether it was sent: another tab took it over; if it does not appear, retry it, or discard it'

/** What was looked through to the end: nothing in it is due any more before it changes, or something outside it does. */
interface Look<X extends Extra> {
  readonly channels: OutboxState<X>['channels']
  readonly capabilities: readonly string[]
}

/** Makes what the outbox says true: emits what is due, and lets leases run out. Safe to call at any time, any number of times. */
export function createDelivery<X extends Extra>(runtime: Runtime<X>, { renewal, isWary }: { readonly renewal: Renewal; readonly isWary: () => boolean }) {
  const { environment: { clock }, options: { delivery }, actions: { reports }, link, wire } = runtime
  /** Messages that this tab may send: what it composed, restored or was asked to retry, and never what a replayed state shows; with what the wall clock was ahead then. */
  const owned = new Map<string, number>()
  let looked: Look<X> | null = null
  /** The last complete look left out silent channels for want of room: with each answer there may be some. */
  let isShort = false
  /** Met an entry that this tab does not own: what it gets to own may be anywhere. */
  let metForeign = false
  const waits = createWaits(clock, delivery.backoff.maxMs)
  let held = true
  let pruneAt = PRUNE_SLACK

  const outcomes = createOutcomes(runtime, renewal, {
    waitUntil: waits.until,
    nowFor: (id) => Math.max(clock.now(), clock.monotonic() + (owned.get(id) ?? 0)),
    isWanted: (id) => owned.has(id),
    refused: (id) => flights.refuse(id),
    settled(id, failed) {
      forget(id)
      // Before anybody hears of it: the report makes delivery look at what stands behind.
      if (failed?.code === TAKEN_OVER) waits.until(id, clock.monotonic() + TAKEN_OVER_MS)
    },
  })
  const flights = createFlights(clock, delivery.ackTimeoutMs, delivery.inFlightTotal, outcomes.isUnderWay)
  const precedence = createPrecedence(clock, outcomes.isUnderWay)

  function forget(id: string): void {
    owned.delete(id)
    waits.forget(id)
    flights.forgive(id)
  }

  function isOwned(entry: OutboxEntry<X>): boolean {
    const mine = owned.has(entry.message.id)
    if (!mine) metForeign = true
    return mine
  }

  const isElsewhere = ({ message, failure: failed }: OutboxEntry<X>): boolean =>
    failed?.code === TAKEN_OVER && waits.isRunning(message.id)

  const gate = { owned: isOwned, waiting: waits.holds, elsewhere: isElsewhere, refused: flights.isRefused }

  function emit(entry: OutboxEntry<X>): void {
    const { message, attempts } = entry
    const { id, channelId } = message
    const last = { id, channelId, attempt: attempts }
    const impossible = refusal(message, runtime.getState().connection.maxMessageBytes)
    if (impossible) outcomes.fail(last, impossible)
    else if (!outcomes.failSpent(entry, last)) send(entry, { id, channelId, attempt: attempts + 1 })
  }

  function send(entry: OutboxEntry<X>, target: Target): void {
    const { id, channelId, attempt } = target
    const startedAt = clock.monotonic()
    flights.start(target, lengthOf(entry.message))
    const at = clock.now()
    const report = reports.messageEmitted({ id, channelId, attempt, at, deadline: at + delivery.ackTimeoutMs })
    runtime.dispatch(report)
    if (runtime.ignored.has(report.payload)) {
      // DevTools keep it for when they show the present again: there it is not in flight.
      flights.end(target)
      runtime.dispatch(reports.messageDelayed({ ...target, at, reason: failure('not_sent', 'a past state was shown', true, attempt), nextAttemptAt: null, spent: false }))
      return
    }
    precedence.emitted(target, isSuspect(entry))
    try {
      const { name, args } = wire.outbound('message:send', entry.message)
      link.emit(name, args, (...answer) => {
        flights.end(target)
        if (isShort) looked = null
        const before = runtime.getState()
        outcomes.answered(target, startedAt, answer)
        // An echo may have settled it before: then no action tells that there is room again.
        if (runtime.getState() === before) runtime.reconcile()
      })
    } catch (reason) {
      flights.end(target)
      outcomes.fail(target, failure('unserialisable', `unable to send the message: ${reasonText(reason)}`, false, target.attempt))
    }
  }

  /**
   * What may go now, of the queues that changed since the last complete look. One of each channel goes before the second of any, and channels that
   * are not answered go last, one message at a time, in half of the room: however many there are, they hold up no other.
   */
  function findDue({ channels, capabilities }: Look<X>): readonly OutboxEntry<X>[] {
    const perChannel = capabilities.includes('ordered') ? delivery.inFlightPerChannel : 1
    const before = looked?.capabilities === capabilities ? looked.channels : EMPTY_TABLE
    let [first, more]: [OutboxEntry<X>[] | null, OutboxEntry<X>[] | null] = [null, null]
    const late: OutboxEntry<X>[] = []
    for (const channelId of changedKeys(before, channels)) {
      const queue = valueAt(channels, channelId) ?? []
      const isSilent = flights.isSilent(channelId)
      let flying = flights.countIn(channelId)
      for (const entry of due(queue, isSilent ? 1 : perChannel, flying, gate)) {
        if (isSilent) late.push(entry)
        else if (flying++ > 0) more = withItem(more, entry)
        else first = withItem(first, entry)
      }
    }
    const found = more ? [...first ?? [], ...more] : first ?? []
    const room = late.length > 0 ? flights.roomForSilent() : 0
    isShort = late.length > room || (isShort && looked !== null)
    // Who has waited longest goes first: else those at the end would never have a turn.
    return late.length > 0 ? [...found, ...late.sort((a, b) => (a.nextAttemptAt ?? 0) - (b.nextAttemptAt ?? 0)).slice(0, room)] : found
  }

  /** Emits until no more may be in flight; true when it came to the end. */
  function emitAll(entries: readonly OutboxEntry<X>[]): boolean {
    const generation = link.generation()
    for (const entry of entries) {
      if (flights.isAtLimit() || link.generation() !== generation || renewal.isExpired()) return false
      // An earlier emit of this round may have changed what stands here.
      if (outcomes.current(entry.message) === entry) emit(entry)
    }
    return true
  }

  function emitDue(): void {
    const { outbox: { channels }, connection: { capabilities } } = runtime.getState()
    const isKnown = looked?.channels === channels && looked.capabilities === capabilities
    const isTaken = precedence.isTaken()
    if (isKnown || flights.isFull() || isTaken) return
    const found = findDue({ channels, capabilities })
    const alone = found.find(isSuspect)
    if (!alone) {
      if (emitAll(found)) looked = { channels, capabilities }
      return
    }
    // What stands back for it is still due afterwards.
    looked = null
    const others = precedence.isOthersTurn() ? found.filter((entry) => !isSuspect(entry)) : []
    if (others.length > 0) emitAll(others)
    else if (precedence.mayGoAlone(valuesOf(channels).some((queue) => placeOf(queue, inFlight)))) emitAll([alone])
  }

  /** For the earliest moment at which something has to happen. */
  const alarm = createAlarm(clock, (moment) => {
    // What waited for its moment has not changed.
    looked = null
    if (clock.monotonic() - moment > LATE_TIMER_MS) flights.prolong(LATE_TIMER_MS)
    flights.expire((target) => !outcomes.current(target), outcomes.timedOut)
    runtime.reconcile()
  })

  /** What it waited for may come about meanwhile: everything is looked at anew. */
  function rest(): void {
    alarm.drop()
    looked = null
  }

  /** Forgets what an echo or a page has settled; rarely, because it looks at the whole outbox. */
  function prune(): void {
    if (owned.size <= pruneAt) return
    const present = new Set(idsIn(runtime.getState().outbox))
    for (const id of owned.keys()) if (!present.has(id)) owned.delete(id)
    waits.keep(present)
    pruneAt = owned.size * 2 + PRUNE_SLACK
  }

  return {
    /** Messages that this tab is to send from now on. */
    own(ids: Iterable<string>): void {
      for (const id of ids) owned.set(id, clock.now() - clock.monotonic())
      if (metForeign) looked = null
      metForeign = false
    },
    /** The user discarded it. */
    disown: forget,
    /** Another tab may have what is stored, or (`all`) what may be by now: it is not sent until it is owned again. Tells what that is. */
    suspend(all: boolean): readonly string[] {
      const ids = entriesIn(runtime.getState().outbox).flatMap(({ stored, message: { id } }) => ((all || stored) && owned.has(id) ? [id] : []))
      ids.forEach(forget)
      return ids
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
      if (link.generation() === 0 || held || isWary() || renewal.isExpired()) {
        rest()
        return
      }
      prune()
      // What ends while it looks has not been seen to be over, so it still needs its timer.
      const now = clock.monotonic()
      emitDue()
      alarm.set(Math.min(flights.nextLook(now), waits.next(now), precedence.next()))
    },
    /** The connection is gone: every outcome is unknown, which `connectionLost` has told the outbox. */
    closed(): void {
      rest()
      flights.clear()
    },
    /** After `closed`. */
    stop(): void {
      flights.stop()
      waits.clear()
      owned.clear()
    },
  }
}

export type Delivery = ReturnType<typeof createDelivery<Extra>>
