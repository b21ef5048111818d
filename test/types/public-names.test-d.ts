/** Compiled by `npm run types`, never run: what the public names promise to a TypeScript user. */
import { combineReducers, configureStore, createAction, type Middleware, type Reducer, type UnknownAction } from '@reduxjs/toolkit'
import { expectTypeOf } from 'vitest'
import {
  chatDevTools, createChat, createSocketIoTransport, socketBindings,
  type ChannelView, type Chat, type ChatConfigError, type ChatError, type ChatSelectors, type ChatState, type Commands, type ComposedMessage, type ConnectionState,
  type Draft, type Environment, type Facts, type GetToken, type KeyValueStorage, type Message, type MessagesState, type MessageStatus, type SocketCallbacks, type MetricsSnapshot, type MetricSample, type RecordStorage, type SendFailure,
  type SocketConfig, type SocketErrorType, type SocketEvents, type SocketResponse, type Sequence, type Table, type TabLocks, type Transport, type WireMessage,
} from 'redux-chat'
import type { ChatErrorBoundaryProps, ChatHooks, SocketOptions } from 'redux-chat/react'

const plain = createChat({ url: 'https://chat.test', token: 't' })
const todos = (state: readonly string[] = []): readonly string[] => state

// The shape of the object.
expectTypeOf(plain).toEqualTypeOf<Chat<{}, 'chat'>>()
expectTypeOf(plain.reducerPath).toEqualTypeOf<'chat'>()
expectTypeOf(plain.reducer).toEqualTypeOf<Reducer<ChatState<{}>, UnknownAction>>()
expectTypeOf(plain.middleware).toExtend<Middleware>()
expectTypeOf(plain.metrics.getSnapshot()).toEqualTypeOf<MetricsSnapshot>()
expectTypeOf(chatDevTools).toBeFunction()
expectTypeOf(createSocketIoTransport({ path: '/ws', transports: ['polling'], extraHeaders: {} })).toEqualTypeOf<Transport>()
expectTypeOf<ChatConfigError>().toExtend<Error>()
expectTypeOf<ChatConfigError['code']>().toEqualTypeOf<string>()

// Selectors take the root state that configureStore infers.
const store = configureStore({
  reducer: { [plain.reducerPath]: plain.reducer, todos },
  middleware: (getDefault) => getDefault().concat(plain.middleware),
})
type RootState = ReturnType<typeof store.getState>
const state: RootState = store.getState()
expectTypeOf(state.todos).toEqualTypeOf<readonly string[]>()
expectTypeOf(state.chat).toEqualTypeOf<ChatState<{}>>()
expectTypeOf(plain.selectors.selectMessages(state, 'general')).toEqualTypeOf<readonly Message<{}>[]>()
expectTypeOf(plain.selectors.selectMessage(state, 'general', 'id')).toEqualTypeOf<Message<{}> | undefined>()
expectTypeOf(plain.selectors.selectConnection(state)).toEqualTypeOf<ConnectionState>()
expectTypeOf(plain.selectors.selectChannel(state, 'general')).toEqualTypeOf<ChannelView>()
expectTypeOf(plain.selectors.selectUnreadCount(state, 'general')).toEqualTypeOf<number>()
expectTypeOf(plain.selectors.selectErrors(state)).toEqualTypeOf<readonly ChatError[]>()
expectTypeOf(plain.selectors.selectOutbox(state)).toEqualTypeOf<readonly Message<{}>[]>()
// @ts-expect-error a channel is needed
plain.selectors.selectMessages(state)
// @ts-expect-error a state without the chat is no root state
plain.selectors.selectConnection({ todos: [] })

