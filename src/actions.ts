import { createAction } from '@reduxjs/toolkit'
import { ChatConfigError } from './chat-error'
import type {
  ChatError, Extra, OutboxEntry, Page, ReadMark, ReceiptEvent, SendFailure, WireMessage,
} from './model'
import { fieldsOf, isJson } from './policy/json'
import { isId, MAX_ID_LENGTH } from './policy/keys'
import { hasOnly, OWN_FIELDS } from './policy/message'

/** What `sendMessage` takes: the text, its channel, and the app's own extra fields. */
export type Draft<X extends Extra> = { readonly channelId: string; readonly content: string } & X

/** What `sendMessage` dispatches. The reducer adds the `userId`; `problem` marks a draft that can never be sent. */
export type ComposedMessage<X extends Extra> =
  Draft<X> & { readonly id: string; readonly createdAt: number; readonly problem?: 'unserialisable' }

/** The moment of an action, in milliseconds since the epoch. */
type At = { readonly at: number }

interface Sources {
  readonly now: () => number
  readonly id: () => string
}

/** A server's copy brings none of these, so that the sender alone would see them. */
const RESERVED = [...OWN_FIELDS, 'problem']

const invalid = (text: string): never => {
  throw new ChatConfigError('invalid_argument', `unable to ${text}`)
}

const requireId = (action: string, field: string, value: unknown): void => {
  if (!isId(value)) invalid(`${action}: ${field} must be a non-empty string of no more than ${MAX_ID_LENGTH} characters`)
}

function checkDraft(draft: { readonly channelId: unknown; readonly content: unknown }): void {
  requireId('sendMessage', 'channelId', fieldsOf(draft)['channelId'])
  if (typeof draft.content !== 'string') invalid('sendMessage: content must be a string; put other data into extra fields')
  const clash = RESERVED.find((name) => Object.hasOwn(draft, name))
  if (clash) invalid(`sendMessage: "${clash}" is the library's own field; rename the extra field`)
}

function compose<X extends Extra>(draft: Draft<X>, sources: Sources): ComposedMessage<X> {
  checkDraft(draft)
  const id = sources.id()
  const createdAt = sources.now()
  const { channelId, content } = draft
  if (hasOnly(2, draft)) return { id, channelId, content, createdAt } as ComposedMessage<X>
  if (isJson(draft)) return { ...draft, id, createdAt }
  // The state holds plain data only: the text is kept and marked, what JSON cannot carry is not.
  return { channelId, content, id, createdAt, problem: 'unserialisable' } as unknown as ComposedMessage<X>
}

/** Commands: what the UI asks for. */
function createCommands<X extends Extra>(path: string, sources: Sources) {
  const naming = <P>(name: string, field: keyof P & string) =>
    createAction(`${path}/${name}`, (payload: P) => {
      requireId(name, field, fieldsOf(payload)[field])
      return { payload }
    })
  const inChannel = <P extends { readonly channelId: string }>(name: string) => naming<P>(name, 'channelId')
  const onMessage = (name: string) =>
    createAction(`${path}/${name}`, (payload: { readonly id: string }) => {
      requireId(name, 'id', fieldsOf(payload)['id'])
      return { payload, meta: { id: payload.id, at: sources.now() } }
    })
  return {
    /** Connects as this user; does nothing while that is done or under way, and tries again at once where it was given up. Another user begins with an empty queue. */
    connect: naming<{ readonly userId: string }>('connect', 'userId'),
    /** Ends the connection. Messages stay in the state and can still be queued. */
    disconnect: createAction(`${path}/disconnect`),
    /** Ends the connection and forgets the user. Unsent messages are kept on this device for their return, or removed with `discardOutbox`. */
    signOut: createAction(`${path}/signOut`, (payload: { readonly discardOutbox?: boolean } = {}) => ({ payload, meta: { at: sources.now() } })),
    /** Loads the channel's newest page and keeps it up to date. Of a window that was scrolled back it returns to the end. */
    openChannel: inChannel('openChannel'),
    /** Nobody looks at the channel any more: its messages may leave memory. Messages that come are still counted as unread. */
    closeChannel: inChannel('closeChannel'),
    /** Loads one page of history before what is shown; does nothing without `hasOlder`. */
    loadOlder: inChannel('loadOlder'),
    /** Loads one page after what is shown, after scrolling back; does nothing without `hasNewer`. */
    loadNewer: inChannel('loadNewer'),
    /** Shows the message as `pending` and queues it. `payload.id` of the dispatched action is its id for its whole life. Throws `ChatConfigError` for a missing channelId or a content that is no string. */
    sendMessage: createAction(`${path}/sendMessage`, (draft: Draft<X>) => {
      const payload = compose(draft, sources)
      return { payload, meta: { id: payload.id, at: payload.createdAt } }
    }),
    /** Sends a failed message again, under the same id. */
    retryMessage: onMessage('retryMessage'),
    /** Sends every failed message of the user again that can be. */
    retryAllFailed: createAction(`${path}/retryAllFailed`, () => ({ payload: undefined, meta: { at: sources.now() } })),
    /** Removes a message that is not sent yet, failed or pending, here and from this device. One that is on its way may be committed all the same, and comes back then. */
    discardMessage: onMessage('discardMessage'),
    /** Sets my read watermark: up to `messageId`, by default the newest message. */
    markRead: inChannel<{ readonly channelId: string; readonly messageId?: string }>('markRead'),
    /** Removes one error from the state. */
    dismissError: naming<{ readonly id: string }>('dismissError', 'id'),
    /** Removes all errors from the state. */
    clearErrors: createAction(`${path}/clearErrors`),
  }
}

