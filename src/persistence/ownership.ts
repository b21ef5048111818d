import type { Clock, Stop } from '../environment'
import { alone, type TabLocks } from './tabs'

export interface OwnershipDeps {
  /** Begins the names of the locks. */
  readonly scope: string
  readonly locks: TabLocks | null
  readonly clock: Clock
  readonly tabId: string
}

/** A tab that ends may be reloading: its successor, which does not wait, has this long to take its messages back. */
const RELOAD_GRACE_MS = 5_000
/** A lock that goes this soon after our own start was most likely held by this tab's page before the reload. */
const UNLOAD_MS = 1_000

/** Who owns stored messages: each tab holds a lock for its life, so that others know whether it lives and notice its end. */
export function createOwnership({ scope, locks, clock, tabId }: OwnershipDeps) {
  /** What this tab's records and locks are named after. */
  let name = tabId
  let names = 1
  /** Whose locks this tab still holds for what is being written. */
  const leaving: (string | null)[] = []
  /** One lock per tab and user: a tab that serves somebody else now no longer keeps what it left. */
  const lockOf = (userId: string, tab: string): string => `${scope}:tab:${tab}:${userId}`
  const adoptLockOf = (tab: string): string => `${scope}:adopt:${tab}`
  /** Nobody else asks for it: while it is held, this tab has lost no lock. One that others wait for may be theirs for a moment. */
  const witnessOf = (userId: string): string => `${scope}:witness:${name}:${userId}`
  /** The locks of tabs whose end, or whose move, this one waits for, each with the stop of its waiting. */
  const awaited = new Map<string, Stop>()
  /** Until when what a tab has left is kept for its successor, whatever is looked for meanwhile. */
  const spared = new Map<string, number>()
  let releaseLock: Stop | null = null
  /** Whose lock that releases. */
  let owner: string | null = null
  /** Ended tabs whose records could not be moved: this tab answers to their names too. */
  let standsFor = new Map<string, Stop>()
  /** That this tab's own lock is held. */
  let granted: Promise<void> = Promise.resolve()
  let leave: Stop = () => undefined
  let claimedAt = 0
  /** What this tab has let go somebody else may keep under its name. */
  let hasLetGo = false
  /** The lock was taken away, and no look has told since what others have of this tab's. */
  let isInDoubt = false

  /** Without locks nobody can tell, nor where they are refused: everybody else counts as ended. */
  const heldOf = async (names: readonly string[]): Promise<ReadonlySet<string>> =>
    (locks && names.length > 0 ? locks.held(names).catch(() => new Set<string>()) : new Set<string>())

  async function living(userId: string, tabs: readonly string[]): Promise<readonly string[]> {
    const held = await heldOf(tabs.map((tab) => lockOf(userId, tab)))
    return tabs.filter((tab) => held.has(lockOf(userId, tab)) || (spared.get(lockOf(userId, tab)) ?? 0) > clock.monotonic())
  }

  function take(userId: string, manager: TabLocks): void {
    let reach: () => void = () => undefined
    granted = new Promise<void>((resolve) => { reach = resolve })
    const held = [manager.hold(witnessOf(userId)), manager.hold(lockOf(userId, name), reach)]
    const others = standsFor = new Map<string, Stop>()
    owner = userId
    releaseLock = () => {
      for (const release of [...held, ...others.values()]) release()
      others.clear()
    }
    claimedAt = clock.monotonic()
  }

  /** Queues for a lock of somebody else, and lets it go again: they hold it no more. Once, however often it is asked for. */
  function awaitLock(lock: string, freed: () => void): void {
    if (!locks || awaited.has(lock)) return
    const stop = locks.hold(lock, () => {
      stop()
      awaited.delete(lock)
      freed()
    })
    awaited.set(lock, stop)
  }

  function stopWaiting(): void {
    for (const stop of awaited.values()) stop()
    awaited.clear()
    spared.clear()
  }

  function meet(userId: string, met: (tab: string) => void, begun: () => void = () => undefined): void {
    leave()
    if (!locks) return
    let isHere = true
    let stop: Stop = () => undefined
    leave = () => {
      isHere = false
      stop()
    }
    // With the lock held: who hears of a tab that has none takes it for dead, and waits for its end no more.
    // Where the browser refuses it, the next tab that opens notices the end of this one.
    granted.then(() => {
      if (!isHere) return
      stop = locks.meet(`${scope}:tabs:${userId}`, name, met)
      begun()
    }).catch(() => undefined)
  }

  const renew = (): void => { name = `${tabId}.${++names}` }

  /** Whoever stands in for what this tab left keeps it, under the name that it had: this tab goes on under another one. */
  async function rename(userId: string, before: Stop | null): Promise<void> {
    if (leaving.includes(userId) || (await living(userId, [name])).length === 0 || releaseLock !== before) return
    renew()
  }

  return {
    /** What this tab's records are named after, until a claim says otherwise. */
    name: (): string => name,
    living,
    /** Says that this tab lives. False when the lock was taken away since the last look that ended well: then others may have taken this tab for dead. */
    async claim(userId: string, isWanted: () => boolean): Promise<boolean> {
      // What is gone from the device may have been sent by whoever took this tab for dead.
      if (!locks) return false
      const before = releaseLock
      if (before && (await heldOf([witnessOf(userId)])).size > 0) return !isInDoubt
      await rename(userId, before)
      if (before) {
        isInDoubt = true
        // What it waited for went with them: the look that follows, and the meeting, tell for whom to wait.
        stopWaiting()
      }
      // The user may have left meanwhile.
      if (isWanted() && releaseLock === before) {
        before?.()
        take(userId, locks)
      }
      return !isInDoubt
    },
    /** It is known what others have. */
    looked: (): void => { isInDoubt = false },
    /** Whether the lock of somebody else is held still. */
    isOfAnother: (userId: string): boolean => releaseLock !== null && owner !== userId,
    /**
     * Holds on to what this tab has from now on; false when it does already. Others have to know of it, to notice its end. What is being
     * written (`isWriting`) has the name of now.
     */
    hold(userId: string, isWriting: boolean): boolean {
      if (!locks || releaseLock) return false
      if (hasLetGo && !isWriting && !leaving.includes(userId)) renew()
      take(userId, locks)
      meet(userId, () => undefined)
      return true
    },
    /** Others see the ended `tab` as living again, in this one; false when it is: it came back in this moment. */
    async standIn(userId: string, tab: string): Promise<boolean> {
      if (standsFor.has(tab)) return true
      const mine = standsFor
      // Nobody else can know of it: it only says under which name this tab writes what stays.
      if (!locks) return mine.set(tab, () => undefined).has(tab)
      const lock = lockOf(userId, tab)
      let isGranted = false
      const stop = locks.hold(lock, () => { isGranted = true })
      mine.set(tab, stop)
      if (!(await heldOf([lock])).has(lock) || isGranted) return true
      stop()
      mine.delete(tab)
      return false
    },
    /** Whether what is kept under the name of `tab` is this one's. */
    isOurs: (tab: string): boolean => tab === name || standsFor.has(tab),
    /** A living tab keeps its records; its lock is queued for, so that its end is noticed the moment it comes. `graceMs`: how long to leave them. */
    awaitEnd(userId: string, tab: string, ended: (graceMs: number) => void): void {
      const lock = lockOf(userId, tab)
      awaitLock(lock, () => {
        const now = clock.monotonic()
        for (const [each, until] of spared) if (until <= now) spared.delete(each)
        const until = spared.get(lock) ?? now + (now - claimedAt <= UNLOAD_MS ? 0 : RELOAD_GRACE_MS)
        spared.set(lock, until)
        ended(until - now)
      })
    },
    /** Those whose records somebody moves just now: their end is waited for as that of a living tab, by the lock of the move. */
    async moving(tabs: readonly string[]): Promise<readonly string[]> {
      const held = await heldOf(tabs.map(adoptLockOf))
      return tabs.filter((tab) => held.has(adoptLockOf(tab)))
    },
    awaitMoved: (tab: string, moved: () => void): void => awaitLock(adoptLockOf(tab), moved),
    /** What is done with one tab's records without that tab is done by one at a time; so is the tab's own look after it was away. */
    alone: <T>(tab: string, task: () => Promise<T>): Promise<T> => alone(locks, adoptLockOf(tab), task),
    /** Hears of each other tab of the user, whether it has anything to keep by now or not, once it has `begun`: nobody tells of one that ended before. */
    meet,
    /** Whoever hears of `tab` waits for its end, which may have been before: then there is something more to take over. */
    leaveBehind(userId: string, tab: string): void {
      // Where the browser refuses it, the next look finds it.
      Promise.resolve().then(() => locks?.meet(`${scope}:tabs:${userId}`, tab, () => undefined)()).catch(() => undefined)
    },
    stopWaiting,
    /** Known to the others as long as it has anything to keep. */
    releaseAfter(written: Promise<unknown>): void {
      const release = releaseLock
      const stopMeeting = leave
      const leaver = owner
      releaseLock = null
      leave = () => undefined
      if (!release) return stopMeeting()
      leaving.push(leaver)
      void written.then(() => {
        leaving.splice(leaving.indexOf(leaver), 1)
        stopMeeting()
        release()
        hasLetGo = true
      })
    },
  }
}

export type Ownership = ReturnType<typeof createOwnership>
