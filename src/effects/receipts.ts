import type { Stop } from '../environment'
import type { Extra, OutboxState, ReadMark } from '../model'
import { reactionTo } from '../policy/errors'
import { idOf, keyOf } from '../policy/keys'
import { POISON_LOSSES } from '../policy/outbox'
import { lastWhere } from '../policy/sequence'
import { changedKeys, EMPTY_TABLE, valueAt } from '../policy/table'
import { positionOf } from '../policy/timeline'
import type { ChannelState } from '../state/channel-state'
import { resolve } from '../state/marks'
import type { MessagesState } from '../state/messages'
import { UNMAPPED } from '../transport/wire'
import { createAlarm } from './alarm'
import type { Runtime } from './runtime'
import { createSuspects } from './suspects'

/** Receipts of this span leave as one watermark per channel. */
const COALESCE_MS = 50

/** A receipt that was told so soon before the connection broke, and got no answer, may be what broke it. */
const SUSPECT_MS = 1_000

/** What the server refuses for now is told again after this, or after what the server asks for. */
const RETRY_MS = 5_000

/** A server that has answered no receipt for so long is taken for one that answers none. */
const ANSWER_MS = 30_000

/** What is to be told again within this span is told together: there may be thousands of channels. */
const TOGETHER_MS = 1_000

type Kind = 'delivered' | 'read'

