import type { ChatActions, PageDirection } from '../actions'
import type { Extra, OutboxState, Page, ReceiptEvent, Table, WireMessage } from '../model'
import { receiveLive, receiveNewer, receiveOlder } from './channel'
import { initialChannel, type ChannelState } from './channel-state'
import { mayHaveMissed } from './missing'
import { censusOf, handOn } from './census'
import { createHandlers } from './handlers'
import { applyReceipts, readMark, resolve } from './marks'
import { placed } from '../policy/message'
import { entryIn, queueIn } from '../policy/outbox'
import { EMPTY_TABLE, entriesOf, grouped, mapValues, tableOf, valueAt, withValue } from '../policy/table'

/** Every known channel, by its id. */
export type MessagesState<X extends Extra = {}> = Table<ChannelState<X>>

export const initialMessages: MessagesState<never> = EMPTY_TABLE

export interface MessagesContext<X extends Extra> {
  readonly userId: string | null
  readonly outbox: OutboxState<X>
  readonly windowSize: number
  readonly maxChannels: number
  readonly capabilities: readonly string[]
}

/** A channel that is not known yet is as each begins. */
export const channelIn = <X extends Extra>(state: MessagesState<X>, channelId: string): ChannelState<X> => valueAt(state, channelId) ?? initialChannel

type State<X extends Extra> = MessagesState<X>
type Channel<X extends Extra> = ChannelState<X>

const put = <X extends Extra>(state: State<X>, channelId: string, channel: Channel<X>): State<X> =>
  handOn(state, withValue(state, channelId, channel), channelId, channel)

function change<X extends Extra>(state: State<X>, channelId: string, how: (channel: Channel<X>) => Channel<X>): State<X> {
  const channel = valueAt(state, channelId)
  if (!channel) return put(state, channelId, how({ ...initialChannel, place: censusOf(state).lastPlace + 1 }))
  const changed = how(channel)
  return changed === channel ? state : put(state, channelId, changed)
}

const changeKnown = <X extends Extra>(state: State<X>, channelId: string, how: (channel: Channel<X>) => Channel<X>): State<X> =>
  valueAt(state, channelId) ? change(state, channelId, how) : state

/** One change per channel, however the burst was mixed; a channel keeps its own order. */
function perChannel<X extends Extra, T extends { readonly channelId: string }>(
  state: State<X>, items: readonly T[], how: (channel: Channel<X>, items: readonly T[]) => Channel<X>,
): State<X> {
  const [first] = items
  if (first && items.length === 1) return change(state, first.channelId, (channel) => how(channel, items))
  let next = state
  for (const [channelId, group] of grouped(items, (item) => item.channelId)) next = change(next, channelId, (channel) => how(channel, group))
  return next
}

/** Which shrink first. One is the usual case: a list of all, for each message of 10,000 channels, costs more than all else. */
function leastRecent(shrinkable: ReadonlyMap<string, number>, count: number): readonly string[] {
  if (count > 1) return [...shrinkable].sort(([, a], [, b]) => a - b).slice(0, count).map(([channelId]) => channelId)
  let [first, least] = ['', Infinity]
  shrinkable.forEach((place, channelId) => { if (place < least) [first, least] = [channelId, place] })
  return [first]
}

/** Beyond `maxChannels`, the least recently opened channels shrink to their cursor and receipts. */
function shrinkSurplus<X extends Extra>(state: State<X>, maxChannels: number): State<X> {
  const { shrinkable } = censusOf(state)
  const surplus = shrinkable.size - maxChannels
  return surplus <= 0 ? state : leastRecent(shrinkable, surplus).reduce((next, channelId) => changeKnown(next, channelId, shrunk), state)
}

/** Where it was scrolled to is forgotten: it goes on at its end. */
const shrunk = <X extends Extra>(channel: Channel<X>): Channel<X> => ({
  ...channel,
  messages: [], loaded: false, detached: false, history: 'idle', missedAfter: null,
  hasOlder: channel.hasOlder || channel.messages.length > 0,
  cursor: channel.detached ? channel.missedAfter ?? channel.latest : channel.cursor,
  anchored: channel.anchored || channel.detached,
  stale: mayHaveMissed(channel),
})

const atEnd = <X extends Extra>(channel: Channel<X>): Channel<X> => (channel.detached ? shrunk(channel) : channel)

function open<X extends Extra>(state: State<X>, channelId: string, maxChannels: number): State<X> {
  const place = censusOf(state).lastPlace + 1
  return shrinkSurplus(change(state, channelId, (given) => {
    const channel = atEnd(given)
    // Its end is wanted: an older page that is under way moves it no more.
    return { ...channel, open: true, place, history: channel.loaded ? 'idle' : channel.history }
  }), maxChannels)
}