// A custom reducerPath is kept as a literal and decides where the selectors look.
const support = createChat({ url: 'https://chat.test', token: 't', reducerPath: 'support' })
expectTypeOf(support.reducerPath).toEqualTypeOf<'support'>()
const both = combineReducers({ [plain.reducerPath]: plain.reducer, [support.reducerPath]: support.reducer })
type BothState = ReturnType<typeof both>
expectTypeOf<keyof BothState>().toEqualTypeOf<'chat' | 'support'>()
declare const bothState: BothState
expectTypeOf(support.selectors.selectMessages(bothState, 'help')).toEqualTypeOf<readonly Message<{}>[]>()
plain.selectors.selectMessages(bothState, 'general')
// @ts-expect-error `support` is not mounted in this store
support.selectors.selectMessages(state, 'help')

// Actions: plain data, the id known at once.
const sent = store.dispatch(plain.actions.sendMessage({ channelId: 'general', content: 'hi' }))
expectTypeOf(sent.payload.id).toEqualTypeOf<string>()
expectTypeOf(sent.payload.createdAt).toEqualTypeOf<number>()
expectTypeOf(sent.type).toExtend<string>()
expectTypeOf(plain.actions.connect).parameter(0).toEqualTypeOf<{ readonly userId: string }>()
plain.actions.signOut()
plain.actions.signOut({ discardOutbox: true })
plain.actions.markRead({ channelId: 'general' })
plain.actions.markRead({ channelId: 'general', messageId: 'id' })
plain.actions.retryAllFailed()
plain.actions.clearErrors()
// @ts-expect-error a message needs its content
plain.actions.sendMessage({ channelId: 'general' })
// @ts-expect-error content is text
plain.actions.sendMessage({ channelId: 'general', content: 1 })
// @ts-expect-error a chat without extras takes none
plain.actions.sendMessage({ channelId: 'general', content: 'hi', mood: 'good' })
// @ts-expect-error connect needs to know who
plain.actions.connect()
// @ts-expect-error messages are retried by id
plain.actions.retryMessage('id')
// @ts-expect-error there is no such action
void plain.actions.resend

// Facts: to be matched by the app's reducers and listeners.
declare const some: UnknownAction
if (plain.facts.messagesReceived.match(some)) expectTypeOf(some.payload.messages).toEqualTypeOf<readonly WireMessage<{}>[]>()
if (plain.facts.messageFailed.match(some)) expectTypeOf(some.payload.error).toEqualTypeOf<ChatError>()
expectTypeOf(plain.facts).toEqualTypeOf<Facts<{}>>()
expectTypeOf(plain.actions).toEqualTypeOf<Commands<{}>>()
expectTypeOf(plain.selectors).toEqualTypeOf<ChatSelectors<{}, 'chat'>>()
expectTypeOf<ReturnType<typeof plain.actions.sendMessage>['payload']>().toEqualTypeOf<ComposedMessage<{}>>()
expectTypeOf<ChatState['messages']>().toEqualTypeOf<MessagesState<{}>>()

// A configuration that is kept in a variable says where the chat is mounted.
declare const kept: SocketConfig
createChat(kept).selectors.selectMessages(bothState, 'general')

// parseExtra types the app's own fields everywhere.
interface Mood { readonly mood: 'good' | 'bad'; readonly replyTo?: string }
const moody = createChat({
  url: 'https://chat.test',
  token: 't',
  parseExtra: (extra): Mood => ({ mood: extra['mood'] === 'bad' ? 'bad' : 'good' }),
})
expectTypeOf(moody).toEqualTypeOf<Chat<Mood, 'chat'>>()
const moodyStore = configureStore({ reducer: { chat: moody.reducer } })
const feeling = moody.selectors.selectMessages(moodyStore.getState(), 'general')[0]
expectTypeOf(feeling).toEqualTypeOf<Message<Mood> | undefined>()
if (feeling) {
  expectTypeOf(feeling.mood).toEqualTypeOf<'good' | 'bad'>()
  expectTypeOf(feeling.status).toEqualTypeOf<MessageStatus>()
  // @ts-expect-error what selectors give is read-only
  feeling.content = 'changed'
}
expectTypeOf(moody.actions.sendMessage).parameter(0).toEqualTypeOf<Draft<Mood>>()
expectTypeOf(moody.actions.sendMessage({ channelId: 'general', content: 'hi', mood: 'good' }).payload.mood).toEqualTypeOf<'good' | 'bad'>()
// @ts-expect-error the extra is required
moody.actions.sendMessage({ channelId: 'general', content: 'hi' })
// @ts-expect-error the extra has its type
moody.actions.sendMessage({ channelId: 'general', content: 'hi', mood: 'fine' })
// @ts-expect-error only declared extras
moody.actions.sendMessage({ channelId: 'general', content: 'hi', mood: 'good', colour: 'red' })

