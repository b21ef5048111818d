import type { Extra, Page, WireMessage } from '../model'
import { unplaced } from '../policy/message'
import { firstOf, lastOf } from '../policy/sequence'
import { compareMessages, contiguousFrom, contradicts, findMessage, mergeMessages, positionOf, type Window } from '../policy/timeline'
import { keyOf } from '../policy/keys'
import { committedStatus, othersBest } from '../policy/status'
import { historyEdge, initialChannel, type ChannelState } from './channel-state'
import { applyReceipts, withEarly, withoutMoments } from './marks'

type Channel<X extends Extra> = ChannelState<X>

function highestSeq(messages: readonly WireMessage[], from: number | null): number | null {
  let highest = from
  for (const { seq } of messages) if (seq !== undefined && seq > (highest ?? 0)) highest = seq
  return highest
}

function highestForeign(messages: readonly WireMessage[], me: string | null, from: number): number {
  let highest = from
  for (const message of messages) if (message.userId !== me) highest = Math.max(highest, positionOf(message))
  return highest
}

/** How far a burst goes on from the cursor without a break. One that is longer than the window pushes out part of itself, which was here all the same. */
function coveredBy<X extends Extra>(held: Window<X>, incoming: readonly WireMessage<X>[], cursor: number): number {
  let end = cursor
  for (const seq of incoming.flatMap((message) => message.seq ?? []).sort((a, b) => a - b)) if (seq === end + 1) end = contiguousFrom(held, seq)
  return end
}

/** Unanchored, the first seq held is where the window begins: what is older is history, not a gap. */
function cursorAfter<X extends Extra>(channel: Channel<X>, incoming: readonly WireMessage<X>[], messages: Window<X>): number | null {
  const first = firstOf(messages)?.seq
  const isSameRun = channel.anchored || (first !== undefined && firstOf(channel.messages)?.seq === first)
  if (isSameRun && channel.cursor !== null) {
    const isOverrun = first !== undefined && first > channel.cursor + 1
    return contiguousFrom(messages, isOverrun ? coveredBy(channel.messages, incoming, channel.cursor) : channel.cursor)
  }
  return first === undefined ? channel.cursor : contiguousFrom(messages, first - 1)
}

/** Whether a merge pushed the oldest messages out of the window. */
const evicts = (old: WireMessage | undefined, after: Window<Extra>): boolean => {
  const now = firstOf(after)
  return old !== undefined && now !== undefined && compareMessages(old, now) < 0
}

export interface Limits {
  readonly windowSize: number
}

/** The channel before its state is brought up to `latest`: from its first seq on, its marks are seqs. */
const markedBySeqs = <X extends Extra>(channel: Channel<X>, latest: number | null): Channel<X> =>
  (channel.latest === null && latest !== null && channel.messages.length > 0 ? withoutMoments(channel) : channel)

/** Among moments a copy that tells another time would leave what was said of the message behind: then it keeps its place. */
function steady<X extends Extra>({ messages, receipts, latest }: Channel<X>, message: WireMessage<X>): WireMessage<X> {
  const held = latest === null && message.seq === undefined ? findMessage(messages, message.id) : undefined
  if (!held || held.createdAt >= message.createdAt) return message
  const others = othersBest(receipts, keyOf(held.userId))
  return committedStatus(held.createdAt, others) === committedStatus(message.createdAt, others) ? message : { ...message, createdAt: held.createdAt }
}

/** Live messages (and acks, which are messages too). */
export function receive<X extends Extra>(given: Channel<X>, told: readonly WireMessage<X>[], me: string | null, { windowSize }: Limits): Channel<X> {
  const incoming = given.latest === null && given.messages.length > 0 ? told.map((message) => steady(given, message)) : told
  const latest = highestSeq(incoming, given.latest)
  const channel = markedBySeqs(given, latest)
  const foreign = highestForeign(incoming, me, channel.foreign)
  // Below an anchored window there is history, which arrives by page and never one by one.
  const isLate = (message: WireMessage<X>): boolean => isHistory(channel, message)
  const fresh = channel.anchored && channel.hasOlder && incoming.some(isLate) ? incoming.filter((message) => !isLate(message)) : incoming
  const messages = channel.detached ? channel.messages : mergeMessages(channel.messages, fresh, windowSize)
  if (messages === channel.messages) {
    return latest === channel.latest && foreign === channel.foreign ? channel : { ...channel, latest, foreign }
  }
  const { loaded, detached, open, place, stale, doubt, missedAfter, catchUp, history, receipts, early } = channel
  // Without seqs there is no history to be asked for; nor does a first message whose time the server corrects push any out.
  const evicted = firstOf(messages)?.seq !== undefined && (evicts(firstOf(channel.messages), messages) || evicts(fresh[0], messages))
  // Field by field: `{ ...channel, messages }` takes V8 25 times as long, more than all else that a live message costs.
  return withEarly({
    messages, latest, loaded, detached, open, place, stale, doubt, missedAfter, catchUp, history, receipts, early,
    foreign: channel.anchored || !evicted ? foreign : Math.max(foreign, (firstOf(channel.messages)?.seq ?? firstOf(messages)?.seq ?? 1) - 1),
    cursor: cursorAfter(channel, fresh, messages),
    anchored: channel.anchored || evicted,
    hasOlder: evicted || (channel.anchored ? channel.hasOlder : (firstOf(messages)?.seq ?? 1) > 1),
  })
}

