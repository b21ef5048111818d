import type { RecordStorage } from './persistence/record-storage'
import type { TabLocks } from './persistence/tabs'
import type { Transport } from './transport/transport'

/** Undoes what the call that returned it started. Safe to call twice. */
export type Stop = () => void

export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump both ways. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls `task` once, no sooner than `delayMs` from now. */
  setTimer(delayMs: number, task: () => void): Stop
}

/** What the page or process tells about itself. `restored`: from the back/forward cache; `resumed`: after a freeze. */
export type LifecycleEvent = 'online' | 'offline' | 'visible' | 'hidden' | 'restored' | 'resumed'

export interface Lifecycle {
  isOnline(): boolean
  subscribe(listener: (event: LifecycleEvent) => void): Stop
}

/** Everything that is not deterministic reaches the library through this one object. */
export interface Environment {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** A new UUID v7; ids of one environment sort in the order in which they were made. */
  readonly id: () => string
  readonly transport: Transport
  readonly lifecycle: Lifecycle
  /**
   * Opens the storage on first use (never at creation); null when this device has none. It may call `dropped` whenever all that was stored
   * may be gone: then the storage is read again, and what is shown is stored again.
   */
  readonly storage: (name: string, dropped?: () => void) => RecordStorage | null
  /** Null where Web Locks do not exist. */
  readonly locks: TabLocks | null
}
