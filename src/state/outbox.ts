import type { ChatActions, ComposedMessage } from '../actions'
import type { Extra, OutboxEntry, OutboxState, SendFailure, WireMessage } from '../model'
import { jsonBytes } from '../policy/json'
import { authored, hasOnly } from '../policy/message'
import { isHopeless } from '../policy/errors'
import { EMPTY_OUTBOX, entriesIn, entryIn, failure, isOwnEnd, placeIn, queueIn, inFlight, isSuspect, rested, TAKEN_OVER, type Queue } from '../policy/outbox'
import { appended, itemAt, itemsOf, lastOf, mapped, removed, replaced, sequenceOf } from '../policy/sequence'
import { entriesOf, grouped, keysOf, withoutKey, withValue } from '../policy/table'
import { createHandlers } from './handlers'

/** Nobody, after somebody: what is written now must not leave under whoever signs in next. */
const SIGNED_OUT = ''

/** Socket.IO's default `maxHttpBufferSize` (1e6) less the frame around a message. */
export const DEFAULT_MAX_MESSAGE_BYTES = 999_000

type State<X extends Extra> = OutboxState<X>

/** Replaces one channel's queue; an empty one loses its key, so that idle channels cost nothing. */
function setQueue<X extends Extra>(state: State<X>, key: string, queue: Queue<X>, lastOrder = state.lastOrder): State<X> {
  const { userId, reads } = state
  return { userId, channels: queue.length > 0 ? withValue(state.channels, key, queue) : withoutKey(state.channels, key), lastOrder, reads }
}

/** Field by field, as for messages: a spread costs more than the whole change. */
const emitted = <X extends Extra>(entry: OutboxEntry<X>, attempt: number, deadline: number, dedupWindowMs: number | null): OutboxEntry<X> => ({
  message: entry.message, order: entry.order, attempts: attempt, spent: entry.spent, losses: entry.losses, budgetFrom: entry.budgetFrom,
  dedupWindowMs: dedupWindowMs ?? entry.dedupWindowMs,
  nextAttemptAt: null, lease: { attempt, deadline }, stored: entry.stored, failure: entry.failure, lastError: entry.lastError,
})

const marked = <X extends Extra>(entry: OutboxEntry<X>, stored: boolean): OutboxEntry<X> => ({
  message: entry.message, order: entry.order, attempts: entry.attempts, spent: entry.spent, losses: entry.losses, budgetFrom: entry.budgetFrom,
  dedupWindowMs: entry.dedupWindowMs, nextAttemptAt: entry.nextAttemptAt, lease: entry.lease, stored, failure: entry.failure, lastError: entry.lastError,
})

/** A change to null takes it out. */
function changeEntry<X extends Extra>(
  state: State<X>, channelId: string, id: string, change: (entry: OutboxEntry<X>) => OutboxEntry<X> | null,
): State<X> {
  const queue = queueIn(state, channelId)
  const place = placeIn(queue, id)
  const entry = itemAt(queue, place)
  if (!place || !entry) return state
  const changed = change(entry)
  return changed === entry ? state : setQueue(state, channelId, changed ? replaced(queue, place, changed) : removed(queue, place))
}

function changeQueues<X extends Extra>(state: State<X>, change: (queue: Queue<X>) => Queue<X>): State<X> {
  let next = state
  for (const [key, queue] of entriesOf(state.channels)) {
    const changed = change(queue)
    if (changed !== queue) next = setQueue(next, key, changed)
  }
  return next
}

const changeEvery = <X extends Extra>(state: State<X>, change: (entry: OutboxEntry<X>) => OutboxEntry<X>): State<X> =>
  changeQueues(state, (queue) => mapped(queue, change))

const removeId = <X extends Extra>(state: State<X>, channelId: string, id: string): State<X> => changeEntry(state, channelId, id, () => null)

const NOBODY = 'unable to send the message: nobody is signed in; dispatch connect({ userId }) and send it again'
const TOO_LARGE = 'unable to send the message: it is larger than the server accepts; shorten it'
const UNSERIALISABLE = 'unable to send the message: an extra field holds what JSON cannot carry; use plain values only'

/** What makes a message impossible to send at all, before any emit. */
export function refusal<X extends Extra>(message: WireMessage<X>, maxBytes: number | null): SendFailure | null {
  const limit = maxBytes ?? DEFAULT_MAX_MESSAGE_BYTES
  // No JSON text is longer than this: most messages need no counting.
  const { id, channelId, userId, content } = message
  const small = hasOnly(5, message) && (id.length + channelId.length + userId.length + content.length) * 6 + 1_000 < limit
  return small || jsonBytes(message) <= limit ? null : failure('too_large', TOO_LARGE, false, 0)
}

function written<X extends Extra>(composed: ComposedMessage<X>, userId: string): WireMessage<X> {
  if (composed.problem === undefined) return authored<X>(composed, userId)
  const { problem: _mark, ...draft } = composed
  return authored<X>(draft, userId)
}

