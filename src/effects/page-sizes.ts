import type { Clock } from '../environment'

/** The way may have become wider: a channel is asked for whole pages again so long after the last one that was too large for it. */
const SMALLER_MS = 600_000

/** How many messages a channel is asked for: whole pages, and smaller ones where these break the connection or come too late. */
export function createPageSizes(clock: Clock, whole: number) {
  /** Until when: monotonic. */
  const smaller = new Map<string, { readonly size: number; readonly until: number }>()
  function of(channelId: string): number {
    const known = smaller.get(channelId)
    return known && clock.monotonic() < known.until ? known.size : whole
  }
  return {
    of,
    halve: (channelId: string): void => void smaller.set(channelId, { size: Math.max(1, of(channelId) >> 1), until: clock.monotonic() + SMALLER_MS }),
    clear: (): void => smaller.clear(),
  }
}
