import type { ChatActions, PageDirection } from '../actions'
import type { Extra, OutboxState, Page, ReceiptEvent, WireMessage } from '../model'
import { keyOf } from '../policy/keys'
import {
  applyReceipts, initialChannel, readMark, receive, receiveNewer, receiveOlder, resolve, type ChannelState,
} from './channel'
import { createHandlers } from './handlers'
import { positionIn } from '../policy/outbox'
import { valueAt } from '../policy/table'

export interface MessagesState<X extends Extra = {}> {
  readonly [channelKey: string]: ChannelState<X>
}

export const initialMessages: MessagesState<never> = {}

export interface MessagesContext<X extends Extra> {
  readonly userId: string | null
  readonly outbox: OutboxState<X>
  readonly windowSize: number
  readonly maxChannels: number
}

type State<X extends Extra> = MessagesState<X>
type Channel<X extends Extra> = ChannelState<X>

function change<X extends Extra>(state: State<X>, channelId: string, how: (channel: Channel<X>) => Channel<X>): State<X> {
  const key = keyOf(channelId)
  const channel = state[key]
  const changed = how(channel ?? initialChannel)
  return changed === channel ? state : { ...state, [key]: changed }
}

const changeKnown = <X extends Extra>(state: State<X>, channelId: string, how: (channel: Channel<X>) => Channel<X>): State<X> =>
  Object.hasOwn(state, keyOf(channelId)) ? change(state, channelId, how) : state

/** One change per channel, however the burst was mixed; a channel keeps its own order. */
function perChannel<X extends Extra, T extends { readonly channelId: string }>(
  state: State<X>, items: readonly T[], how: (channel: Channel<X>, items: readonly T[]) => Channel<X>,
): State<X> {
  const first = items[0]
  if (first && items.every((item) => item.channelId === first.channelId)) {
    return change(state, first.channelId, (channel) => how(channel, items))
  }
  const byChannel = new Map<string, T[]>()
  for (const item of items) {
    const group = byChannel.get(item.channelId)
    if (group) group.push(item)
    else byChannel.set(item.channelId, [item])
  }
  let next: { [key: string]: Channel<X> } | null = null
  for (const [channelId, group] of byChannel) {
    const key = keyOf(channelId)
    const channel = state[key]
    const changed = how(channel ?? initialChannel, group)
    if (changed === channel) continue
    next ??= { ...state }
    next[key] = changed
  }
  return next ?? state
}

/**
 * Beyond `maxChannels`, the least recently opened channels shrink to their cursor and receipts. What has no seq cannot be loaded again and
 * stays.
 */
function shrinkSurplus<X extends Extra>(state: State<X>, maxChannels: number): State<X> {
  const loaded = Object.keys(state).filter((key) => !state[key]?.open && state[key]?.cursor !== null && (state[key]?.messages.length ?? 0) > 0)
  const surplus = loaded.length - maxChannels
  if (surplus <= 0) return state
  const next = { ...state }
  for (const key of loaded.slice(0, surplus)) {
    const channel = next[key]
    if (channel) next[key] = shrunk(channel)
  }
  return next
}

/** Looks for a surplus only when some channel that held nothing holds something now. */
const bounded = <X extends Extra>(before: State<X>, after: State<X>, channelIds: readonly string[], maxChannels: number): State<X> =>
  channelIds.some((id) => !before[keyOf(id)]?.messages.length && after[keyOf(id)]?.messages.length) ? shrinkSurplus(after, maxChannels) : after

const shrunk = <X extends Extra>(channel: Channel<X>): Channel<X> => ({
  ...channel,
  messages: [], loaded: false, detached: false,
  hasOlder: channel.hasOlder || channel.messages.length > 0,
  // A window that ends short of the live edge has lost its place: the next opening begins at the edge again.
  cursor: channel.detached ? null : channel.cursor,
  anchored: channel.anchored && !channel.detached,
})

/** Reopening moves a channel to the young end: an object's keys keep the order in which they were added. */
function open<X extends Extra>(state: State<X>, channelId: string, maxChannels: number): State<X> {
  const key = keyOf(channelId)
  const { [key]: channel = initialChannel, ...others } = state
  const reset = channel.detached ? shrunk(channel) : channel
  return shrinkSurplus({ ...others, [key]: { ...reset, open: true, stale: channel.stale || channel.detached } }, maxChannels)
}

function acked<X extends Extra>(
  outbox: OutboxState<X>, { id, channelId, seq, createdAt }: { id: string; channelId: string; seq?: number; createdAt?: number },
): WireMessage<X> | undefined {
  const queue = valueAt(outbox.channels, keyOf(channelId))
  const message = queue?.[positionIn(queue, id)]?.message
  return message && { ...message, ...(seq !== undefined && { seq }), ...(createdAt !== undefined && { createdAt }) }
}