// Options.
createChat({ url: 'https://chat.test', getToken: async ({ skipCache }) => (skipCache ? null : 'jwt'), storage: false })
createChat({
  url: 'https://chat.test', token: 't', reconnection: { attempts: 3, delayMs: 500 }, delivery: { maxAttempts: 2 }, history: { pageSize: 20 },
})
expectTypeOf<Parameters<GetToken>[0]>().toEqualTypeOf<{ readonly skipCache: boolean }>()
expectTypeOf<ReturnType<GetToken>>().toEqualTypeOf<Promise<string | null> | string | null>()
// @ts-expect-error a url is needed
createChat({ token: 't' })
// @ts-expect-error options that do not exist are refused
createChat({ url: 'https://chat.test', token: 't', retries: 3 })
// @ts-expect-error so are those inside a section
createChat({ url: 'https://chat.test', token: 't', reconnection: { retries: 3 } })
// @ts-expect-error times are numbers of milliseconds
createChat({ url: 'https://chat.test', token: 't', reconnection: { delayMs: '1s' } })
// @ts-expect-error a token source gives a token
createChat({ url: 'https://chat.test', getToken: () => 1 })
createChat({ url: 'https://chat.test', token: 't', protocol: { names: { 'message:send': 'send', 'message:new': 'receive' } } })
// @ts-expect-error only our own events can be renamed
createChat({ url: 'https://chat.test', token: 't', protocol: { names: { 'message:sned': 'send' } } })

// Bindings are typed by the app's own event maps.
interface ServerEvents { typing: (who: { userId: string }) => void; ping: () => void; moved: (x: number, y: number) => void; asked: (question: string, answer: (text: string) => void) => void }
interface ClientEvents { typing: (where: { channelId: string }) => void; away: (reason: string) => void; left: (done: () => void) => void; moved: (x: number, y: number) => void }
const userTyping = createAction<{ userId: string }>('typing/seen')
const typing = createAction<{ channelId: string }>('typing/started')
const count = createAction<number>('count')
const pinged = createAction('pinged')
const moved = createAction<{ x: number; y: number }>('moved')
const bind = socketBindings<ServerEvents, ClientEvents>()
const bindings = bind({
  events: { typing: userTyping, ping: () => pinged(), moved: (x, y) => count(x + y), asked: (...args) => count(args.length satisfies 1) },
  emits: { typing: { action: typing, acked: (_response, payload) => count(payload.channelId.length) }, left: { action: pinged }, moved: { action: moved, args: ({ x, y }) => [x, y], failed: (_code, { x }) => count(x) } },
})
createChat({ url: 'https://chat.test', token: 't', ...bindings })
// Without event maps an action of any payload is bound.
createChat({ url: 'https://chat.test', token: 't', emits: { typing: { action: typing } } })
// @ts-expect-error the server has no such event
bind({ events: { tpying: userTyping } })
// @ts-expect-error the event's payload does not fit the action
bind({ events: { typing: count } })
// @ts-expect-error an event of two numbers gives no third
bind({ events: { moved: (x: number, y: number, z: number) => count(x + y + z) } })
// @ts-expect-error the client has no such event
bind({ emits: { shout: { action: typing } } })
// @ts-expect-error an event of two arguments needs both
bind({ emits: { moved: { action: count } } })
// @ts-expect-error these are not its arguments
bind({ emits: { moved: { action: moved, args: ({ x }) => [x, 'y'] } } })
// @ts-expect-error the action's payload does not fit the emit
bind({ emits: { away: { action: count } } })

