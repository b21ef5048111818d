import type { Environment } from '../environment'
import { BACKOFF, fullJitter } from '../policy/backoff'

/** A list that asks on as long as there is more is no flood. */
const MAX_WANTED_MS = 5_000

interface Pause {
  /** In a row. */
  readonly failures: number
  /** Answers that brought nothing of what is missing, since it was last complete. */
  readonly inVain: number
  /** Answers that did not come in time, in a row. */
  readonly late: number
  /** Infinity while it waits for something else than time. */
  readonly readyAt: number
  /** The same for somebody who wants it now: sooner, but not before the server allows it. */
  readonly wantedAt: number
  /** Refused for good, when this was the newest seq. */
  readonly refusedAt?: number
}

const NONE: Pause = { failures: 0, inVain: 0, late: 0, readyAt: 0, wantedAt: 0 }

/** Pauses after failures, ever longer, by key. All moments are monotonic. */
export function createPauses({ clock, random }: Pick<Environment, 'clock' | 'random'>) {
  const pauses = new Map<string, Pause>()
  const of = (key: string): Pause => pauses.get(key) ?? NONE

  function begin(key: string, failures: number, inVain: number, retryAfterMs: number): void {
    const now = clock.monotonic()
    const least = BACKOFF.baseMs / 2
    const count = failures + inVain
    pauses.set(key, {
      failures, inVain, late: of(key).late,
      readyAt: now + Math.max(fullJitter(count, random(), BACKOFF), retryAfterMs, least),
      wantedAt: now + Math.max(Math.min(least * 2 ** (count - 1), MAX_WANTED_MS), retryAfterMs),
    })
  }

  return {
    of,
    failed: (key: string, retryAfterMs = 0): void => begin(key, of(key).failures + 1, of(key).inVain, retryAfterMs),
    /** The server has nothing where something is missing, or contradicts itself: asked again, but ever more slowly. */
    inVain: (key: string): void => begin(key, of(key).failures, of(key).inVain + 1, 0),
    late: (key: string): void => void pauses.set(key, { ...of(key), late: of(key).late + 1 }),
    /** Something came: it goes on at once. */
    progress: (key: string): void => void pauses.set(key, { ...NONE, inVain: of(key).inVain }),
    /** Only another connection, somebody who asks for it or a newer seq ends it. */
    refused: (key: string, latest: number): void => void pauses.set(key, { ...of(key), readyAt: Infinity, refusedAt: latest }),
    /** Nothing more is asked for before it is known what came. */
    hold: (key: string): void => void pauses.set(key, { ...of(key), readyAt: Infinity }),
    over: (key: string): void => void pauses.delete(key),
    /** Somebody asks for what waits for something else than time. */
    wanted: (key: string): void => void (of(key).readyAt === Infinity && pauses.delete(key)),
    clear: (): void => pauses.clear(),
  }
}
