import type { Environment } from '../environment'
import { BACKOFF, fullJitter } from '../policy/backoff'
import { SUSPECT_LOSSES } from '../policy/outbox'

/** Each try costs everybody the connection. */
const PAUSE = { baseMs: BACKOFF.baseMs, maxMs: 300_000 }

/**
 * What was under way each time the connection broke may be what breaks it: an answer that is too large for the way, an event that the server
 * dies of. After two losses in a row it has to wait, ever longer, and all else has the connection meanwhile.
 * (Messages are counted in the outbox, because theirs outlive the page.)
 */
export function createSuspects({ clock, random }: Pick<Environment, 'clock' | 'random'>) {
  const losses = new Map<string, { readonly count: number; readonly until: number }>()
  const countOf = (key: string): number => losses.get(key)?.count ?? 0
  return {
    /** The connection broke; gives how often in a row. */
    lost(key: string): number {
      const count = countOf(key) + 1
      losses.set(key, { count, until: count < SUSPECT_LOSSES ? 0 : clock.monotonic() + 2 * PAUSE.baseMs + fullJitter(count, random(), PAUSE) })
      return count
    },
    /** It went well. */
    cleared: (key: string): void => void losses.delete(key),
    /** Until when it waits (monotonic); 0 for what need not. */
    until: (key: string): number => losses.get(key)?.until ?? 0,
    /** Somebody asks for it: it waits no longer, and is as suspect as before. */
    wanted: (key: string): void => void (losses.has(key) && losses.set(key, { count: countOf(key), until: 0 })),
    clear: (): void => losses.clear(),
  }
}
