import type { Environment } from '../environment'
import { BACKOFF, fullJitter } from '../policy/backoff'
import { SUSPECT_LOSSES } from '../policy/outbox'

/**
 * What was under way each time the connection broke may be what breaks it: an answer that is too large for the way, an event that the server
 * dies of. After two losses in a row it has to wait, ever longer, and all else has the connection meanwhile.
 * (Messages are counted in the outbox, because theirs outlive the page.)
 */
export function createSuspects({ clock, random }: Pick<Environment, 'clock' | 'random'>) {
  const losses = new Map<string, { readonly count: number; readonly until: number }>()
  const until = (key: string): number => losses.get(key)?.until ?? 0
  return {
    /** The connection broke; gives how often in a row. */
    lost(key: string): number {
      const count = (losses.get(key)?.count ?? 0) + 1
      losses.set(key, { count, until: count < SUSPECT_LOSSES ? 0 : clock.monotonic() + 2 * BACKOFF.baseMs + fullJitter(count, random(), BACKOFF) })
      return count
    },
    /** It went well. */
    cleared: (key: string): void => void losses.delete(key),
    /** Until when it waits (monotonic); 0 for what is not suspected. */
    until,
    has: (key: string): boolean => until(key) > 0,
    clear: (): void => losses.clear(),
  }
}