const isHistory = <X extends Extra>(channel: Channel<X>, { seq }: WireMessage<X>): boolean => {
  const edge = historyEdge(channel)
  return seq !== undefined && edge !== null && seq < edge
}

/** Shown, or older than the window: history, which can be loaded. */
export const isPlaced = <X extends Extra>(channel: Channel<X>, message: WireMessage<X>): boolean =>
  findMessage(channel.messages, message.id) !== undefined || (channel.hasOlder && isHistory(channel, message))

/** A page of catch-up covers everything from `after` to its last message; an empty one all up to `latest` when nothing more follows. */
export function receiveNewer<X extends Extra>(
  channel: Channel<X>, after: number, page: Page<X>, me: string | null, limits: Limits,
): Channel<X> {
  if (page.latest !== null && page.latest < after && page.messages.length === 0 && !page.more) return doubted(channel, page.latest)
  if (page.messages.some((message) => contradicts(channel.messages, message))) return begunAnew(channel)
  const latest = Math.max(channel.latest ?? 0, page.latest ?? 0, highestSeq(page.messages, null) ?? 0)
  const known = applyReceipts({ ...markedBySeqs(channel, latest), latest, doubt: null, catchUp: 'idle' }, page.receipts)
  if (!channel.stale && after === channel.missedAfter) return counted(known, page, me)
  // Less than what is held was compared with it: a reader who has scrolled back stays there.
  const isCounted = (page.latest ?? 0) <= (channel.missedAfter ?? Infinity)
  if (channel.detached && after < (channel.cursor ?? 0)) return { ...known, stale: false, missedAfter: isCounted ? null : channel.missedAfter }
  // The window moved while the page was under way: its place is gone, and the next look decides anew.
  if (after > 0 && after > (channel.cursor ?? 0)) return { ...known, stale: true }
  if (page.more && page.latest !== null && skips(channel, after, page.latest, limits)) return skip(known, page.latest)
  return joinNewer(known, after, page, me, limits)
}

/** The server has less than is held here. A replica that is behind has the same message under the seq that it names; a new log has another. */
const doubted = <X extends Extra>(channel: Channel<X>, latest: number): Channel<X> => (channel.doubt === null ? { ...channel, catchUp: 'idle', stale: true, doubt: latest } : begunAnew(channel))

/** What was missed beyond a window that is scrolled back. Whose that is of which a page tells no more, nobody knows: it counts as that of others. */
const counted = <X extends Extra>(channel: Channel<X>, { messages, more }: Page<X>, me: string | null): Channel<X> =>
  ({ ...channel, missedAfter: null, foreign: more ? channel.latest ?? 0 : highestForeign(messages, me, channel.foreign) })

/**
 * The server began a new log, in which each seq is another message's. What is held would keep the new ones from being shown for ever, so the
 * channel is read again from its beginning.
 */
const begunAnew = <X extends Extra>({ open, place }: Channel<X>): Channel<X> => ({ ...initialChannel, open, place })

/** What came by itself, or was acknowledged. Under the number of another one it tells of a new log too; what cannot be read again stays, and it stands behind. */
export function receiveLive<X extends Extra>(channel: Channel<X>, incoming: readonly WireMessage<X>[], me: string | null, limits: Limits, catchesUp: boolean): Channel<X> {
  const isTaken = (message: WireMessage<X>): boolean => (message.seq ?? Infinity) <= (channel.latest ?? 0) && contradicts(channel.messages, message)
  if (!incoming.some(isTaken)) return receive(channel, incoming, me, limits)
  return catchesUp ? receive(begunAnew(channel), incoming, me, limits)
    : receive(channel, incoming.map((message) => (isTaken(message) ? unplaced(message) : message)), me, limits)
}

