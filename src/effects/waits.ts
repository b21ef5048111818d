import type { Clock } from '../environment'
import type { Extra, OutboxEntry } from '../model'

/** When delayed messages may go again, as this tab knows it: moments are monotonic, so no jump of the wall clock ends or prolongs a pause. */
export function createWaits(clock: Clock, longestMs: number) {
  const readyAt = new Map<string, number>()

  return {
    until: (id: string, moment: number) => readyAt.set(id, moment),
    forget: (id: string) => readyAt.delete(id),
    isRunning: (id: string): boolean => (readyAt.get(id) ?? 0) > clock.monotonic(),
    /** Whether the pause that an entry names is not over. */
    holds<X extends Extra>({ message: { id }, nextAttemptAt }: OutboxEntry<X>): boolean {
      if (nextAttemptAt === null) {
        readyAt.delete(id)
        return false
      }
      let ready = readyAt.get(id)
      if (ready === undefined) {
        // Restored from an earlier life: its wall-clock moment is worth no more than one longest pause.
        const left = Math.min(Math.max(0, nextAttemptAt - clock.now()), longestMs)
        readyAt.set(id, (ready = clock.monotonic() + left))
      }
      return ready > clock.monotonic()
    },
    /** The first moment still to come; Infinity without any. */
    next(now: number): number {
      let next = Infinity
      for (const moment of readyAt.values()) if (moment > now && moment < next) next = moment
      return next
    },
    /** Forgets all others. */
    keep(ids: ReadonlySet<string>): void {
      for (const id of readyAt.keys()) if (!ids.has(id)) readyAt.delete(id)
    },
    clear: () => readyAt.clear(),
  }
}
