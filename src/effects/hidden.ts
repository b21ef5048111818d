import type { Clock } from '../environment'

/** A hidden page may be frozen at any time; after this long its socket has to prove that it lives. */
const PROBE_AFTER_HIDDEN_MS = 20_000

/** How long the page was out of sight. */
export function createHidden(clock: Clock) {
  let since: number | null = null
  return {
    begin(): void {
      since = clock.monotonic()
    },
    /** True when it was hidden for so long that anything may have happened. */
    end(): boolean {
      const wasLong = since !== null && clock.monotonic() - since > PROBE_AFTER_HIDDEN_MS
      since = null
      return wasLong
    },
  }
}