function enqueue<X extends Extra>(state: State<X>, composed: ComposedMessage<X>, { maxMessageBytes, dedupWindowMs }: OutboxContext): State<X> {
  const { problem } = composed
  const message = written(composed, state.userId ?? '')
  const queue = queueIn(state, message.channelId)
  const last = lastOf(queue)
  // The same action again. Ids ascend: one that sorts behind the last cannot be here already, and nothing is searched.
  if (last && message.id <= last.message.id && placeIn(queue, message.id)) return state
  // The clock only helps: what an earlier life of the page stored stays before what this one composes until both are united.
  const order = Math.max(state.lastOrder + 1, Math.floor(message.createdAt))
  return setQueue(state, message.channelId, appended(queue, [{
    message,
    order,
    attempts: 0, spent: 0, losses: 0,
    budgetFrom: message.createdAt, dedupWindowMs,
    nextAttemptAt: null, lease: null, stored: false,
    failure: problem ? failure(problem, UNSERIALISABLE, false, 0)
      : state.userId === SIGNED_OUT ? failure('signed_out', NOBODY, false, 0)
      : refusal(message, maxMessageBytes),
    lastError: null,
  }]), order)
}

/** The user's retry: a fresh budget, the same id, its old place in the queue. */
const revived = <X extends Extra>(entry: OutboxEntry<X>, at: number): OutboxEntry<X> =>
  entry.failure && !isHopeless(entry.failure)
    ? { ...entry, failure: null, nextAttemptAt: null, spent: 0, losses: 0, budgetFrom: at }
    : entry

const deadlineOf = ({ lease }: OutboxEntry): number => lease?.deadline ?? Infinity

/**
 * A cut connection: what was in flight is pending again, and only the head of a channel can have been the reason. Of what is in flight beside a
 * suspect, which had the connection alone before, none but that is suspected.
 */
function afterLoss<X extends Extra>(state: State<X>): State<X> {
  const flying = entriesIn(state).filter(inFlight)
  const [suspect] = flying.filter(isSuspect).sort((a, b) => deadlineOf(a) - deadlineOf(b))
  const heads = new Map(flying.reverse().map((entry) => [entry.message.channelId, entry]))
  const guilty = new Set(suspect ? [suspect] : heads.values())
  return changeEvery(state, (entry) => (guilty.has(entry) ? blamed(entry) : rested(entry)))
}

const blamed = <X extends Extra>(entry: OutboxEntry<X>): OutboxEntry<X> => ({ ...entry, lease: null, losses: entry.losses + 1 })

/** Go-back-N: an unknown outcome frees every later emit of its channel, to be sent again behind it. */
function delay<X extends Extra>(
  state: State<X>, target: { id: string; channelId: string; attempt: number }, change: (entry: OutboxEntry<X>) => OutboxEntry<X>,
): State<X> {
  const queue = queueIn(state, target.channelId)
  // A late outcome of an older attempt says nothing about the one under way.
  if (entryIn(queue, target.id)?.lease?.attempt !== target.attempt) return state
  let isFound = false
  return setQueue(state, target.channelId, mapped(queue, (entry) => {
    if (entry.message.id !== target.id) return rested(entry)
    isFound = true
    return change(entry)
  }, () => isFound))
}

/** After all that was composed earlier, whatever the clock said then. */
function movedBehind<X extends Extra>(queue: readonly OutboxEntry<X>[], earlier: readonly OutboxEntry<X>[]): readonly OutboxEntry<X>[] {
  const last = earlier.reduce((highest, entry) => Math.max(highest, entry.order), 0)
  const first = queue[0]?.order ?? Infinity
  return first > last ? queue : queue.map((entry) => ({ ...entry, order: entry.order - first + last + 1 }))
}

/**
 * Restored and current entries as one queue: ids united, what is in memory wins unless another tab had it, each in the place of its order:
 * what one tab composed may be taken over in parts, the later ones when the earlier are here already.
 */
function unite<X extends Extra>(current: Queue<X>, restored: readonly OutboxEntry<X>[], earlier: boolean): Queue<X> {
  // The same message may come as this tab's own and as one taken back from another.
  const back = new Map(restored.map((entry) => [entry.message.id, rested(entry)]))
  const queue = itemsOf(current).filter(({ message: { id }, failure: failed }) => {
    if (failed?.code === TAKEN_OVER && back.has(id)) return false
    back.delete(id)
    return true
  })
  if (back.size === 0) return current
  const missing = [...back.values()]
  return sequenceOf([...missing, ...(earlier ? movedBehind(queue, missing) : queue)].sort((a, b) => a.order - b.order))
}

/** Of two marks in one channel the one that says more holds. */
function uniteReads(current: OutboxState['reads'], restored: OutboxState['reads']): OutboxState['reads'] {
  const older = Object.entries(restored).filter(([key, mark]) => !current[key] || (current[key].seq ?? Infinity) < (mark.seq ?? 0))
  return { ...current, ...Object.fromEntries(older) }
}

