import { configureStore, isAction, type Middleware } from '@reduxjs/toolkit'
import { chatDevTools } from 'redux-chat'
import { createChat } from 'redux-chat/react'
import { createActionLog } from './action-log'
import { createTokenSource } from './identity'
import { createSwitchedTransport } from './network-switch'

/** Everything one signed-in person has: a chat, a store that only added its reducer and middleware, and the demo's own switches. */
export function createPerson(userId: string) {
  const network = createSwitchedTransport()
  const log = createActionLog()
  const chat = createChat({
    url: window.location.origin,
    getToken: createTokenSource(userId),
    environment: { transport: network.transport, lifecycle: network.lifecycle },
  })
  const recorder: Middleware = () => (next) => (action) => {
    if (isAction(action)) log.add(action)
    return next(action)
  }
  const store = configureStore({
    reducer: { [chat.reducerPath]: chat.reducer },
    middleware: (getDefault) => getDefault().concat(chat.middleware, recorder),
    devTools: chatDevTools(),
  })
  return { userId, chat, store, network, log }
}

export type Person = ReturnType<typeof createPerson>
