import { v7 as uuid } from 'uuid'
import type { Clock, Environment, Lifecycle, LifecycleEvent } from './environment'
import { defaultStorage } from './persistence/default-storage'
import { createWebLocks } from './persistence/tabs'
import { createSocketIoTransport } from './transport/socket-io'

/** A longer timeout overflows 32 bits and fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, task) {
    let timer: ReturnType<typeof setTimeout>
    const wait = (leftMs: number): void => {
      timer = setTimeout(() => (leftMs > MAX_TIMEOUT_MS ? wait(leftMs - MAX_TIMEOUT_MS) : task()), Math.min(leftMs, MAX_TIMEOUT_MS))
    }
    wait(delayMs)
    return () => clearTimeout(timer)
  },
}

const WINDOW_EVENTS = ['online', 'offline', 'pageshow'] as const
const DOCUMENT_EVENTS = ['visibilitychange', 'resume'] as const

const lifecycleEvent = (event: Event): LifecycleEvent | null => {
  if (event.type === 'online' || event.type === 'offline') return event.type
  if (event.type === 'resume') return 'resumed'
  if (event.type === 'visibilitychange') return document.visibilityState === 'visible' ? 'visible' : 'hidden'
  return 'persisted' in event && event.persisted === true ? 'restored' : null
}

/** What a browser page tells; on a server and in Node nothing ever happens. */
const pageLifecycle: Lifecycle = {
  isOnline: () => typeof navigator === 'undefined' || navigator.onLine !== false,
  subscribe(listener) {
    if (typeof window === 'undefined' || typeof document === 'undefined') return () => undefined
    const onEvent = (event: Event): void => {
      const told = lifecycleEvent(event)
      if (told) listener(told)
    }
    for (const name of WINDOW_EVENTS) window.addEventListener(name, onEvent)
    for (const name of DOCUMENT_EVENTS) document.addEventListener(name, onEvent)
    return () => {
      for (const name of WINDOW_EVENTS) window.removeEventListener(name, onEvent)
      for (const name of DOCUMENT_EVENTS) document.removeEventListener(name, onEvent)
    }
  },
}

/** The real world, as far as an app does not replace it. Opens nothing yet. */
export const createEnvironment = (given: Partial<Environment> = {}): Environment => ({
  clock: systemClock,
  random: () => Math.random(),
  id: () => uuid(),
  transport: given.transport ?? createSocketIoTransport(),
  lifecycle: pageLifecycle,
  storage: defaultStorage,
  locks: createWebLocks(),
  ...given,
})
