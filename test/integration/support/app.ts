import 'fake-indexeddb/auto'
import { configureStore } from '@reduxjs/toolkit'
import { IDBFactory } from 'fake-indexeddb'
import { createChat, type SocketConfig } from 'redux-chat'
import { createIndexedDbStorage } from '../../../src/persistence/indexed-db'
import { until } from './until'

export interface AppOptions {
  readonly url: string
  readonly userId?: string
  readonly config?: Partial<SocketConfig>
  /** The device: give the same one to two apps for a reload. */
  readonly device?: IDBFactory
}

/** An app as its users have it: real clock, real sockets; only the device's storage is fake. Delays are short. */
export function openApp({ url, userId = 'alice', config = {}, device = new IDBFactory() }: AppOptions) {
  const chat = createChat({
    url, getToken: () => `token-of-${userId}`, ...config, reducerPath: 'chat',
    reconnection: { attempts: 500, delayMs: 20, timeoutMs: 2_000, ...config.reconnection },
    delivery: { ackTimeoutMs: 250, backoff: { baseMs: 20, maxMs: 80 }, maxAttempts: 100, ...config.delivery },
    environment: { storage: (name) => createIndexedDbStorage({ name, factory: device }), ...config.environment },
  })
  const store = configureStore({
    reducer: { [chat.reducerPath]: chat.reducer },
    middleware: (getDefault) => getDefault({ serializableCheck: false, immutableCheck: false }).concat(chat.middleware),
  })
  const { selectors, actions } = chat
  const state = () => store.getState()
  const shown = (channelId = 'general') =>
    selectors.selectMessages(state(), channelId).map(({ content, status }) => `${content}:${status}`)
  const app = {
    chat, store, device, shown,
    connection: () => selectors.selectConnection(state()),
    messages: (channelId = 'general') => selectors.selectMessages(state(), channelId),
    channel: (channelId = 'general') => selectors.selectChannel(state(), channelId),
    outbox: () => selectors.selectOutbox(state()),
    errors: () => selectors.selectErrors(state()),
    errorCodes: () => selectors.selectErrors(state()).map(({ type, code }) => `${type}:${code}`),
    connect: () => store.dispatch(actions.connect({ userId })),
    disconnect: () => store.dispatch(actions.disconnect()),
    send: (content: string, channelId = 'general') => store.dispatch(actions.sendMessage({ channelId, content })).payload.id,
    until: (holds: () => boolean, timeoutMs?: number) => until(store, holds, () => ({
      connection: app.connection(), errors: app.errorCodes(), outbox: app.outbox().slice(0, 3), unsent: app.outbox().length, shown: shown().slice(-5),
    }), timeoutMs),
    untilShown: (expected: readonly string[], channelId = 'general') =>
      app.until(() => JSON.stringify(shown(channelId)) === JSON.stringify(expected)),
    untilConnected: () => app.until(() => app.connection().status === 'connected'),
    untilSent: (timeoutMs?: number) => app.until(() => app.outbox().length === 0, timeoutMs),
  }
  return app
}

export type App = ReturnType<typeof openApp>
