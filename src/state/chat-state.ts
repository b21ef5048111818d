import type { UnknownAction } from '@reduxjs/toolkit'
import type { ChatActions } from '../actions'
import type { ConnectionState, Extra, OutboxState, ReadMark, ReceiptEvent } from '../model'
import { fieldsOf } from '../policy/json'
import { keyOf } from '../policy/keys'
import { EMPTY_OUTBOX, findEntry } from '../policy/outbox'
import { valueAt } from '../policy/table'
import { findMessage, holds } from '../policy/timeline'
import { isPlaced } from './channel'
import { createConnectionReducer, initialConnection } from './connection'
import { createErrorsReducer, initialErrors, without, type ErrorsState } from './errors'
import { createHandlers } from './handlers'
import { readMark, resolve } from './marks'
import { channelIn, createMessagesReducer, initialMessages, type MessagesState } from './messages'
import { createOutboxReducer, settle } from './outbox'

/** The whole slice, plain JSON. */
export interface ChatState<X extends Extra = {}> {
  readonly connection: ConnectionState
  readonly messages: MessagesState<X>
  readonly outbox: OutboxState<X>
  readonly errors: ErrorsState
}

const initialState: ChatState<never> = {
  connection: initialConnection, messages: initialMessages, outbox: EMPTY_OUTBOX, errors: initialErrors,
}

/** redux-persist's, whose package the state does not need. */
const REHYDRATE = 'persist/REHYDRATE'

export interface StateOptions {
  readonly windowSize: number
  readonly maxChannels: number
}

const momentOf = (action: UnknownAction): number => {
  const { at } = fieldsOf(action['meta'])
  return typeof at === 'number' ? at : 0
}

/** My read watermark is unsent until the server confirms it: by its ack, its echo or a sync. */
function noteRead<X extends Extra>(outbox: OutboxState<X>, channelId: string, mark: ReadMark | null): OutboxState<X> {
  return mark ? { ...outbox, reads: { ...outbox.reads, [keyOf(channelId)]: mark } } : outbox
}

function confirmReads<X extends Extra>(outbox: OutboxState<X>, messages: MessagesState<X>, receipts: readonly ReceiptEvent[]): OutboxState<X> {
  let reads = outbox.reads
  for (const receipt of receipts) {
    const key = keyOf(receipt.channelId)
    const [mark, channel] = [reads[key], valueAt(messages, receipt.channelId)]
    if (!mark || !channel || receipt.kind !== 'read' || receipt.userId !== outbox.userId) continue
    if (mark.messageId !== undefined && mark.messageId === receipt.messageId || covers(resolve(channel, receipt), resolve(channel, mark))) {
      const { [key]: _confirmed, ...others } = reads
      reads = others
    }
  }
  return reads === outbox.reads ? outbox : { ...outbox, reads }
}

const covers = (confirmed: number | null, wanted: number | null): boolean =>
  confirmed !== null && wanted !== null && confirmed >= wanted

/** The timeline before an action and after it. */
interface Timelines<X extends Extra> {
  readonly before: MessagesState<X>
  readonly now: MessagesState<X>
}

/** What moves between the outbox and the timeline. */
const createCrossing = <X extends Extra>({ commands, reports, events }: ChatActions<X>) => createHandlers<OutboxState<X>, Timelines<X>>()
  // What the timeline held before was settled when it came: the echo of an acknowledged message searches no queue.
  .on(events.messagesReceived, (outbox, { messages }, { before }) =>
    settle(outbox, messages, (message) => !holds(channelIn(before, message.channelId).messages, message)))
  .on(events.receiptsReceived, (outbox, { receipts }, { now }) => confirmReads(outbox, now, receipts))
  .on(reports.pageLoaded, (outbox, { page, channelId }, { now }) => {
    const channel = channelIn(now, channelId)
    // A page that the timeline has no use for settles nothing: what is not shown there must stay shown here.
    return confirmReads(settle(outbox, page.messages, (message) => isPlaced(channel, message)), now, page.receipts)
  })
  // What is restored, or adopted from a tab that has ended, may have come back as an echo before.
  .on(reports.outboxRestored, (outbox, { entries }, { now }) => settle(outbox, entries.map(({ message }) => message), ({ channelId, id, userId }) =>
    findMessage(channelIn(now, channelId).messages, id)?.userId === userId))
  .on(commands.markRead, (outbox, { channelId, messageId }, { before, now }) =>
    (now === before ? outbox : noteRead(outbox, channelId, readMark(channelIn(now, channelId), messageId, outbox.userId ?? ''))))
  .reduce

/** The reducer of one chat: four slices, and the few actions that move something from one to another. */
export function createChatReducer<X extends Extra>(path: string, actions: ChatActions<X>, { windowSize, maxChannels }: StateOptions) {
  const connection = createConnectionReducer(actions)
  const messages = createMessagesReducer(actions)
  const outbox = createOutboxReducer(actions)
  const crossing = createCrossing(actions)
  const errors = createErrorsReducer(actions)
  const prefix = `${path}/`

  return function chatReducer(state: ChatState<X> = initialState, action: UnknownAction): ChatState<X> {
    // redux-persist's mergers leave alone what changed by itself: a stored copy is always older, of this state and of each slice in it.
    if (action.type === REHYDRATE) {
      return { connection: { ...state.connection }, messages: [...state.messages], outbox: { ...state.outbox }, errors: [...state.errors] }
    }
    if (!action.type.startsWith(prefix)) return state
    const { userId, maxMessageBytes, dedupWindowMs, capabilities } = state.connection
    const next: ChatState<X> = {
      connection: connection(state.connection, action, undefined),
      messages: messages(state.messages, action, { windowSize, maxChannels, capabilities, userId, outbox: state.outbox }),
      outbox: outbox(state.outbox, action, { maxMessageBytes, dedupWindowMs, at: momentOf(action) }),
      errors: errors(state.errors, action, state.outbox.userId),
    }
    const crossed = crossing(next.outbox, action, { before: state.messages, now: next.messages })
    const settled = crossed === next.outbox ? next : { ...next, outbox: crossed, errors: mended(next, crossed) }
    return isSame(state, settled) ? state : settled
  }
}

/** What is settled by an echo or a page is no error any more, as after an acknowledgement. */
const mended = <X extends Extra>({ errors, outbox }: ChatState<X>, after: OutboxState<X>): ErrorsState =>
  without(errors, ({ messageId: id }) => id !== undefined && findEntry(outbox, id) !== undefined && !findEntry(after, id))

const isSame = <X extends Extra>(a: ChatState<X>, b: ChatState<X>): boolean =>
  a.connection === b.connection && a.messages === b.messages && a.outbox === b.outbox && a.errors === b.errors
