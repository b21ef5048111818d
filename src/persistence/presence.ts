import type { Visit } from './adoption'
import type { Ownership } from './ownership'

export interface PresenceDeps {
  readonly ownership: Ownership
  readonly isOver: (visit: Visit) => boolean
  /** What waits to be written gets the name of now. */
  renamed(userId: string): void
  /** The storage is looked at again, soon. */
  lookAgain(visit: Visit): void
  /** Likewise, for what another tab has left. */
  lookAfter(delayMs: number, visit: Visit): void
}

/** What this tab tells the others of a visit, and hears of them. */
export function createPresence({ ownership, isOver, renamed, lookAgain, lookAfter }: PresenceDeps) {
  /** What a tab has left by its end a look finds, as it finds all else. */
  function awaitEnd(visit: Visit, tab: string): void {
    if (!isOver(visit)) ownership.awaitEnd(visit.userId, tab, (graceMs) => lookAfter(graceMs, visit))
  }

  return {
    awaitEnd,
    /** Says that this tab lives, whatever its records are named after by now; false when others may have taken it for dead. */
    async claim(visit: Visit): Promise<boolean> {
      const { userId } = visit
      const before = ownership.name()
      const kept = await ownership.claim(userId, () => !isOver(visit))
      if (!kept || ownership.name() !== before) {
        renamed(userId)
        // What was written under the old name since is with whoever stands in for it.
        ownership.leaveBehind(userId, before)
      }
      return kept
    },
    /** Hears of the other tabs, and they of this one; `begun` when it does. */
    meet(visit: Visit, begun: () => void): void {
      if (!isOver(visit)) ownership.meet(visit.userId, (tab) => (ownership.isOurs(tab) ? lookAgain(visit) : awaitEnd(visit, tab)), begun)
    },
    /** Those of `tabs` that live, and those whose records somebody moves just now, who may have been stopped amid it: their end is waited for, and holds up nothing else. */
    async livingOf(visit: Visit, tabs: readonly string[]): Promise<readonly string[]> {
      const living = await ownership.living(visit.userId, tabs)
      for (const tab of living) awaitEnd(visit, tab)
      const moving = await ownership.moving(tabs.filter((tab) => !living.includes(tab)))
      for (const tab of moving) if (!isOver(visit)) ownership.awaitMoved(tab, () => lookAfter(0, visit))
      return [...living, ...moving]
    },
  }
}

export type Presence = ReturnType<typeof createPresence>
