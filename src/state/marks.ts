import type { Extra, ReadMark, Receipt, ReceiptEvent, WireMessage } from '../model'
import { idOf, keyOf } from '../policy/keys'
import { itemsOf, lastOf, lastWhere } from '../policy/sequence'
import { joinReceipt } from '../policy/status'
import { findMessage, positionOf } from '../policy/timeline'
import type { ChannelState } from './channel-state'

/** Receipts for messages that are not here yet, kept per channel. */
const MAX_EARLY_RECEIPTS = 100
const bounded = (events: readonly ReceiptEvent[]): readonly ReceiptEvent[] => events.slice(-MAX_EARLY_RECEIPTS)

/** Watermarks only rise. One that names a message which is not here waits for it. */
export function applyReceipts<X extends Extra>(channel: ChannelState<X>, events: readonly ReceiptEvent[]): ChannelState<X> {
  let receipts: { [userKey: string]: Receipt } | null = null
  const waiting: ReceiptEvent[] = []
  for (const event of events) {
    const position = resolve(channel, event)
    if (position === null) {
      waiting.push(event)
      continue
    }
    const key = keyOf(event.userId)
    const held = (receipts ?? channel.receipts)[key]
    const joined = joinReceipt(held, { delivered: 0, read: 0, [event.kind]: position })
    if (joined === held) continue
    receipts ??= { ...channel.receipts }
    receipts[key] = joined
  }
  const early = waiting.length === 0 ? channel.early : bounded([...channel.early, ...waiting])
  return receipts === null && early === channel.early ? channel : { ...channel, receipts: receipts ?? channel.receipts, early }
}

/** Among seqs a message without one has no place yet: its moment, taken for one, would lie beyond all that is to come. */
const isUnplaced = <X extends Extra>({ latest }: ChannelState<X>, message: WireMessage<X>): boolean => message.seq === undefined && latest !== null

/** Where a mark points, or null when it names a message that is not here, or has no place yet. */
export function resolve<X extends Extra>(channel: ChannelState<X>, mark: ReadMark): number | null {
  if (mark.seq !== undefined) return mark.seq
  const message = mark.messageId === undefined ? undefined : findMessage(channel.messages, mark.messageId)
  return message && !isUnplaced(channel, message) ? positionOf(message) : null
}

/** With the first seq of a channel its marks are no moments any more: each waits for the messages up to it, until these have a seq. */
export function withoutMoments<X extends Extra>(channel: ChannelState<X>): ChannelState<X> {
  const early = [...channel.early]
  const settle = (userId: string, kind: ReceiptEvent['kind'], mark: number): number => {
    const marked = itemsOf(channel.messages).filter(({ createdAt }) => createdAt <= mark)
    for (const { id, channelId } of marked) early.push({ kind, channelId, userId, messageId: id })
    return marked.length > 0 ? 0 : mark
  }
  const receipts = Object.fromEntries(Object.entries(channel.receipts).map(([key, { delivered, read }]) =>
    [key, { delivered: settle(idOf(key), 'delivered', delivered), read: settle(idOf(key), 'read', read) }]))
  return { ...channel, receipts, early: bounded(early) }
}

/** What came before its message is applied when that is here. */
export const withEarly = <X extends Extra>(channel: ChannelState<X>): ChannelState<X> =>
  channel.early.length === 0 ? channel : applyReceipts({ ...channel, early: [] }, channel.early)

/** Without seqs a mark names a message, and its author has it at least: my own newest one may have come to nobody who is told of it. */
const newestOf = <X extends Extra>({ messages, latest }: ChannelState<X>, me: string): WireMessage<X> | undefined =>
  (latest === null ? lastWhere(messages, ({ userId }) => userId !== me) : undefined) ?? lastOf(messages)

/** The watermark that `markRead` sets: a message's, or that of the newest one here. Null when there is nothing to mark. */
export function readMark<X extends Extra>(channel: ChannelState<X>, messageId: string | undefined, me: string): ReadMark | null {
  const named = messageId === undefined ? newestOf(channel, me) : findMessage(channel.messages, messageId)
  // What has no place yet stands behind all that have one.
  const message = named && isUnplaced(channel, named) ? lastWhere(channel.messages, ({ seq }) => seq !== undefined) : named
  if (message) return message.seq === undefined ? { messageId: message.id } : { seq: message.seq }
  return messageId === undefined && channel.cursor ? { seq: channel.cursor } : null
}