/** Tells the server how far this user has received and read: one watermark per channel, again after a reconnect until it is confirmed. */
export function createReceipts<X extends Extra>(runtime: Runtime<X>, unauthorized: (startedAt: number) => void) {
  const { clock } = runtime.environment
  const { link, wire } = runtime
  /** The highest position sent on this connection, by kind and channel. */
  const sent = new Map<string, number>()
  /** What is told again, by kind and channel: when (monotonic). */
  const later = new Map<string, number>()
  /** What was told and not answered, by kind and channel: when the first of it was (monotonic). */
  const unanswered = new Map<string, { readonly channelId: string; readonly at: number }>()
  const suspects = createSuspects(runtime.environment)
  /** The channels and my read marks as they were when this connection was last told of them. */
  let told: { readonly messages: MessagesState<X>; readonly reads: OutboxState<X>['reads'] } | null = null
  /** When this connection's server was first asked for an answer that it has not given (monotonic). */
  let askedAt: { [kind in Kind]: number | null } = { delivered: null, read: null }
  /** This server could catch up at some time, and will again: what is missing is to come. */
  let caughtUp = false
  let stopTimer: Stop | null = null

  /** The newest message by somebody else that nothing is missing before; my own need no receipt. */
  function deliveredMark(channel: ChannelState<X>, me: string): { readonly mark: ReadMark; readonly position: number } | null {
    if (channel.cursor !== null) {
      // Where nothing can be asked for, nothing that is missing will ever come: to wait for it would be to wait for ever.
      const seq = Math.min(channel.foreign, caughtUp ? channel.cursor : channel.latest ?? channel.cursor)
      return seq > 0 ? { mark: { seq }, position: seq } : null
    }
    const newest = lastWhere(channel.messages, ({ userId }) => userId !== me)
    return newest ? { mark: { messageId: newest.id }, position: positionOf(newest) } : null
  }

  /**
   * My own messages are never unread: where nothing else stands behind my mark, it may stand behind them. Told when half a page of them has
   * come together, because what is older than a page is counted without being looked at.
   */
  function ownMark(channelId: string, { anchored, cursor, foreign, receipts }: ChannelState<X>, me: string): number | null {
    const read = receipts[keyOf(me)]?.read ?? 0
    if (!anchored || cursor === null || foreign > read) return null
    const known = Math.max(read, sent.get(`read${channelId}`) ?? 0)
    return cursor - known >= Math.max(1, runtime.options.history.pageSize >> 1) ? cursor : null
  }

  function tell(kind: Kind, channelId: string, mark: ReadMark, position: number, confirmed: number): void {
    const key = kind + channelId
    if (position <= Math.max(confirmed, sent.get(key) ?? 0)) return
    // A pause that the server asked for holds for what is newer, too.
    const startedAt = clock.monotonic()
    const readyAt = Math.max(suspects.until(key), later.get(key) ?? 0)
    if (readyAt > startedAt) return tellAgainAt(key, readyAt)
    sent.set(key, position)
    const asked = wire.asked(`message:${kind}`, { channelId, ...mark })
    if (!asked) {
      const { code, message } = UNMAPPED.error
      runtime.report('emit_failed', code, `unable to send a "message:${kind}": ${message}`, { channelId })
      return
    }
    // The connection has outlived the one before: where nothing is answered, nothing else clears it.
    const isOutlived = startedAt - (unanswered.get(key)?.at ?? startedAt) > SUSPECT_MS
    if (isOutlived) suspects.cleared(key)
    if (isOutlived || !unanswered.has(key)) unanswered.set(key, { channelId, at: startedAt })
    // A server that gives no answers leaves a callback in the socket for each that is asked for.
    const asks = startedAt - (askedAt[kind] ??= startedAt) < ANSWER_MS
    link.emit(asked.name, asked.args, asks ? (...answer) => confirm(kind, channelId, mark, startedAt, answer) : undefined)
  }

  /** What is refused for now is told again; an acknowledged read mark needs not be kept for the next connection. */
  function confirm(kind: Kind, channelId: string, mark: ReadMark, startedAt: number, answer: readonly unknown[]): void {
    const key = kind + channelId
    askedAt[kind] = null
    unanswered.delete(key)
    suspects.cleared(key)
    const { error, unclear } = wire.response(`message:${kind}`, answer)
    if (unclear) runtime.metrics.count('invalid_payload')
    const { userId } = runtime.getState().connection
    if (userId === null || unclear) return
    if (error && reactionTo(error) !== 'fail') {
      const generation = link.generation()
      if (reactionTo(error) === 'reauthenticate') unauthorized(startedAt)
      // Whoever is told may have signed out.
      if (link.generation() === generation) tellAgainAt(key, clock.monotonic() + Math.max(RETRY_MS, error.retryAfterMs ?? 0))
      return
    }
    // Refused for good, it is dropped as if it were confirmed.
    if (kind === 'read') runtime.dispatch(runtime.actions.events.receiptsReceived({ receipts: [{ kind: 'read', channelId, userId, ...mark }] }))
  }

  /** Of a log that the server has begun anew nothing was told yet. */
  function forgetBeyond(channelId: string, { cursor, latest }: ChannelState<X>): void {
    if (cursor === null || latest === null) return
    for (const kind of ['delivered', 'read']) if ((sent.get(kind + channelId) ?? 0) > latest) sent.delete(kind + channelId)
  }

  /** A new connection knows nothing of what was sent on the last one. */
  function forget(): void {
    alarm.drop()
    later.clear()
    unanswered.clear()
    sent.clear()
    askedAt = { delivered: null, read: null }
    told = null
  }

  function tellAgainAt(key: string, at: number): void {
    // Of two pauses that the server asked for the longer one counts.
    later.set(key, Math.max(later.get(key) ?? 0, at))
    alarm.set(at + TOGETHER_MS)
  }

  const alarm = createAlarm(clock, () => {
    for (const [key, at] of later) {
      if (at > clock.monotonic()) alarm.set(at + TOGETHER_MS)
      else {
        later.delete(key)
        sent.delete(key)
      }
    }
    told = null
    runtime.reconcile()
  })

  /** The connection broke. A server that gives no answers clears what it was told long before. */
  function lost(): void {
    if (link.wasOurs()) return
    for (const [key, { channelId, at }] of unanswered) {
      if (clock.monotonic() - at > SUSPECT_MS) suspects.cleared(key)
      else if (suspects.lost(key) === POISON_LOSSES) report(channelId)
    }
  }

  function report(channelId: string): void {
    runtime.report('emit_failed', 'connection_lost_repeatedly', `unable to send a receipt for "${channelId}": the connection broke each time`, { channelId })
  }

  function flush(): void {
    stopTimer = null
    const { messages, outbox, connection } = runtime.getState()
    const me = connection.userId
    if (me === null || link.generation() === 0) return
    caughtUp ||= connection.capabilities.includes('sync')
    const changed = changedKeys(told?.messages ?? EMPTY_TABLE, messages)
    told = { messages, reads: outbox.reads }
    for (const channelId of changed) {
      const channel = valueAt(messages, channelId)
      if (channel) forgetBeyond(channelId, channel)
      const delivered = channel && deliveredMark(channel, me)
      // What is confirmed for me came from the server, or from my own read mark, which says more.
      if (delivered) tell('delivered', channelId, delivered.mark, delivered.position, channel.receipts[keyOf(me)]?.delivered ?? 0)
      const own = channel && ownMark(channelId, channel, me)
      if (own) tell('read', channelId, { seq: own }, own, 0)
    }
    for (const [key, mark] of Object.entries(outbox.reads)) {
      const channelId = idOf(key)
      const channel = valueAt(messages, channelId)
      tell('read', channelId, mark, (channel && resolve(channel, mark)) ?? mark.seq ?? 1, 0)
    }
  }

  return {
    reconcile(): void {
      const { messages, outbox } = runtime.getState()
      if (link.generation() === 0 || (messages === told?.messages && outbox.reads === told.reads)) return
      stopTimer ??= clock.setTimer(COALESCE_MS, flush)
    },
    opened: forget,
    closed: lost,
    stop(): void {
      suspects.clear()
      stopTimer?.()
      stopTimer = null
      forget()
    },
  }
}
