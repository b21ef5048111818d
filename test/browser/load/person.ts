import { configureStore, createSlice, type PayloadAction } from '@reduxjs/toolkit'
import { useSyncExternalStore } from 'react'
import type { Message, Transport } from 'redux-chat'
import { createChat } from 'redux-chat/react'
import { createActionLog } from '../../../demo/client/action-log'
import { createDrafts } from '../../../demo/client/drafts'
import { createSwitchedTransport } from '../../../demo/client/network-switch'
import type { Person } from '../../../demo/client/person'
import { createSeries } from '../../../demo/client/series'

export interface PersonOptions {
  readonly url: string
  readonly windowSize: number
  readonly pageSize: number
  readonly hear: (event: string, args: readonly unknown[]) => void
}

/** As the demo's `createPerson`, without its identity provider and action log, and with an ear at the transport. */
export function createLoadPerson({ url, windowSize, pageSize, hear }: PersonOptions): Person {
  const userId = 'alice'
  const network = createSwitchedTransport(userId)
  const transport: Transport = {
    open: (request, handlers) => network.transport.open(request, {
      ...handlers,
      onEvent(event, args) {
        hear(event, args)
        handlers.onEvent(event, args)
      },
    }),
  }
  const chat = createChat({
    url, token: 'load-token', history: { windowSize, pageSize }, environment: { transport, lifecycle: network.lifecycle },
  })
  const store = configureStore({
    reducer: { [chat.reducerPath]: chat.reducer },
    middleware: (getDefault) => getDefault().concat(chat.middleware),
  })
  return { userId, chat, store, network, latencies: createSeries(), log: createActionLog(), drafts: createDrafts() }
}

const NOTHING_MORE = {
  channelId: '', sync: 'idle', gap: null, gapsDetectable: false, hasOlder: false, loadingOlder: false, hasNewer: false, latestSeq: null,
  loadOlder: () => undefined, loadNewer: () => undefined, markRead: () => undefined,
} as const

/** The same person, whose messages are a plain slice: what an app would write first. */
export function withSlice(person: Person, limit: number) {
  const slice = createSlice({
    name: 'list',
    initialState: [] as Message[],
    reducers: {
      received(messages, { payload }: PayloadAction<Message>) {
        messages.push(payload)
        if (messages.length > limit) messages.shift()
      },
    },
  })
  const store = configureStore({ reducer: slice.reducer })
  const useMessages = (): readonly Message[] => useSyncExternalStore(store.subscribe, store.getState)
  return {
    person: { ...person, chat: { ...person.chat, useMessages, useChannel: () => NOTHING_MORE, useUnreadCount: () => 0 } } satisfies Person,
    messages: store.getState,
    received: (message: Message): void => { store.dispatch(slice.actions.received(message)) },
  }
}