// The plan's own types.
expectTypeOf<SocketConfig['url']>().toEqualTypeOf<string>()
expectTypeOf<SocketErrorType>().toExtend<string>()
expectTypeOf<'auth_failed' | 'connection_error' | 'message_failed'>().toExtend<SocketErrorType>()
expectTypeOf<ChatError['type']>().toEqualTypeOf<SocketErrorType>()
expectTypeOf<MessageStatus>().toEqualTypeOf<'pending' | 'sent' | 'delivered' | 'read' | 'failed'>()
expectTypeOf<SocketEvents<Mood>['message:send']>().toEqualTypeOf<WireMessage<Mood>>()
expectTypeOf<SocketEvents['auth:refresh']>().toEqualTypeOf<{ token: string }>()
expectTypeOf<Message['failure']>().toEqualTypeOf<SendFailure | undefined>()
declare const response: SocketResponse<{ seq: number }>
if (response.success) expectTypeOf(response.data.seq).toEqualTypeOf<number>()
else expectTypeOf(response.error).exclude<string>().toHaveProperty('code').toEqualTypeOf<string>()
// @ts-expect-error an answer has data only when it is a success
void response.data

// What tests and other platforms bring along.
expectTypeOf<Environment>().toHaveProperty('clock')
expectTypeOf<Environment>().toHaveProperty('transport').toExtend<Transport>()
expectTypeOf<RecordStorage['write']>().returns.toEqualTypeOf<Promise<readonly string[]>>()
expectTypeOf<TabLocks>().toHaveProperty('hold')
expectTypeOf<TabLocks>().toHaveProperty('meet')
expectTypeOf<ChatState['outbox']['channels']>().toExtend<Table<Sequence<unknown>>>()
expectTypeOf<KeyValueStorage>().toHaveProperty('getItem')
createChat({
  url: 'https://chat.test', token: 't',
  onError: (error) => expectTypeOf(error).toEqualTypeOf<ChatError>(),
  onAuthError: (error) => expectTypeOf(error).toEqualTypeOf<ChatError>(),
  onMetric: (sample) => expectTypeOf(sample).toEqualTypeOf<MetricSample>(),
})

// A component hands on what it may not have been given, also under `exactOptionalPropertyTypes`.
// A hook knows the extra fields, as the action does; no channel may be chosen yet.
expectTypeOf<ReturnType<ChatHooks<{}>['useSendMessage']>>().parameters.toEqualTypeOf<[content: string]>()
expectTypeOf<ReturnType<ChatHooks<Mood>['useSendMessage']>>().parameters.toEqualTypeOf<[content: string, extra: Mood]>()
expectTypeOf<null | undefined>().toExtend<Parameters<ChatHooks<{}>['useMessages']>[0]>()
expectTypeOf<{ onAuthError: undefined; onReconnect: undefined }>().toExtend<SocketCallbacks>()
expectTypeOf<{ userId: string; onAuthError: undefined; onConnectionError: undefined; onReconnect: undefined }>().toExtend<SocketOptions>()
expectTypeOf<{ fallbackRender: undefined; onError: undefined; resetKeys: undefined }>().toExtend<ChatErrorBoundaryProps>()

// No `any` reaches a user.
expectTypeOf(plain).not.toBeAny()
expectTypeOf(plain.actions).not.toBeAny()
expectTypeOf(sent.payload).not.toBeAny()
expectTypeOf(sent.meta).not.toBeAny()
expectTypeOf(feeling).not.toBeAny()
expectTypeOf(state.chat.outbox).not.toBeAny()
expectTypeOf(bindings).not.toBeAny()
