import type { Stop } from '../environment'

/** The port to the Web Locks API (or its simulated twin): a lock held for the tab's life says that the tab lives. */
export interface TabLocks {
  /** Takes `name` and holds it until the returned stop is called or the tab ends. Queued, never stolen. */
  hold(name: string): Stop
  /** Which of `names` some living tab holds. */
  held(names: readonly string[]): Promise<ReadonlySet<string>>
  /** Runs `task` while holding `name`; queued behind other holders. */
  during<T>(name: string, task: () => Promise<T>): Promise<T>
}

export const createWebLocks = (): TabLocks | null => null
