import type { CloseEvent, ConnectionHandlers, Transport } from '../../src/transport/transport'
import { configureStore, isAction, type Middleware, type UnknownAction } from '@reduxjs/toolkit'
import { createChat } from 'redux-chat'
import { createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'

/** What the client emitted and a hostile server may answer: wrongly, late, twice. */
export interface Asked {
  readonly event: string
  readonly payload: { readonly [field: string]: unknown }
  readonly answer: (response: unknown) => void
  /** Which connection asked. */
  readonly connection: number
  /** When, on the monotonic clock. */
  readonly at: number
}

export const ME = 'alice'
export const CAPABILITIES = ['sync', 'ordered', 'auth-refresh']
export const LIMITS = { windowSize: 12, pageSize: 5, maxChannels: 3 }
const MAX_ASKED = 40

/** A store whose server is the test: it opens every connection, and then says whatever it is told to. */
export function createHostileWorld() {
  const env = createTestEnvironment()
  const asked: Asked[] = []
  let current: ConnectionHandlers | null = null
  let connection = 0

  const transport: Transport = {
    open(_request, handlers) {
      const mine = ++connection
      queueMicrotask(() => {
        if (mine !== connection) return
        current = handlers
        handlers.onOpen()
      })
      return {
        emit(event, [payload], onAck) {
          if (onAck) asked.push({ event, payload: Object.fromEntries(Object.entries(payload ?? {})), answer: onAck, connection: mine, at: env.clock.monotonic() })
          if (asked.length > MAX_ASKED) asked.shift()
        },
        close() { if (mine === connection) current = null },
      }
    },
  }
  const store = createStore(env, transport)

  return {
    env, store, asked,
    invalid: () => store.chat.metrics.getSnapshot().invalidPayloads,
    isOpen: () => current !== null,
    connection: () => connection,
    say(event: string, args: readonly unknown[]): void {
      current?.onEvent(event, args)
    },
    cut(event: CloseEvent): void {
      const handlers = current
      current = null
      handlers?.onClose(event)
    },
    /** A working connection with everything announced. */
    async connect(): Promise<void> {
      store.dispatch(store.chat.actions.connect({ userId: ME }))
      await env.clock.flush()
      this.say('session', [{ capabilities: CAPABILITIES }])
    },
  }
}

function createStore({ environment }: TestEnvironment, transport: Transport) {
  const chat = createChat({
    url: 'https://chat.test', token: 'token', storage: false, history: LIMITS, environment: { ...environment, transport },
    events: {
      'app:checked': { action: (payload: never) => ({ type: 'app/checked', payload }), parse: (payload) => parseTopic(payload) as never },
      'app:plain': () => ({ type: 'app/plain' }),
    },
  })
  const actions: UnknownAction[] = []
  const recorder: Middleware = () => (next) => (action) => {
    if (isAction(action)) actions.push(action)
    return next(action)
  }
  // The check for plain actions and state stays; the one for mutations costs half of the time and is made in every other test.
  const store = configureStore({
    reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault({ immutableCheck: false }).concat(chat.middleware, recorder),
  })
  return { chat, actions, dispatch: store.dispatch, state: () => store.getState().chat }
}

/** What an app's own `parse` does: it throws at what it does not expect. */
function parseTopic(payload: unknown): { readonly topic: string } {
  if (typeof payload === 'object' && payload !== null && 'topic' in payload && typeof payload.topic === 'string') return { topic: payload.topic }
  throw new Error('no topic')
}

export type HostileWorld = ReturnType<typeof createHostileWorld>
