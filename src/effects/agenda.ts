import type { Clock } from '../environment'
import { createAlarm } from './alarm'

/** Which keys are dealt with first. */
export type Rank = 'urgent' | 'usual' | 'last'

/** Keys to be dealt with by their rank, some not before a moment. There may be 10,000, so none is looked at before its time. */
export function createAgenda(clock: Clock, ring: () => void) {
  const ranked = { urgent: new Set<string>(), usual: new Set<string>(), last: new Set<string>() }
  const lanes = Object.values(ranked)
  const waiting = new Map<string, { readonly at: number; readonly lane: Set<string> }>()
  /** The first moment that something waits for. */
  let wakeAt = Infinity
  const alarm = createAlarm(clock, ring)

  function wake(now: number): void {
    wakeAt = Infinity
    for (const [key, { at, lane }] of waiting) {
      if (at > now) wakeAt = Math.min(wakeAt, at)
      else {
        waiting.delete(key)
        lane.add(key)
      }
    }
  }

  function remove(key: string): void {
    for (const lane of lanes) lane.delete(key)
    waiting.delete(key)
  }

  return {
    remove,
    add(key: string, rank: Rank): void {
      remove(key)
      ranked[rank].add(key)
    },
    /** Deals with what is due until `isBusy`. `deal` returns the moment (monotonic) when to come again; `Infinity`, or one that is over: when it is added again. */
    run(isBusy: () => boolean, deal: (key: string, now: number) => number): void {
      if (waiting.size === 0) wakeAt = Infinity
      // Nothing is to be done, nothing is waited for: so it is with nearly every action.
      if (wakeAt === Infinity && lanes.every(({ size }) => size === 0)) return alarm.drop()
      const now = clock.monotonic()
      if (wakeAt <= now) wake(now)
      for (const lane of lanes) {
        for (const key of lane) {
          if (isBusy()) break
          lane.delete(key)
          const at = deal(key, now)
          if (at <= now || at === Infinity) continue
          waiting.set(key, { at, lane })
          wakeAt = Math.min(wakeAt, at)
        }
      }
      alarm.set(wakeAt)
    },
    clear(): void {
      alarm.drop()
      // Who is dealt with may clear it: the run that goes on has nothing to wait for.
      wakeAt = Infinity
      for (const keys of [...lanes, waiting]) keys.clear()
    },
  }
}
