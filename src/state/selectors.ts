import { mounted } from '../chat-error'
import type { ChatError, ConnectionState, Extra, Message, Receipt } from '../model'
import { isSameJson } from '../policy/json'
import { idOf, keyOf } from '../policy/keys'
import { entriesIn, entryIn, queueIn, type Queue } from '../policy/outbox'
import { firstOf, fromEnd, itemAt, lastOf, lowerBound } from '../policy/sequence'
import { findMessage, positionOf } from '../policy/timeline'
import type { ChatState } from './chat-state'
import type { ChannelState } from './channel-state'
import { MAX_RESULTS, perObject } from './memo'
import { mayHaveMissed } from './missing'
import { channelIn } from './messages'
import { unsentView, viewOf, viewsOf } from './views'

/** What `selectChannel` tells of a channel's completeness. */
export interface ChannelView {
  readonly channelId: string
  /** `idle`: up to date as far as known; `stale`: waits to catch up; `syncing`: catching up; `failed`: could not. */
  readonly sync: 'idle' | 'stale' | 'syncing' | 'failed'
  /** Messages with a seq between `after` and `before` exist and are not here yet. */
  readonly gap: { readonly after: number; readonly before: number } | null
  /** False when the server assigns no seqs: then nothing can tell whether a message is missing. */
  readonly gapsDetectable: boolean
  /** There is history before what is shown: dispatch `loadOlder`. */
  readonly hasOlder: boolean
  /** A page of it is under way. */
  readonly loadingOlder: boolean
  /** The newest messages are not loaded, because the window was scrolled back: dispatch `loadNewer` or `openChannel`. */
  readonly hasNewer: boolean
  /** The highest `seq` that is known of the channel; null before any. */
  readonly latestSeq: number | null
}

/** A member's watermarks: everything up to that seq (or `createdAt`) was delivered to, or read by, them. */
export interface MemberReceipt extends Receipt {
  readonly userId: string
}

/** A receipt changes a channel and not what is told of it here: the last view of each channel stays while it says the same. */
function createSteadyViews() {
  const last = new Map<string, readonly ChannelView[]>()
  return (view: ChannelView): ChannelView => {
    // One for each of a few stores: one chat may serve several.
    const views = last.get(view.channelId) ?? []
    const known = views.find((each) => isSameJson(each, view))
    if (known) return known
    if (last.size >= MAX_RESULTS) last.clear()
    last.set(view.channelId, [view, ...views.slice(0, 3)])
    return view
  }
}

function gapOf<X extends Extra>({ cursor, latest, detached, messages }: ChannelState<X>): ChannelView['gap'] {
  if (cursor === null || latest === null || latest <= cursor) return null
  const after = itemAt(messages, lowerBound(messages, ({ seq }) => (seq ?? Infinity) <= cursor))
  // What is newer than a window that is scrolled back is no hole in it.
  if (detached && after?.seq === undefined) return null
  return { after: cursor, before: after?.seq ?? latest + 1 }
}

const syncOf = <X extends Extra>(channel: ChannelState<X>): ChannelView['sync'] =>
  channel.catchUp === 'running' ? 'syncing' : channel.catchUp === 'failed' ? 'failed' : mayHaveMissed(channel) ? 'stale' : 'idle'

const describe = <X extends Extra>(channel: ChannelState<X>, channelId: string, detectable: boolean): ChannelView => ({
  channelId,
  sync: detectable ? syncOf(channel) : 'idle',
  gap: detectable ? gapOf(channel) : null,
  gapsDetectable: detectable,
  hasOlder: channel.hasOlder,
  // A server without catch-up will never be asked.
  loadingOlder: channel.history === 'running' || (channel.history === 'wanted' && detectable),
  hasNewer: channel.detached,
  latestSeq: channel.latest,
})

