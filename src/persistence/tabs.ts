import type { Stop } from '../environment'

/** The port to Web Locks and BroadcastChannel (or their simulated twin): a lock held for the tab's life says that the tab lives. */
export interface TabLocks {
  /** Takes `name`, or queues for it, and holds it until the returned stop is called or the tab ends. Never stolen. */
  hold(name: string, onGranted?: () => void): Stop
  /** Which of `names` some living tab holds. */
  held(names: readonly string[]): Promise<ReadonlySet<string>>
  /** Runs `task` while holding `name`; queued behind other holders. */
  during<T>(name: string, task: () => Promise<T>): Promise<T>
  /** Makes `tab` known to all that meet at `place`, and hears of each of them: of those that are there now, and of each that comes (again) later. */
  meet(place: string, tab: string, met: (tab: string) => void): Stop
}

/** Web Locks of this page; null where they do not exist (old WebViews, insecure contexts, Node). */
export function createWebLocks(): TabLocks | null {
  const manager = typeof navigator === 'undefined' ? undefined : navigator.locks
  if (!manager) return null
  return {
    hold(name, onGranted) {
      const waiting = new AbortController()
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => { release = resolve })
      // Ends with the page or with the stop; a refusal (a page that is going away, a stop before its turn) leaves nothing to hold.
      manager.request(name, { signal: waiting.signal }, () => {
        onGranted?.()
        return released
      }).catch(() => undefined)
      return () => {
        waiting.abort()
        release()
      }
    },
    async held(names) {
      const wanted = new Set(names)
      const { held = [] } = await manager.query()
      return new Set(held.flatMap(({ name }) => (name !== undefined && wanted.has(name) ? [name] : [])))
    },
    during: async (name, task) => await manager.request(name, task),
    meet(place, tab, met) {
      // Then the end of a tab that comes later is noticed by the next one that opens.
      if (typeof BroadcastChannel === 'undefined') return () => undefined
      const channel = new BroadcastChannel(place)
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        const { name, isNew } = typeof data === 'object' && data !== null ? data as { name?: unknown; isNew?: unknown } : {}
        if (typeof name !== 'string') return
        met(name)
        if (isNew === true) channel.postMessage({ name: tab, isNew: false })
      }
      channel.postMessage({ name: tab, isNew: true })
      return () => channel.close()
    },
  }
}

/** Runs `task` with the lock; without it where there are no locks, or they are refused. */
export async function alone<T>(locks: TabLocks | null, name: string, task: () => Promise<T>): Promise<T> {
  if (!locks) return task()
  let isStarted = false
  try {
    return await locks.during(name, () => {
      isStarted = true
      return task()
    })
  } catch (reason) {
    if (isStarted) throw reason
    return task()
  }
}

/** Holds the first of `names` that no living tab holds, until the stop; null when all are held. */
export const holdFree = (locks: TabLocks, place: string, names: readonly string[]): Promise<{ readonly at: number; readonly stop: Stop } | null> =>
  locks.during(place, async () => {
    const held = await locks.held(names)
    const at = names.findIndex((name) => !held.has(name))
    const name = names[at]
    if (name === undefined) return null
    return new Promise((resolve) => {
      const stop = locks.hold(name, () => resolve({ at, stop }))
      // Nobody else can have it: what is not held by now was refused.
      const giveUp = (): void => {
        stop()
        resolve(null)
      }
      locks.held([name]).then((now) => { if (!now.has(name)) giveUp() }, giveUp)
    })
  })