const page = <X extends Extra>(
  channel: Channel<X>, payload: { direction: PageDirection; from: number; page: Page<X> }, context: MessagesContext<X>,
): Channel<X> => {
  const take = payload.direction === 'newer' ? receiveNewer : receiveOlder
  return take(channel, payload.from, payload.page, context.userId, context)
}

const progress = <X extends Extra>(channel: Channel<X>, direction: PageDirection, now: 'running' | 'failed'): Channel<X> =>
  direction === 'newer' ? { ...channel, catchUp: now } : { ...channel, history: now }

/** A request that was under way when the connection ended will never be answered. */
const interrupted = <X extends Extra>(channel: Channel<X>): Channel<X> => ({
  ...channel,
  // A reader who has scrolled back is not moved to the end; `loadNewer` asks when they go there.
  stale: channel.stale || !channel.detached,
  catchUp: 'idle',
  history: channel.history === 'running' || channel.history === 'failed' ? (channel.loaded ? 'idle' : 'wanted') : channel.history,
})

function everyChannel<X extends Extra>(state: State<X>, how: (channel: Channel<X>) => Channel<X>): State<X> {
  return Object.fromEntries(Object.entries(state).map(([key, channel]) => [key, how(channel)]))
}

/** My own mark is applied by its position, so that it also holds on a server without seq. */
function markedRead<X extends Extra>(channel: Channel<X>, channelId: string, userId: string, messageId: string | undefined): Channel<X> {
  const mark = readMark(channel, messageId)
  const position = mark && resolve(channel, mark)
  return position === null ? channel : applyReceipts(channel, [{ kind: 'read', channelId, userId, seq: position }])
}

export function createMessagesReducer<X extends Extra>({ commands, reports, events }: ChatActions<X>) {
  return createHandlers<State<X>, MessagesContext<X>>()
    .on(commands.connect, (state, { userId }, context) => (context.userId === userId ? state : initialMessages))
    .on(commands.signOut, () => initialMessages)
    .on(commands.openChannel, (state, { channelId }, { maxChannels }) => open(state, channelId, maxChannels))
    .on(commands.closeChannel, (state, { channelId }, { maxChannels }) =>
      shrinkSurplus(changeKnown(state, channelId, (channel) => ({ ...channel, open: false })), maxChannels))
    .on(commands.disconnect, (state) => everyChannel(state, interrupted))
    .on(commands.loadOlder, (state, { channelId }) => changeKnown(state, channelId, (channel) =>
      channel.hasOlder && channel.history !== 'running' ? { ...channel, history: 'wanted' } : channel))
    .on(commands.loadNewer, (state, { channelId }) => changeKnown(state, channelId, (channel) =>
      channel.detached ? { ...channel, stale: true } : channel))
    .on(commands.markRead, (state, { channelId, messageId }, { userId }) => changeKnown(state, channelId, (channel) =>
      userId === null ? channel : markedRead(channel, channelId, userId, messageId)))
    .on(reports.connectionOpened, (state) => everyChannel(state, interrupted))
    .on(reports.connectionLost, (state, { wasOpen }) => (wasOpen ? everyChannel(state, interrupted) : state))
    .on(reports.messageAcked, (state, ack, context) => {
      const message = acked(context.outbox, ack)
      if (!message) return state
      const next = change(state, ack.channelId, (channel) => receive(channel, [message], context.userId, context))
      return bounded(state, next, [ack.channelId], context.maxChannels)
    })
    .on(reports.syncStarted, (state, { channelId, direction }) => change(state, channelId, (channel) => progress(channel, direction, 'running')))
    .on(reports.syncFailed, (state, { channelId, direction }) => change(state, channelId, (channel) => progress(channel, direction, 'failed')))
    .on(reports.pageLoaded, (state, payload, context) => {
      const next = change(state, payload.channelId, (channel) => page(channel, payload, context))
      return bounded(state, next, [payload.channelId], context.maxChannels)
    })
    .on(events.messagesReceived, (state, { messages }, context) => {
      const next = perChannel(state, messages, (channel, group) => receive(channel, group, context.userId, context))
      return bounded(state, next, messages.map(({ channelId }) => channelId), context.maxChannels)
    })
    .on(events.receiptsReceived, (state, { receipts }) =>
      perChannel<X, ReceiptEvent>(state, receipts, (channel, group) => applyReceipts(channel, group)))
    .reduce
}