/** Messages by others above my read watermark: those loaded are counted, those outside the window follow from their seqs. */
function countUnread<X extends Extra>(channel: ChannelState<X>, userId: string | null): number {
  const read = channel.receipts[keyOf(userId ?? '')]?.read ?? 0
  let count = 0
  fromEnd(channel.messages, (message) => {
    if (positionOf(message) <= read) return false
    if (message.userId !== userId) count++
    return true
  })
  // Before the first catch-up nobody knows how much of what is older was read.
  if (channel.cursor === null || !channel.anchored) return count
  // Only what is known to be whole: a hole before the first message is a gap, and what is missing there may be my own.
  const first = Math.min(firstOf(channel.messages)?.seq ?? Infinity, channel.cursor + 1)
  const last = lastOf(channel.messages)?.seq ?? channel.cursor
  // Nothing by others stands above `foreign`: what is there is my own.
  const older = channel.hasOlder ? Math.max(0, Math.min(first - 1, channel.foreign) - read) : 0
  const newer = channel.detached ? Math.max(0, channel.foreign - Math.max(last, read)) : 0
  return count + older + newer
}

/** The selectors of one chat. Each takes the whole root state and gives the same reference for the same content. */
export function createSelectors<X extends Extra, Path extends string>(path: Path) {
  type Root = { readonly [P in Path]: ChatState<X> }

  const chatOf = (root: Root): ChatState<X> => mounted(root[path], path)
  const channelOf = (root: Root, channelId: string): ChannelState<X> => channelIn(chatOf(root).messages, channelId)
  const queueOf = (root: Root, channelId: string): Queue<X> => queueIn(chatOf(root).outbox, channelId)

  const steady = createSteadyViews()
  const describeDetectable = perObject((channel: ChannelState<X>, channelId: string) => steady(describe(channel, channelId, true)))
  const describeUndetectable = perObject((channel: ChannelState<X>, channelId: string) => steady(describe(channel, channelId, false)))
  const unread = perObject(countUnread<X>)
  const members = perObject((receipts: ChannelState<X>['receipts'], _: undefined): readonly MemberReceipt[] =>
    Object.entries(receipts).map(([key, receipt]) => ({ userId: idOf(key), ...receipt })))
  const unsent = perObject((channels: ChatState<X>['outbox']['channels'], _: undefined): readonly Message<X>[] =>
    entriesIn({ channels }).map((entry) => unsentView(entry)))

  return {
    /** Who is connected, and how: `status`, `reason`, `attempt`, `nextRetryAt` (milliseconds since the epoch), `capabilities` of the server. */
    selectConnection: (root: Root): ConnectionState => chatOf(root).connection,
    /** What a channel shows: committed messages in order, then unsent ones in dispatch order. */
    selectMessages: (root: Root, channelId: string): readonly Message<X>[] => {
      const channel = channelOf(root, channelId)
      return viewsOf(channel.messages, channel.receipts, queueOf(root, channelId))
    },
    /** One message of a channel, while it is in the window or unsent. */
    selectMessage: (root: Root, channelId: string, id: string): Message<X> | undefined => {
      const channel = channelOf(root, channelId)
      const message = findMessage(channel.messages, id)
      if (message) return viewOf(message, channel.receipts)
      const entry = entryIn(queueOf(root, channelId), id)
      return entry && unsentView(entry)
    },
    /** How a channel stands: `sync`, `gap`, `hasOlder`, `hasNewer`, `loadingOlder`, `latestSeq`. */
    selectChannel: (root: Root, channelId: string): ChannelView => {
      const channel = channelOf(root, channelId)
      const { capabilities } = chatOf(root).connection
      // Without a connection, and at its begin, nothing is announced: a channel that was caught up once can be again.
      const isDetectable = capabilities.includes('sync') || (channel.anchored && capabilities.length === 0)
      return (isDetectable ? describeDetectable : describeUndetectable)(channel, channelId)
    },
    /** Messages by others above my read watermark, as far as known: of a channel that was opened, or from which a message came. */
    selectUnreadCount: (root: Root, channelId: string): number =>
      unread(channelOf(root, channelId), chatOf(root).connection.userId),
    /** Who has received and read how much of a channel. */
    selectReceipts: (root: Root, channelId: string): readonly MemberReceipt[] =>
      members(channelOf(root, channelId).receipts, undefined),
    /** Every unsent message of the user, by channel, in dispatch order. */
    selectOutbox: (root: Root): readonly Message<X>[] => unsent(chatOf(root).outbox.channels, undefined),
    /** The newest errors, the oldest first, until they are dismissed; a repetition raises the `count` of the newest. */
    selectErrors: (root: Root): readonly ChatError[] => chatOf(root).errors,
  }
}

export type ChatSelectors<X extends Extra, Path extends string> = ReturnType<typeof createSelectors<X, Path>>
