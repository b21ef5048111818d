export interface BackoffOptions {
  readonly baseMs: number
  readonly maxMs: number
}

/** For all that is tried again, unless the app says otherwise. */
export const BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 30_000 }

/** For a device that refuses to read or to write. */
export const DEVICE_BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 60_000 }

/** A pause that a server asks for must end. */
export const MAX_PAUSE_MS = 60 * 60 * 1_000

/**
 * Full jitter: uniform between 0 and the capped exponential step, so that a fleet never retries in step
 * (AWS Architecture Blog, "Exponential Backoff and Jitter"). `failures` counts from 1; `random` is in [0, 1).
 */
export function fullJitter(failures: number, random: number, { baseMs, maxMs }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(random * ceiling)
}

/** A delay spread evenly around `delayMs`: `jitter` 0.5 gives 75 % to 125 % of it. */
export function spread(delayMs: number, jitter: number, random: number): number {
  return Math.round(delayMs * (1 - jitter / 2 + jitter * random))
}
