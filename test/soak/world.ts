import { configureStore } from '@reduxjs/toolkit'
import { createChat } from '../../src/react/index'
import { createTestEnvironment } from '../../src/testing/index'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { createSoakServer } from './soak-server'

/** One tab against the soak server. Windows are small, so that the steady state is reached soon. */
export function createSoakWorld(stored: boolean) {
  const storage = createMemoryStorage()
  const env = createTestEnvironment({ storage: () => (stored ? storage : null) })
  const server = createSoakServer()
  const chat = createChat({
    url: 'https://chat.test', token: 'token', history: { windowSize: 30, maxChannels: 20 },
    environment: { ...env.environment, transport: server.transport },
  })
  const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  return {
    env, server, chat, store,
    advance: env.clock.advance,
    stateBytes: (): number => JSON.stringify(store.getState()).length,
    connect: () => store.dispatch(chat.actions.connect({ userId: 'me' })),
    /** What is left once everything has ended. */
    async left() {
      store.dispatch(chat.actions.disconnect())
      await env.clock.advance(120_000)
      const records = (await Promise.all(['me', 'other'].map((userId) => storage.load(userId)))).flatMap((each) => each.records)
      return {
        timers: env.timers, listeners: env.lifecycle.listeners, sockets: server.open, locks: env.locks?.size ?? 0,
        errors: store.getState().chat.errors.length, unsent: chat.selectors.selectOutbox(store.getState()).length, records: records.length,
      }
    },
  }
}

export type SoakWorld = ReturnType<typeof createSoakWorld>
