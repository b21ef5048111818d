import { configureStore } from '@reduxjs/toolkit'
import { createChat } from '../../../src/index'

/** Ours, until the state says `connected`. */
export const start = (url: string): Promise<void> => new Promise((resolve) => {
  const chat = createChat({ url, token: 'token' })
  const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  store.subscribe(() => { if (chat.selectors.selectConnection(store.getState()).status === 'connected') resolve() })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
})