/** Reports: what the effects did or saw. Each is a fact; `error` goes into the errors slice as it is. */
function createReports<X extends Extra>(path: string) {
  const report = <P>(name: string) => createAction<P>(`${path}/${name}`)
  /**
   * Carries the message id in `meta`, so that a message's flow can be followed in DevTools. Two of them go with each message, and an action
   * that RTK prepares costs four spreads: these are written out.
   */
  const onMessage = <P extends { readonly id: string; readonly attempt: number } & At>(name: string) => {
    const type = `${path}/${name}`
    const create = (payload: P) => ({ type, payload, meta: { id: payload.id, attempt: payload.attempt, at: payload.at } })
    const match = (action: unknown): action is ReturnType<typeof create> => fieldsOf(action)['type'] === type
    return Object.assign(create, { type, match, toString: () => type })
  }
  type Target = { readonly id: string; readonly channelId: string; readonly attempt: number } & At
  return {
    connectionStarted: report<{ readonly attempt: number }>('connectionStarted'),
    connectionOpened: report<At>('connectionOpened'),
    connectionLost: report<{
      readonly status: 'reconnecting' | 'offline' | 'unauthorized' | 'failed'
      readonly reason: string
      readonly attempt: number
      readonly nextRetryAt: number | null
      /** The connection had been open: what was in flight has an unknown outcome. */
      readonly wasOpen: boolean
      readonly error?: ChatError
    }>('connectionLost'),
    sessionAnnounced: report<{
      readonly capabilities: readonly string[]
      readonly maxMessageBytes: number | null
      readonly dedupWindowMs: number | null
    }>('sessionAnnounced'),
    tokenRefreshed: report<{ readonly expiresAt: number | null }>('tokenRefreshed'),
    messageEmitted: onMessage<Target & { readonly deadline: number }>('messageEmitted'),
    messageAcked: onMessage<Target & { readonly seq?: number; readonly createdAt?: number }>('messageAcked'),
    messageDelayed: onMessage<Target & {
      readonly reason: SendFailure
      readonly nextAttemptAt: number | null
      /** False when the attempt does not count against the budget (the token had expired). */
      readonly spent: boolean
    }>('messageDelayed'),
    messageFailed: onMessage<Target & { readonly failure: SendFailure; readonly error: ChatError }>('messageFailed'),
    /** `stored` false: their records were removed behind the queue's back. */
    outboxStored: report<{ readonly ids: readonly string[]; readonly stored?: boolean }>('outboxStored'),
    outboxRestored: report<{
      readonly userId: string
      readonly entries: readonly OutboxEntry<X>[]
      readonly reads: { readonly [channelKey: string]: ReadMark }
      /** They were composed before anything that is shown, whatever the clock said then. */
      readonly earlier?: boolean
    }>('outboxRestored'),
    syncStarted: report<{ readonly channelId: string; readonly direction: PageDirection }>('syncStarted'),
    pageLoaded: report<{ readonly channelId: string; readonly direction: PageDirection; readonly from: number; readonly page: Page<X> }>('pageLoaded'),
    syncFailed: report<{ readonly channelId: string; readonly direction: PageDirection; readonly error?: ChatError }>('syncFailed'),
    errorReported: report<{ readonly error: ChatError }>('errorReported'),
  }
}

/** `newer`: catch-up after a seq; `older`: history before one. */
export type PageDirection = 'newer' | 'older'

/** Events: what the server said, a burst at a time. */
const createEvents = <X extends Extra>(path: string) => ({
  messagesReceived: createAction<{ readonly messages: readonly WireMessage<X>[] }>(`${path}/messagesReceived`),
  receiptsReceived: createAction<{ readonly receipts: readonly ReceiptEvent[] }>(`${path}/receiptsReceived`),
})

/** Every action of one chat. `path` is its `reducerPath`; ids and times are made here, so that reducers stay pure. */
export function createActions<X extends Extra>(path: string, sources: Sources) {
  return {
    commands: createCommands<X>(path, sources),
    reports: createReports<X>(path),
    events: createEvents<X>(path),
  }
}

export type ChatActions<X extends Extra> = ReturnType<typeof createActions<X>>
/** What the UI asks for: `connect`, `sendMessage`, `markRead` ... */
export type Commands<X extends Extra> = ChatActions<X>['commands']
/** What happened: what the effects did or saw (`messageAcked`, `connectionLost` ...) and what the server said (`messagesReceived`, `receiptsReceived`). */
export type Facts<X extends Extra> = ChatActions<X>['reports'] & ChatActions<X>['events']
