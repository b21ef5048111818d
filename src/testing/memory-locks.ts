import type { TabLocks } from '../persistence/tabs'

/** Locks and meeting places that several simulated tabs share: FIFO per name, never stolen, as Web Locks are. */
export interface MemoryLocks {
  /** The locks as one tab sees them. */
  forTab(tab: string): TabLocks
  /** Ends a tab: what it holds passes on, what it waits for is forgotten, what it asks for later is ignored. */
  kill(tab: string): void
  /** Who holds what now: lock name -> tab. */
  holders(): ReadonlyMap<string, string>
  /** Requests that hold or wait, and tabs that meet: 0 once everything has been cleaned up. */
  readonly size: number
}

interface Guest {
  /** Where it runs, and what it calls itself. */
  readonly tab: string
  readonly name: string
  readonly met: (name: string) => void
}

interface LockRequest {
  readonly tab: string
  readonly granted: () => void
  state: 'waiting' | 'granted'
}

/** Creates the locks of one simulated browser profile. Grants are asynchronous (a microtask), as in browsers. */
export function createMemoryLocks(): MemoryLocks {
  const queues = new Map<string, LockRequest[]>()
  const places = new Map<string, readonly Guest[]>()
  const dead = new Set<string>()

  const grantHead = (name: string): void => {
    const head = queues.get(name)?.[0]
    if (head === undefined || head.state === 'granted') return
    head.state = 'granted'
    queueMicrotask(() => { if (queues.get(name)?.includes(head)) head.granted() })
  }

  const remove = (name: string, request: LockRequest): void => {
    const left = (queues.get(name) ?? []).filter((each) => each !== request)
    if (left.length === 0) queues.delete(name)
    else queues.set(name, left)
    grantHead(name)
  }

  const request = (tab: string, name: string, granted: () => void): (() => void) => {
    if (dead.has(tab)) return () => {}
    const entry: LockRequest = { tab, granted, state: 'waiting' }
    queues.set(name, [...(queues.get(name) ?? []), entry])
    grantHead(name)
    return () => remove(name, entry)
  }

  const leave = (place: string, guest: Guest): void => {
    const left = (places.get(place) ?? []).filter((each) => each !== guest)
    if (left.length === 0) places.delete(place)
    else places.set(place, left)
  }

  const introduce = (place: string, to: Guest, guest: Guest): void => queueMicrotask(() => {
    if (places.get(place)?.includes(to)) to.met(guest.name)
  })

  const meet = (place: string, guest: Guest): (() => void) => {
    if (dead.has(guest.tab)) return () => {}
    const others = places.get(place) ?? []
    places.set(place, [...others, guest])
    for (const other of others) {
      introduce(place, other, guest)
      introduce(place, guest, other)
    }
    return () => leave(place, guest)
  }

  const forTab = (tab: string): TabLocks => ({
    hold: (name, onGranted = () => {}) => request(tab, name, onGranted),
    held: async (names) => new Set(names.filter((name) => queues.has(name))),
    during: (name, task) => new Promise((resolve, reject) => {
      const release = request(tab, name, () => {
        Promise.resolve().then(task).finally(() => release()).then(resolve, reject)
      })
    }),
    meet: (place, name, met) => meet(place, { tab, name, met }),
  })

  const kill = (tab: string): void => {
    dead.add(tab)
    for (const [name, queue] of [...queues]) {
      for (const each of queue) if (each.tab === tab) remove(name, each)
    }
    for (const [place, guests] of [...places]) for (const guest of guests) if (guest.tab === tab) leave(place, guest)
  }

  const holders = (): Map<string, string> => {
    const found = new Map<string, string>()
    for (const [name, [head]] of queues) if (head !== undefined) found.set(name, head.tab)
    return found
  }

  return {
    forTab,
    kill,
    holders,
    get size() { return [...queues.values(), ...places.values()].reduce((sum, each) => sum + each.length, 0) },
  }
}
