import type { Lifecycle, LifecycleEvent } from '../environment'

/** A page whose life the test directs. It starts online and visible. */
export interface ManualLifecycle extends Lifecycle {
  online(): void
  offline(): void
  visible(): void
  hidden(): void
  /** Back from the back/forward cache. */
  restored(): void
  /** Back from a freeze. */
  resumed(): void
  /** Subscribed listeners: 0 once everything has been cleaned up. */
  readonly listeners: number
}

export function createManualLifecycle(): ManualLifecycle {
  const listeners = new Set<(event: LifecycleEvent) => void>()
  let isOnline = true

  const tell = (event: LifecycleEvent) => () => {
    if (event === 'online' || event === 'offline') isOnline = event === 'online'
    for (const listener of [...listeners]) listener(event)
  }

  return {
    isOnline: () => isOnline,
    subscribe(listener) {
      // A wrapper per subscription: the same function subscribed twice is told twice and stopped one at a time.
      const own = (event: LifecycleEvent) => listener(event)
      listeners.add(own)
      return () => { listeners.delete(own) }
    },
    online: tell('online'),
    offline: tell('offline'),
    visible: tell('visible'),
    hidden: tell('hidden'),
    restored: tell('restored'),
    resumed: tell('resumed'),
    get listeners() { return listeners.size },
  }
}