function restore<X extends Extra>(state: State<X>, userId: string, entries: readonly OutboxEntry<X>[], reads: State<X>['reads'], earlier: boolean): State<X> {
  if (state.userId !== userId) return state
  let next: State<X> = Object.keys(reads).length === 0 ? state : { ...state, reads: uniteReads(state.reads, reads) }
  for (const [channelId, restored] of grouped(entries, (entry) => entry.message.channelId)) {
    const queue = unite(queueIn(next, channelId), restored, earlier)
    next = setQueue(next, channelId, queue, Math.max(next.lastOrder, lastOf(queue)?.order ?? 0))
  }
  return next
}

/** Another user starts with an empty queue; what was composed before anybody was known belongs to the first one. */
function changeUser<X extends Extra>(state: State<X>, userId: string): State<X> {
  if (state.userId === userId) return state
  if (state.userId !== null) return { ...EMPTY_OUTBOX, userId, lastOrder: state.lastOrder }
  return changeEvery({ ...state, userId }, (entry) => ({ ...entry, message: { ...entry.message, userId } }))
}

/** From the ends of the queues, where new messages are: among 10,000 that wait, one more is found at once. */
function markStored<X extends Extra>(state: State<X>, ids: readonly string[], stored: boolean): State<X> {
  const left = new Set(ids)
  const mark = (entry: OutboxEntry<X>): OutboxEntry<X> => (left.delete(entry.message.id) && entry.stored !== stored ? marked(entry, stored) : entry)
  return changeQueues(state, (queue) => (left.size === 0 ? queue : mapped(queue, mark, () => left.size === 0)))
}

/** What the reducer needs to know of its sister slices. */
export interface OutboxContext {
  readonly maxMessageBytes: number | null
  readonly dedupWindowMs: number | null
  /** The action's moment, in milliseconds since the epoch. */
  readonly at: number
}

export function createOutboxReducer<X extends Extra>({ commands, reports }: ChatActions<X>) {
  return createHandlers<State<X>, OutboxContext>()
    .on(commands.connect, (state, { userId }) => changeUser(state, userId))
    .on(commands.disconnect, (state) => changeEvery(state, rested))
    // It has a place of its own: what it discards has a lower one, what comes after it a higher one.
    .on(commands.signOut, ({ lastOrder }, _payload, { at }) => ({ ...EMPTY_OUTBOX, userId: SIGNED_OUT, lastOrder: Math.max(lastOrder + 1, Math.floor(at)) }))
    .on(commands.sendMessage, enqueue)
    .on(commands.retryMessage, (state, { id }, { at }) =>
      changeEvery(state, (entry) => (entry.message.id === id ? revived(entry, at) : entry)))
    .on(commands.retryAllFailed, (state, _nothing, { at }) => changeEvery(state, (entry) => revived(entry, at)))
    .on(commands.discardMessage, (state, { id }) =>
      keysOf(state.channels).reduce((next, key) => removeId(next, key, id), state))
    .on(reports.messageEmitted, (state, { channelId, id, attempt, deadline }, { dedupWindowMs }) =>
      changeEntry(state, channelId, id, (entry) => emitted(entry, attempt, deadline, dedupWindowMs)))
    // What left before the server said so.
    .on(reports.sessionAnnounced, (state, { dedupWindowMs }) => changeEvery(state, (entry) =>
      (entry.attempts > 0 && dedupWindowMs !== null && dedupWindowMs !== entry.dedupWindowMs ? { ...entry, dedupWindowMs } : entry)))
    .on(reports.messageAcked, (state, { channelId, id }) => removeId(state, channelId, id))
    .on(reports.messageDelayed, (state, target) => delay(state, target, (entry) => ({
      ...entry, lease: null, losses: 0, lastError: target.reason, nextAttemptAt: target.nextAttemptAt, spent: entry.spent + (target.spent ? 1 : 0),
    })))
    .on(reports.messageFailed, (state, { channelId, id, failure: failed }) =>
      changeEntry(state, channelId, id, (entry) => ({ ...entry, lease: null, nextAttemptAt: null, failure: failed, lastError: failed })))
    // Nothing is in flight on a connection that has only now opened, whatever a preloaded or imported state says.
    .on(reports.connectionOpened, (state) => changeEvery(state, rested))
    // A connection that we ended ourselves was broken by no message.
    .on(reports.connectionLost, (state, { wasOpen, ...end }) =>
      (!wasOpen ? state : isOwnEnd(end) ? changeEvery(state, rested) : afterLoss(state)))
    .on(reports.outboxStored, (state, { ids, stored = true }) => markStored(state, ids, stored))
    .on(reports.outboxRestored, (state, { userId, entries, reads, earlier = false }) => restore(state, userId, entries, reads, earlier))
    .reduce
}

/** Whatever shows that the server has one of my messages is as good as its ack; `shows` is asked of mine only. */
export function settle<X extends Extra>(state: State<X>, messages: readonly WireMessage<X>[], shows: (message: WireMessage<X>) => boolean): State<X> {
  let next = state
  for (const message of messages) {
    if (message.userId === state.userId && shows(message)) next = removeId(next, message.channelId, message.id)
  }
  return next
}
