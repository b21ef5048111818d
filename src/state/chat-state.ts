import type { UnknownAction } from '@reduxjs/toolkit'
import type { ChatActions } from '../actions'
import type { ChatError, ConnectionState, Extra, OutboxState, ReadMark, ReceiptEvent } from '../model'
import { frozenNext } from '../policy/frozen'
import { fieldsOf } from '../policy/json'
import { keyOf } from '../policy/keys'
import { EMPTY_OUTBOX, findEntry } from '../policy/outbox'
import { valueAt } from '../policy/table'
import { findMessage, holds } from '../policy/timeline'
import { isPlaced } from './channel'
import { createConnectionReducer, initialConnection } from './connection'
import { createErrorsReducer, initialErrors, without, type ErrorsState } from './errors'
import { isOf } from './handlers'
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

/** What is settled by an echo or a page is no error any more, as after an acknowledgement. */
function withOutbox<X extends Extra>(state: ChatState<X>, outbox: OutboxState<X>): ChatState<X> {
  if (outbox === state.outbox) return state
  const isMended = ({ messageId: id }: ChatError): boolean => id !== undefined && findEntry(state.outbox, id) !== undefined && !findEntry(outbox, id)
  return { ...state, outbox, errors: without(state.errors, isMended) }
}

/** My read watermark is unsent until the server confirms it: by its ack, its echo or a sync. */
function noteRead<X extends Extra>(state: ChatState<X>, channelId: string, mark: ReadMark | null): ChatState<X> {
  const { outbox } = state
  return mark ? { ...state, outbox: { ...outbox, reads: { ...outbox.reads, [keyOf(channelId)]: mark } } } : state
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

/** The reducer of one chat: four slices, and the few actions that move something from one to another. */
export function createChatReducer<X extends Extra>(path: string, actions: ChatActions<X>, { windowSize, maxChannels }: StateOptions) {
  const connection = createConnectionReducer(actions)
  const messages = createMessagesReducer(actions)
  const outbox = createOutboxReducer(actions)
  const errors = createErrorsReducer(actions)
  const prefix = `${path}/`

  /** What moves between the outbox and the timeline, after both have seen the action. By hand, because each live message passes here. */
  function crossOver(state: ChatState<X>, before: ChatState<X>, action: UnknownAction): ChatState<X> {
    const { commands, reports, events } = actions
    // What the timeline held before was settled when it came: the echo of an acknowledged message searches no queue.
    if (isOf(events.messagesReceived, action)) return withOutbox(state, settle(state.outbox, action.payload.messages, (message) =>
      !holds(channelIn(before.messages, message.channelId).messages, message)))
    if (isOf(events.receiptsReceived, action)) return withOutbox(state, confirmReads(state.outbox, state.messages, action.payload.receipts))
    if (isOf(reports.pageLoaded, action)) {
      const { page, channelId } = action.payload
      const channel = channelIn(state.messages, channelId)
      // A page that the timeline has no use for settles nothing: what is not shown there must stay shown here.
      const settled = settle(state.outbox, page.messages, (message) => isPlaced(channel, message))
      return withOutbox(state, confirmReads(settled, state.messages, page.receipts))
    }
    // What is restored, or adopted from a tab that has ended, may have come back as an echo before.
    if (isOf(reports.outboxRestored, action)) {
      return withOutbox(state, settle(state.outbox, action.payload.entries.map(({ message }) => message), ({ channelId, id, userId }) =>
        findMessage(channelIn(state.messages, channelId).messages, id)?.userId === userId))
    }
    if (isOf(commands.markRead, action) && state.messages !== before.messages) {
      const { channelId, messageId } = action.payload
      return noteRead(state, channelId, readMark(channelIn(state.messages, channelId), messageId, state.outbox.userId ?? ''))
    }
    return state
  }

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
    const crossed = crossOver(next, state, action)
    return isSame(state, crossed) ? state : frozenNext(state, crossed)
  }
}

const isSame = <X extends Extra>(a: ChatState<X>, b: ChatState<X>): boolean =>
  a.connection === b.connection && a.messages === b.messages && a.outbox === b.outbox && a.errors === b.errors
