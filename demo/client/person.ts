import { configureStore, isAction, type Middleware } from '@reduxjs/toolkit'
import { chatDevTools } from 'redux-chat'
import { createChat } from 'redux-chat/react'
import { createActionLog } from './action-log'
import { createDrafts } from './drafts'
import { createTokenSource } from './identity'
import { createSwitchedTransport } from './network-switch'
import { createSeries } from './series'

/** Where the page is built with Redux Toolkit's checks (the tests do), what they cost is not worth a warning in its console. */
const CHECK_WARNS_AFTER_MS = 1_000

/** Everything one signed-in person has: a chat, a store that only added its reducer and middleware, and the demo's own switches. */
export function createPerson(userId: string) {
  const network = createSwitchedTransport(userId)
  const latencies = createSeries()
  const log = createActionLog()
  const chat = createChat({
    url: window.location.origin,
    getToken: createTokenSource(userId),
    // A page that nobody looks at is there again when its server is, however long that took; by default it is 5 attempts.
    reconnection: { attempts: Infinity },
    environment: { transport: network.transport, lifecycle: network.lifecycle },
    onMetric: ({ name, value }) => { if (name === 'ack_latency') latencies.add(value) },
  })
  const recorder: Middleware = () => (next) => (action) => {
    if (isAction(action)) log.add(action)
    return next(action)
  }
  const store = configureStore({
    reducer: { [chat.reducerPath]: chat.reducer },
    middleware: (getDefault) => getDefault({
      immutableCheck: { warnAfter: CHECK_WARNS_AFTER_MS },
      serializableCheck: { warnAfter: CHECK_WARNS_AFTER_MS },
    }).concat(chat.middleware, recorder),
    devTools: chatDevTools(),
  })
  return { userId, chat, store, network, latencies, log, drafts: createDrafts() }
}

export type Person = ReturnType<typeof createPerson>