function acked<X extends Extra>(
  outbox: OutboxState<X>, { id, channelId, seq, createdAt }: { id: string; channelId: string; seq?: number; createdAt?: number },
): WireMessage<X> | undefined {
  const message = entryIn(queueIn(outbox, channelId), id)?.message
  return message && placed(message, createdAt ?? message.createdAt, seq)
}

const live = <X extends Extra>(channel: Channel<X>, incoming: readonly WireMessage<X>[], context: MessagesContext<X>): Channel<X> =>
  receiveLive(channel, incoming, context.userId, context, context.capabilities.includes('sync'))

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
  missedAfter: channel.detached ? channel.missedAfter ?? channel.latest : null,
  catchUp: 'idle',
  history: channel.history === 'running' || channel.history === 'failed' ? (channel.loaded ? 'idle' : 'wanted') : channel.history,
})

/** Closed is closed and loaded is loaded, before as after. */
const eachInterrupted = <X extends Extra>(state: State<X>): State<X> => handOn(state, mapValues(state, interrupted))

/** Another person finds nothing of it. What is on the screen stays open: nobody would open it again. */
const reopened = <X extends Extra>(state: State<X>): State<X> => tableOf(entriesOf(state).flatMap(([channelId, { open: isOpen, place }]) =>
  (isOpen ? [[channelId, { ...initialChannel, open: true, place }] as const] : [])))

/** My own mark is applied by its position, so that it also holds on a server without seq. */
function markedRead<X extends Extra>(channel: Channel<X>, channelId: string, userId: string, messageId: string | undefined): Channel<X> {
  const mark = readMark(channel, messageId, userId)
  const position = mark && resolve(channel, mark)
  return position === null ? channel : applyReceipts(channel, [{ kind: 'read', channelId, userId, seq: position }])
}

export function createMessagesReducer<X extends Extra>({ commands, reports, events }: ChatActions<X>) {
  return createHandlers<State<X>, MessagesContext<X>>()
    .on(commands.connect, (state, { userId }, context) => (context.userId === userId ? state : reopened(state)))
    .on(commands.signOut, (state) => reopened(state))
    .on(commands.openChannel, (state, { channelId }, { maxChannels }) => open(state, channelId, maxChannels))
    .on(commands.closeChannel, (state, { channelId }, { maxChannels }) =>
      shrinkSurplus(changeKnown(state, channelId, (channel) => ({ ...atEnd(channel), open: false })), maxChannels))
    .on(commands.disconnect, (state) => eachInterrupted(state))
    .on(commands.loadOlder, (state, { channelId }) => changeKnown(state, channelId, (channel) =>
      channel.hasOlder && channel.history !== 'running' ? { ...channel, history: 'wanted' } : channel))
    .on(commands.loadNewer, (state, { channelId }) => changeKnown(state, channelId, (channel) =>
      channel.detached ? { ...channel, stale: true } : channel))
    .on(commands.markRead, (state, { channelId, messageId }, { userId }) => changeKnown(state, channelId, (channel) =>
      userId === null ? channel : markedRead(channel, channelId, userId, messageId)))
    .on(reports.connectionOpened, (state) => eachInterrupted(state))
    .on(reports.connectionLost, (state, { wasOpen }) => (wasOpen ? eachInterrupted(state) : state))
    .on(reports.messageAcked, (state, ack, context) => {
      const message = acked(context.outbox, ack)
      if (!message) return state
      return shrinkSurplus(change(state, ack.channelId, (channel) => live(channel, [message], context)), context.maxChannels)
    })
    .on(reports.syncStarted, (state, { channelId, direction }) => change(state, channelId, (channel) => progress(channel, direction, 'running')))
    .on(reports.syncFailed, (state, { channelId, direction }) => change(state, channelId, (channel) => progress(channel, direction, 'failed')))
    .on(reports.pageLoaded, (state, payload, context) =>
      shrinkSurplus(change(state, payload.channelId, (channel) => page(channel, payload, context)), context.maxChannels))
    .on(events.messagesReceived, (state, { messages }, context) =>
      shrinkSurplus(perChannel(state, messages, (channel, group) => live(channel, group, context)), context.maxChannels))
    .on(events.receiptsReceived, (state, { receipts }) =>
      perChannel<X, ReceiptEvent>(state, receipts, (channel, group) => applyReceipts(channel, group)))
    .reduce
}
