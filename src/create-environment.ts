import { v7 as uuid } from 'uuid'
import type { Clock, Environment, Lifecycle, LifecycleEvent } from './environment'
import { ChatConfigError } from './chat-error'
import { withDefaults } from './policy/defaults'
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
    const all = (change: 'addEventListener' | 'removeEventListener'): void => {
      for (const name of WINDOW_EVENTS) window[change](name, onEvent)
      for (const name of DOCUMENT_EVENTS) document[change](name, onEvent)
    }
    all('addEventListener')
    return () => all('removeEventListener')
  },
}

/** Random bytes for this many ids are asked for at once: for each by itself, that takes longer than all the rest of an id. */
const POOLED_IDS = 64
const ID_BYTES = 16

const NO_CRYPTO = 'unable to make ids: there is no crypto.getRandomValues; import react-native-get-random-values first, or give environment.id'

/** UUID v7 in rising order: within a millisecond, and behind a clock that was set back, the sequence counts on. */
function createIds(): () => string {
  const pool = new Uint8Array(POOLED_IDS * ID_BYTES)
  const words = new Uint32Array(pool.buffer)
  let used = pool.length
  let msecs = -Infinity
  let seq = 0
  return () => {
    if (used === pool.length) {
      if (typeof crypto === 'undefined') throw new ChatConfigError('crypto_missing', NO_CRYPTO)
      crypto.getRandomValues(pool)
      used = 0
    }
    const start = used
    used += ID_BYTES
    const now = Date.now()
    // Half of the range stays free to count. An id takes its other random bits from the end of its bytes.
    if (now > msecs) [msecs, seq] = [now, (words[start >> 2] ?? 0) >>> 1]
    else if (++seq === 2 ** 32) [msecs, seq] = [msecs + 1, 0]
    return uuid({ random: pool.subarray(start, used), msecs, seq })
  }
}

/** The real world, as far as an app does not replace it. Opens nothing yet. */
export const createEnvironment = (given?: Partial<Environment>): Environment => withDefaults<Environment>({
  clock: systemClock,
  random: () => Math.random(),
  id: createIds(),
  transport: createSocketIoTransport(),
  lifecycle: pageLifecycle,
  storage: defaultStorage,
  locks: createWebLocks(),
}, given)
