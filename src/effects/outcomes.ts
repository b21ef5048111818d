import type { Extra, OutboxEntry, SendFailure, SocketErrorBody } from '../model'
import { fullJitter } from '../policy/backoff'
import { reactionTo } from '../policy/errors'
import { entryIn, exhausted, failure, queueIn } from '../policy/outbox'
import { findMessage } from '../policy/timeline'
import { channelIn } from '../state/messages'
import type { Renewal } from './renewal'
import type { Runtime } from './runtime'

/** One attempt at one message. */
export interface Target { readonly id: string; readonly channelId: string; readonly attempt: number }

/** What delivery keeps beside the state, told of each outcome. */
export interface OutcomeBook {
  /** It may go again at this monotonic moment. */
  waitUntil(id: string, moment: number): void
  /** The wall clock's time, had nobody set it back since the message became this tab's: a server that may have forgotten it has it for good. */
  nowFor(id: string): number
  /** This tab is to send it. */
  isWanted(id: string): boolean
  /** The server has seen it on this connection, and did not take it. */
  refused(id: string): void
  /** It is not to be sent any more, unless the user asks. */
  settled(id: string, failed?: SendFailure): void
}

const SPENT = {
  expired: 'its retry period is over',
  attempts_exhausted: 'its attempts are used up',
  connection_lost_repeatedly: 'the connection broke each time it was sent',
}

/** Turns what came of an emit into one report. An outcome of an attempt that is not under way any more changes nothing, but for success. */
export function createOutcomes<X extends Extra>(runtime: Runtime<X>, renewal: Renewal, book: OutcomeBook) {
  const { environment, options, wire, metrics } = runtime
  const { clock } = environment
  const { reports } = runtime.actions
  const { delivery } = options

  const current = ({ id, channelId }: { id: string; channelId: string }): OutboxEntry<X> | undefined =>
    entryIn(queueIn(runtime.getState().outbox, channelId), id)

  const isUnderWay = (target: Target): boolean => current(target)?.lease?.attempt === target.attempt

  const channelOf = ({ channelId }: Target) => channelIn(runtime.getState().messages, channelId)

  /** A receipt of somebody else that names it waits for it. */
  const isReceived = (target: Target): boolean =>
    channelOf(target).early.some(({ messageId, userId }) => messageId === target.id && userId !== runtime.getState().connection.userId)

  function fail(target: Target, failed: SendFailure): void {
    metrics.count('failed')
    book.settled(target.id, failed)
    const { id: messageId, channelId } = target
    const error = runtime.error('message_failed', failed.code, failed.message, { channelId, messageId, retryable: failed.retryable })
    runtime.dispatch(reports.messageFailed({ ...target, at: clock.now(), failure: failed, error }))
  }

  /** Fails an entry whose time or attempts are used up, or that breaks connections, unless somebody has it; true when it is settled. */
  function failSpent(entry: OutboxEntry<X>, target: Target, because = ''): boolean {
    const { dedupWindowMs } = runtime.getState().connection
    const retryForMs = Math.min(delivery.retryForMs, dedupWindowMs ?? entry.dedupWindowMs ?? Infinity)
    const code = exhausted(entry, book.nowFor(target.id), { maxAttempts: delivery.maxAttempts, retryForMs })
    // Somebody has it, and no answer to a second attempt told more.
    if ((code || entry.spent > 1) && isReceived(target)) accepted(target, {})
    else if (code) fail(target, failure(code, `unable to send the message: ${SPENT[code]}${because}; retry it, or discard it`, true, target.attempt))
    else return false
    return true
  }

  /** What came of an attempt that is not under way changes nothing, unless a past state is shown (time travel) in which it had not begun: DevTools keep this for the present. */
  function note(target: Target, reason: SendFailure): void {
    const entry = current(target)
    const { messages, detached } = channelOf(target)
    // What an echo has settled stands in the window, or beyond the end of one that is scrolled back.
    const isYetToCome = entry ? entry.attempts < target.attempt : book.isWanted(target.id) && !detached && !findMessage(messages, target.id)
    if (isYetToCome) runtime.dispatch(reports.messageDelayed({ ...target, at: clock.now(), reason, nextAttemptAt: null, spent: true }))
  }

  /** The outcome is unknown: the same id goes again after a pause, unless the budget is used up. */
  function delay(target: Target, reason: SendFailure, retryAfterMs = 0): void {
    const entry = current(target)
    if (!entry || !isUnderWay(target)) return note(target, reason)
    const spent = entry.spent + 1
    if (failSpent({ ...entry, spent }, target, ` (${reason.message})`)) return
    metrics.count('retry')
    const pause = Math.max(fullJitter(spent, environment.random(), delivery.backoff), retryAfterMs)
    book.waitUntil(target.id, clock.monotonic() + pause)
    runtime.dispatch(reports.messageDelayed({ ...target, at: clock.now(), reason, nextAttemptAt: clock.now() + pause, spent: true }))
  }

  function refused(target: Target, startedAt: number, error: SocketErrorBody): void {
    // A server that knows the id already has the message.
    if (error.code === 'duplicate') {
      accepted(target, {})
      return
    }
    book.refused(target.id)
    if (!isUnderWay(target)) return note(target, failure(error.code, error.message, true, target.attempt))
    const reaction = reactionTo(error)
    const reason = failure(error.code, error.message, reaction !== 'fail', target.attempt)
    if (reaction === 'fail') fail(target, reason)
    else if (reaction === 'retry') delay(target, reason, error.retryAfterMs)
    else {
      // The token is to blame, not the message: it waits for a fresh one and no attempt is spent.
      renewal.refuse(startedAt)
      runtime.dispatch(reports.messageDelayed({ ...target, at: clock.now(), reason, nextAttemptAt: null, spent: false }))
    }
  }

  function accepted(target: Target, data: { readonly seq?: number; readonly createdAt?: number }): void {
    renewal.proven()
    book.settled(target.id)
    if (!current(target)) return
    const { id, channelId, attempt } = target
    const { seq, createdAt } = data
    const at = clock.now()
    // Written out for the usual server, which says both: a spread costs more than the change in the state.
    const ack = seq !== undefined && createdAt !== undefined ? { id, channelId, attempt, at, seq, createdAt } : { ...data, id, channelId, attempt, at }
    runtime.dispatch(reports.messageAcked(ack))
  }

  return {
    current,
    isUnderWay,
    fail,
    failSpent,
    timedOut(target: Target): void {
      delay(target, failure('timeout', 'the server did not answer in time', true, target.attempt))
    },
    /** `startedAt` is monotonic. */
    answered(target: Target, startedAt: number, answer: readonly unknown[]): void {
      const sent = wire.sent(target.id, answer)
      if (!sent.error) {
        metrics.acked(startedAt, clock.monotonic())
        accepted(target, sent)
        return
      }
      const { id: messageId, channelId } = target
      if (sent.unclear) runtime.invalid('invalid_ack', `unable to read the answer to "message:send": ${sent.error.message}`, { channelId, messageId })
      refused(target, startedAt, sent.error)
    },
  }
}
