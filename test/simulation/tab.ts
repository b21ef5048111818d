import { configureStore, isAction, type Middleware, type UnknownAction } from '@reduxjs/toolkit'
import { createChat, type SocketConfig } from 'redux-chat'
import { createTestEnvironment, type ManualClock, type MemoryLocks, type MemoryServer } from 'redux-chat/testing'
import type { LifecycleEvent } from '../../src/environment'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { createGate, createGatedLocks, gated } from './gate'
import type { Slot } from './plan'

export interface TabDeps {
  /** New for each life of the page. */
  readonly name: string
  readonly slot: Slot
  readonly seed: number
  readonly clock: ManualClock
  readonly server: MemoryServer
  readonly locks: MemoryLocks | null
  readonly openDisk: (isAlive: () => boolean) => RecordStorage
  /** Milliseconds that this device's wall clock is off. */
  readonly wallOffset: () => number
  readonly latencyMs: { readonly min: number; readonly max: number }
  readonly config: Partial<SocketConfig>
  readonly log: (line: string) => void
}

/** Socket.IO's own defaults: `pingInterval` and `pingTimeout`. */
const PING_TIMEOUT_MS = 45_000

/** One line for one action, enough to follow a message. */
export function summary({ type, payload, meta }: UnknownAction): string {
  const text = JSON.stringify(payload ?? meta ?? null) ?? ''
  return `${type.replace('chat/', '')} ${text.length > 160 ? `${text.slice(0, 160)}...` : text}`
}

/** One page with the real library in it. */
export function openTab(deps: TabDeps) {
  const { name, slot, locks } = deps
  let isAlive = true
  let isHidden = false
  const gate = createGate()
  const env = createTestEnvironment({
    seed: deps.seed, tab: name, server: deps.server, clock: deps.clock, locks, latencyMs: deps.latencyMs,
    storage: () => deps.openDisk(() => isAlive),
  })
  const gatedLocks = env.environment.locks && createGatedLocks(gate, env.environment.locks)
  let link: { timeOut(): void } | null = null
  const environment = gated(env.environment, gate, gatedLocks?.locks ?? null, {
    isHidden: () => isHidden, wallOffset: deps.wallOffset, onLink: (newest) => { link = newest },
  })
  const { getToken } = deps.config
  const chat = createChat({
    url: 'https://chat.test', ...deps.config, getToken: (request) => gate.later(Promise.resolve(getToken?.(request) ?? null)),
    reducerPath: 'chat', userTiming: false, environment,
  })
  const recorder: Middleware = () => (next) => (action) => {
    if (isAction(action)) deps.log(`${name} ${summary(action)}`)
    return next(action)
  }
  const store = configureStore({
    reducer: { chat: chat.reducer },
    middleware: (getDefault) => getDefault({ serializableCheck: false, immutableCheck: false, actionCreatorCheck: false }).concat(chat.middleware, recorder),
    devTools: false,
  })

  return {
    name, slot, env, chat, store,
    isAlive: () => isAlive,
    isFrozen: () => gate.isFrozen,
    state: () => store.getState().chat,
    /** Who is signed in, null for nobody. */
    userId: () => store.getState().chat.outbox.userId || null,
    messages: (channelId: string) => chat.selectors.selectMessages(store.getState(), channelId),
    message: (channelId: string, id: string) => chat.selectors.selectMessage(store.getState(), channelId, id),
    hide: (on: boolean) => {
      isHidden = on
      env.lifecycle[on ? 'hidden' : 'visible']()
    },
    /** Nothing arrives any more; the heartbeat of the connection that is open now notices in its time. */
    halfOpen(): void {
      const silent = link
      env.network.halfOpen()
      deps.clock.setTimer(PING_TIMEOUT_MS, () => { if (isAlive) silent?.timeOut() })
    },
    freeze: gate.freeze,
    thaw: (event: Extract<LifecycleEvent, 'resumed' | 'restored'>) => gate.thaw(() => env.lifecycle[event]()),
    /** The browser takes the locks of a page that it has put away. */
    loseLocks: () => gatedLocks?.releaseAll(),
    kill(): void {
      isAlive = false
      env.kill()
    },
  }
}

export type Tab = ReturnType<typeof openTab>