/** Whoever reads on goes on where the window ended: of a page that is longer than the window, the rest follows with the next one. */
const fitting = <X extends Extra>(page: Page<X>, windowSize: number): Page<X> =>
  (page.messages.length > windowSize ? { ...page, messages: page.messages.slice(0, windowSize), more: true } : page)

function joinNewer<X extends Extra>(channel: Channel<X>, after: number, given: Page<X>, me: string | null, { windowSize }: Limits): Channel<X> {
  const page = channel.detached ? fitting(given, windowSize) : given
  // The window may have shrunk meanwhile: what stands before it is history, and comes as that.
  const edge = channel.anchored ? Math.min(firstOf(channel.messages)?.seq ?? Infinity, (channel.cursor ?? 0) + 1) : 0
  const fresh = page.messages.filter(({ seq }) => (seq ?? edge) >= edge)
  const messages = mergeMessages(channel.messages, fresh, windowSize)
  // Only an empty page proves that there is nothing up to `latest`: what is newer may have come between the server's two reads.
  const covered = highestSeq(page.messages, null) ?? (page.more ? after : Math.max(page.latest ?? 0, after))
  const evicted = evicts(firstOf(channel.messages), messages) || evicts(fresh[0], messages)
  const hasOlder = evicted || (channel.anchored ? channel.hasOlder : after > 0)
  return withEarly({
    ...channel, messages, hasOlder,
    cursor: contiguousFrom(messages, channel.anchored ? Math.max(channel.cursor ?? 0, covered) : covered),
    anchored: true,
    foreign: highestForeign(page.messages, me, channel.foreign),
    loaded: channel.loaded || !hasOlder,
    // One page for each `loadNewer`: all at once would push out what is being read.
    stale: page.more && !channel.detached,
    detached: channel.detached && page.more,
    missedAfter: page.more ? channel.missedAfter : null,
  })
}

/** The first look at a long channel, or more missed than the window holds: its end is shown, the rest is history. */
const skips = <X extends Extra>(channel: Channel<X>, after: number, latest: number, { windowSize }: Limits): boolean =>
  !channel.anchored || (!channel.detached && latest - after > windowSize)

/** Whose the messages before the first one are, nobody knows yet: they count as those of others. */
const beforeOf = <X extends Extra>(channel: Channel<X>): number => (historyEdge(channel) ?? 1) - 1

function skip<X extends Extra>(channel: Channel<X>, latest: number): Channel<X> {
  const begun = { ...channel, anchored: true, hasOlder: true, loaded: false, stale: false }
  // What came by itself since the channel is known stays: it is the newest anyway.
  if (!channel.anchored && channel.cursor !== null && channel.messages.length > 0) return { ...begun, foreign: Math.max(channel.foreign, beforeOf(channel)) }
  return { ...begun, messages: channel.anchored ? [] : channel.messages, cursor: latest, foreign: Math.max(channel.foreign, latest), detached: false }
}

/** A page of history ends right before `before`; one for a window that has moved on is of no use any more. */
export function receiveOlder<X extends Extra>(
  channel: Channel<X>, before: number, page: Page<X>, me: string | null, { windowSize }: Limits,
): Channel<X> {
  const rested: Channel<X> = { ...channel, history: 'idle' }
  if (before !== historyEdge(channel)) return rested
  // The first page comes unasked: it fills what room there is, and pushes nothing new out.
  const messages = mergeMessages(channel.messages, page.messages.slice(-windowSize), windowSize, channel.loaded && channel.history === 'running' ? 'oldest' : 'newest')
  // One that stood last for want of a place may have got it by this page.
  const dropped = (channel.messages.at(-1) ?? []).some(({ id }) => !findMessage(messages, id))
  const last = lastOf(messages)?.seq
  // The first page of all ends where catch-up began, unless it comes from a replica that is behind: then the rest is asked for.
  const isFirst = channel.messages.length === 0
  return withEarly({
    ...rested, messages, loaded: true,
    hasOlder: page.more || evicts(page.messages[0], messages),
    detached: channel.detached || dropped,
    // Who scrolls back before the catch-up of a reconnect stays there, too.
    ...(dropped && !channel.detached && channel.stale && { stale: false, missedAfter: channel.cursor }),
    // The end of the window is again what is held without a break.
    cursor: last !== undefined && (dropped || isFirst) ? Math.min(last, channel.cursor ?? last) : channel.cursor,
    latest: highestSeq(page.messages, channel.latest),
    foreign: highestForeign(page.messages, me, channel.foreign),
  })
}
