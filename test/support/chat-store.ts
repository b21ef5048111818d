import { configureStore, isAction, type Middleware, type UnknownAction } from '@reduxjs/toolkit'
import { createChat, type SocketConfig } from 'redux-chat'
import { createTestEnvironment, type TestEnvironment, type TestEnvironmentOptions } from 'redux-chat/testing'

export interface OpenOptions {
  readonly env?: TestEnvironment
  readonly world?: TestEnvironmentOptions
  readonly config?: Partial<SocketConfig>
}

/** A store as an app would build it, in a simulated world; every dispatched chat action is recorded. */
export function openStore({ env = createTestEnvironment(), config = {}, world }: OpenOptions = {}) {
  const tab = world ? createTestEnvironment(world) : env
  const chat = createChat({ url: 'https://chat.test', getToken: () => 'token', ...config, reducerPath: 'chat', environment: { ...tab.environment, ...config.environment } })
  const actions: UnknownAction[] = []
  const recorder: Middleware = () => (next) => (action) => {
    if (isAction(action)) actions.push(action)
    return next(action)
  }
  const store = configureStore({
    reducer: { [chat.reducerPath]: chat.reducer, todos: (state: readonly string[] = []) => state },
    middleware: (getDefault) => getDefault().concat(chat.middleware, recorder),
  })
  const { selectors } = chat
  const state = () => store.getState()
  return {
    env: tab, chat, store, actions, selectors,
    dispatch: store.dispatch,
    messages: (channelId = 'general') => selectors.selectMessages(state(), channelId),
    /** `content:status` of a channel, the shortest honest picture of it. */
    shown: (channelId = 'general') => selectors.selectMessages(state(), channelId).map(({ content, status }) => `${content}:${status}`),
    connection: () => selectors.selectConnection(state()),
    channel: (channelId = 'general') => selectors.selectChannel(state(), channelId),
    errors: () => selectors.selectErrors(state()),
    types: () => actions.map(({ type }) => type),
    send: (content: string, channelId = 'general') => store.dispatch(chat.actions.sendMessage({ channelId, content })).payload.id,
    connect: (userId = 'alice') => store.dispatch(chat.actions.connect({ userId })),
    settle: () => tab.clock.flush(),
    advance: (ms: number) => tab.clock.advance(ms),
  }
}

export type TestStore = ReturnType<typeof openStore>
