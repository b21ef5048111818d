import type { Stop } from '../environment'
import type { Extra, OutboxEntry } from '../model'
import type { OutboxPersistence } from '../persistence/persist'
import type { RestoredOutbox } from '../persistence/records'
import { problemOf } from '../persistence/problem'
import { idsIn } from '../policy/outbox'
import type { Delivery } from './delivery'
import type { Runtime } from './runtime'

/** A stored queue that takes longer than this to read is united with what is sent meanwhile. */
const RESTORE_PATIENCE_MS = 3_000

/** A storage that does not answer for so long never will: better sent twice, which the server notices, than by nobody. */
const LOOK_PATIENCE_MS = 30_000

/** Brings a user's stored messages back into the state, and finds out which of those shown are still this tab's to send. */
export function createRecovery<X extends Extra>(runtime: Runtime<X>, delivery: Delivery, persistence: OutboxPersistence<X>) {
  const { clock } = runtime.environment
  const { reports } = runtime.actions
  let user: string | null = null
  /** Counts sign-ins: an answer to an earlier one, also of the same user, says nothing. */
  let visits = 0
  /** Counts looks: what an earlier one still waits for does not end the present one's hold. */
  let looks = 0
  let stopPatience: Stop = () => undefined
  let isLooking = false
  /** Who has signed in since the page began. */
  const met = new Set<string>()
  /** Not to be sent before the newest look has ended. */
  const suspended: string[] = []

  function own(ids: readonly string[]): void {
    if (isLooking) suspended.push(...ids)
    else delivery.own(ids)
  }

  /** What the timeline showed already never became part of the queue: then nothing else would remove its record. */
  function forgetSettled(userId: string, entries: readonly OutboxEntry<X>[]): void {
    const { outbox } = runtime.getState()
    if (outbox.userId !== userId) return
    const queued = new Set(idsIn(outbox))
    const settled = entries.filter(({ message }) => !queued.has(message.id))
    if (settled.length > 0) persistence.forget(userId, settled.map(({ message }) => message.id))
  }

  /** Stored messages become this tab's own: those of its earlier life, and those of tabs that have ended. */
  function take(userId: string, { entries, reads, unreadable }: RestoredOutbox<X>, earlier = false): void {
    const mine = looks
    own(entries.map((entry) => entry.message.id))
    if (entries.length > 0 || Object.keys(reads).length > 0) runtime.dispatch(reports.outboxRestored({ userId, entries, reads, ...(earlier && { earlier }) }))
    // Whoever saw them come may have signed out and in again: then they are missing for another reason.
    if (looks === mine) forgetSettled(userId, entries)
    if (unreadable.length === 0) return
    runtime.report('storage_error', 'records_unreadable',
      `unable to read ${unreadable.length} stored messages (${unreadable[0]?.reason}); they are left as they are`)
  }

  /** Reads the stored queue; nothing is sent before, because what is stored is older and may belong to another tab by now. */
  function look(userId: string, wasAway: boolean, isFirst = false): void {
    const [mine, visit] = [++looks, visits]
    isLooking = true
    suspended.push(...delivery.suspend(wasAway))
    const go = (): void => {
      delivery.hold(false)
      runtime.reconcile()
    }
    const release = (): void => {
      if (looks !== mine) return
      stopPatience()
      go()
    }
    /** What an earlier look saw may be over: only the newest says what this tab may send. */
    const seen = (): void => {
      if (looks !== mine) return
      isLooking = false
      own(suspended.splice(0))
    }
    delivery.hold(true)
    stopPatience()
    stopPatience = clock.setTimer(RESTORE_PATIENCE_MS, () => {
      // First the timer: whoever sees what is sent now may sign out, which has to stop it.
      stopPatience = clock.setTimer(LOOK_PATIENCE_MS - RESTORE_PATIENCE_MS, () => {
        seen()
        runtime.reconcile()
      })
      go()
    })
    persistence.restore(userId).then((restored) => {
      if (visits !== visit) return
      // First what is not this tab's any more: each report of it makes delivery look at what it may send.
      delivery.abandon(restored.lost)
      seen()
      take(userId, restored, isFirst)
    }, (reason: unknown) => {
      if (visits !== visit) return
      // Nobody can tell: better sent twice, which the server notices, than by nobody.
      seen()
      const { code, message } = problemOf(reason)
      runtime.report('storage_error', code, message, { retryable: true })
    }).finally(release)
  }

  return {
    take,
    /** The user asks for these: while a look lasts they wait for its end, as all that may be somebody else's by now. */
    own,
    start(userId: string): void {
      user = userId
      // What is stored when a page begins comes from before it; what is found later may be the other half of what is shown.
      look(userId, false, !met.has(userId))
      met.add(userId)
    },
    /** The page ran again after a freeze, so that others may have taken it for dead; or somebody asks for what they have taken. */
    lookAgain(): void {
      if (user !== null) look(user, true)
    },
    stop(): void {
      user = null
      visits++
      looks++
      isLooking = false
      suspended.length = 0
      stopPatience()
    },
  }
}
