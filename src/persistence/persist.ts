import type { Clock } from '../environment'
import type { Extra, OutboxState } from '../model'
import { EMPTY_OUTBOX } from '../policy/outbox'
import { createAdoption, type Visit } from './adoption'
import type { RecordStorage, StoredRecord } from './record-storage'
import { diffOutbox, ownRecords, readRecords, recordIds, removal, storedIds, type RestoredOutbox } from './records'
import { createDiscards } from './discards'
import { createFinds } from './finds'
import { createLeavers } from './leavers'
import { createOwnership } from './ownership'
import { createPersistor } from './persistor'
import { createPresence } from './presence'
import { problemOf, type StorageProblem } from './problem'
import type { TabLocks } from './tabs'
import { createRereading, patiently } from './rereading'
import { createTimers } from './timers'
import { createWriter } from './writer'

export interface PersistenceDeps<X extends Extra> {
  /** Names the locks and the key that redux-persist's registry shows. */
  readonly key: string
  readonly storage: (dropped: () => void) => RecordStorage | null
  readonly locks: TabLocks | null
  readonly clock: Clock
  readonly random: () => number
  /** New for every life of a page. */
  readonly tabId: string
  readonly report: {
    stored(ids: readonly string[]): void
    /** The records of these, by default of all, were removed: what is in memory is not stored any more. */
    unstored(ids?: readonly string[]): void
    failed(problem: StorageProblem): void
    /** Records of a tab that has ended since. */
    adopted(userId: string, restored: RestoredOutbox<X>): void
    /** Another tab has taken these over: this one may not send them any more. */
    lost(ids: readonly string[]): void
  }
}

/** What a look at the storage brings: messages to show, and what became of those that are shown already. */
export interface Restoration<X extends Extra> extends RestoredOutbox<X> {
  /** Another tab took these over while this one seemed dead, and may have sent or discarded them since. */
  readonly lost: readonly string[]
}

const NOTHING: Restoration<never> = { entries: [], reads: {}, unreadable: [], lost: [] }

/** What the device refuses to read it may give later: it is asked as after so many failures, within half a minute each time. */
const REFUSALS = 6

const isEmpty = <X extends Extra>(outbox: OutboxState<X>): boolean => outbox.channels.length === 0

/**
 * Keeps the unsent messages of one store on the device. It follows the outbox (level-triggered, by difference) and answers redux-persist's
 * own actions, so that `persistStore`, `PersistGate` and `persistor.flush/pause/persist/purge` work, without `persistReducer`: that one
 * keeps its writer in the reducer, where all stores share it and a replay in DevTools writes.
 */
export function createOutboxPersistence<X extends Extra>({ key, storage, locks, clock, random, tabId, report }: PersistenceDeps<X>) {
  const writer = createWriter({ storage: () => storage(dropped), clock, random, stored, lost: report.lost, drained: () => leavers.letGo(), failed: report.failed })
  const scope = `redux-chat:${key}`
  const ownership = createOwnership({ scope, locks, clock, tabId })
  const timers = createTimers(clock)
  /** The queue as it was followed last. */
  let seen: OutboxState<X> = EMPTY_OUTBOX
  /** Who is signed in here. */
  let present: Visit | null = null
  /** Counts purges: what was read before one may be gone. */
  let purges = 0
  /** The last look of each user: what holds up one user's is nothing to another's. */
  const looking = new Map<string, Promise<unknown>>()
  const leavers = createLeavers(writer, () => present !== null)
  const finds = createFinds()

  /** What could not be written while its user was here is nobody's by now: the user's other tabs take it for what somebody left. */
  function stored(records: readonly StoredRecord[]): void {
    report.stored(records.map(({ id }) => id))
    const apart = records.filter(({ userId }) => userId !== (present ?? (isEmpty(seen) ? EMPTY_OUTBOX : seen)).userId)
    for (const { userId, tab } of new Map(apart.map((record) => [record.tab + record.userId, record])).values()) ownership.leaveBehind(userId, tab)
  }
  const discards = createDiscards(writer)
  const dropped = (): void => { if (present) readAgain(present, 1) }
  const isOver = (visit: Visit): boolean => visit !== present
  const { again: readAgain, after: readAfter } = createRereading({
    later: timers.later, random, isOver, read, found: foundLater, failed: (reason) => report.failed(problemOf(reason)),
  })
  const presence = createPresence({ ownership, isOver, renamed, lookAgain: (visit) => readAgain(visit, 1), lookAfter: readAfter })
  const adoption = createAdoption({ ownership, writer, isOver, pause: timers.pause, failed: report.failed, renamed, presence })

  /** One look after the other: each one's claim has to know whether the lock was held since the last. */
  function read(visit: Visit, afresh: boolean): Promise<Restoration<X>> {
    const mine = (looking.get(visit.userId) ?? Promise.resolve()).then(() => readNow(visit, afresh))
    looking.set(visit.userId, mine.catch(() => undefined))
    return mine
  }

  async function readNow(visit: Visit, afresh: boolean): Promise<Restoration<X>> {
    const { userId } = visit
    let hasLooked = false
    const kept = await arrive(visit, () => { if (afresh) presence.meet(visit, () => { if (hasLooked) readAgain(visit, 1) }) })
    // Who took this tab for dead, or whose user had left it, may be about to move its records: looked at before or after that, never amid it.
    const loaded = await ownership.alone(ownership.name(), async () => (isOver(visit) ? null : writer.between((target) => {
      hasLooked = true
      return look(userId, target)
    })))
    if (!loaded || isOver(visit)) return NOTHING
    const { adopted, owners, living, ended } = await adoption.takeOver(visit, loaded.records)
    const shownOf = (those: readonly string[]): readonly string[] => loaded.shown.filter((id) => those.includes(owners.get(id) ?? ''))
    // What was read before a purge may be gone, and what was an ended tab's may be somebody else's by now, or this one's.
    if (purges !== loaded.purges || (!isOver(visit) && shownOf(ended).length > 0)) return readNow(visit, afresh)
    const restored = readRecords<X>(userId, [...adopted, ...loaded.own], loaded.unreadable)
    // What the device refuses to read it may have still.
    const isPart = restored.unreadable.some(({ reason }) => reason === 'refused')
    const gone = isPart ? [] : loaded.shown.filter((id) => !owners.has(id))
    // A lock held all the time says that nobody else had them: then the device has lost them.
    if (kept && gone.length > 0) writeAgain(userId, gone)
    if (isOver(visit)) return NOTHING
    // What still waits to be written is not stored yet.
    const entries = restored.entries.map((entry) => (owners.has(entry.message.id) ? entry : { ...entry, stored: false }))
    const unreadable = finds.note(userId, restored, loaded.shown)
    if (isPart) readAgain(visit, REFUSALS, false)
    ownership.looked()
    return { ...restored, entries, unreadable: afresh ? restored.unreadable : unreadable, lost: [...shownOf(living), ...kept ? [] : gone] }
  }

  /** Says that this tab lives, and removes what is owed before anything is looked at. False when others may have taken this tab for dead. */
  async function arrive(visit: Visit, meet: () => void): Promise<boolean> {
    const isOwed = !isOver(visit) && discards.isOwed(visit.userId)
    const claim = async (): Promise<boolean> => {
      const kept = await presence.claim(visit)
      meet()
      return kept
    }
    const kept = await claim()
    if (!isOwed) return kept
    // What was composed while the device refused that is this tab's own all the same, and the others had to know of it.
    await discards.settle(visit.userId)
    return claim()
  }

  /** What the device has, what of it is this tab's own and not shown, and what is shown: exact only between two writes. */
  async function look(userId: string, target: RecordStorage) {
    // What was being written, and refused, still has the name of then.
    renamed(userId)
    const found = await target.load(userId)
    const shown = seen.userId === userId ? seen : EMPTY_OUTBOX
    const own = ownRecords(found.records, writer.waiting(userId), ownership.isOurs, recordIds(shown))
    adoption.settle(userId, own)
    return { ...found, purges, own, shown: storedIds(shown) }
  }

  /** What waits to be written is not what somebody else has under the old name. Nothing to rename needs no storage. */
  function renamed(userId: string): void {
    const edits = writer.waiting(userId).flatMap((edit) => {
      const tab = adoption.homeOf(edit.id)
      return edit.record && edit.record.tab !== tab ? [{ ...edit, record: { ...edit.record, tab } }] : []
    })
    if (edits.length > 0) writer.add(edits)
  }

  const hold = (userId: string): void => { if (ownership.hold(userId, writer.isWriting(userId))) renamed(userId) }

  /** The state says first that they are not stored. What a refused discard has left of them is known to nobody. */
  function writeAgain(userId: string, ids: readonly string[]): void {
    report.unstored(ids)
    const all = diffOutbox(EMPTY_OUTBOX, seen, userId, adoption.homeOf, () => true)
    writer.add(all.flatMap((edit) => (ids.includes(edit.id) ? [{ ...edit, fresh: false }] : [])))
  }

  function foundLater(visit: Visit, restored: Restoration<X>): void {
    report.lost(restored.lost)
    if (!isOver(visit)) report.adopted(visit.userId, restored)
  }

  /** The user's messages that the state does not show. When the device refuses it rejects, and what is read later is reported as adopted. */
  async function restore(userId: string): Promise<Restoration<X>> {
    const visit = present = present?.userId === userId ? present : { userId }
    // Who disconnected, and did not sign out, has left only now.
    if (ownership.isOfAnother(userId)) leaveLock(Promise.resolve())
    try {
      return await patiently(() => read(visit, true), timers.pause)
    } catch (reason) {
      readAgain(visit, 1)
      throw reason
    }
  }

  /** Nothing needs the storage any more, unless somebody is here by then. */
  async function closeUnused(): Promise<void> {
    if (present === null) await writer.stop()
    // What is refused now is not tried again.
    if (present === null) leavers.letGo()
    // But for what somebody who disconnected left in the queue.
    if (present === null && seen.userId && !isEmpty(seen) && writer.waiting(seen.userId).length > 0) writer.revive()
  }

  /** Only when all is written: who adopts a queue gets all of it. */
  const leaveLock = (written: Promise<unknown>): void => ownership.releaseAfter(written.then(leavers.allWritten))

  async function purge(): Promise<void> {
    await writer.instead(() => true, (target) => {
      // From now on nothing that was read before is known to be there.
      purges++
      return target.clear()
    }, () => true)
    finds.purged()
    report.unstored()
  }

  /** Another user's records stay where they are: only the view of them changes. */
  function update(outbox: OutboxState<X>): void {
    if (outbox === seen) return
    const before = outbox.userId === seen.userId ? seen : EMPTY_OUTBOX
    seen = outbox
    // Nobody, or nobody any more: there is no owner to keep it for.
    if (!outbox.userId) return
    // Between a disconnect and the next connect what is queued keeps the lock, and nothing else does. What is refused is tried again.
    if (present === null && !isEmpty(seen)) hold(outbox.userId)
    const edits = writer.isOff() ? [] : diffOutbox(before, outbox, outbox.userId, adoption.homeOf, finds.shows)
    if (edits.length > 0) writer.add(edits.filter(finds.isWritable))
    if (present === null && isEmpty(seen)) leaveLock(writer.flush().then(closeUnused).catch(() => undefined))
  }

  return {
    update,
    restore,
    /** Removes records that turned out to be settled. */
    forget: (userId: string, ids: readonly string[]): void => writer.add(ids.map((id) => removal(userId, id))),
    handle: createPersistor({ scope, writer, purge }),
    flush: writer.flush,
    discard: discards.discard,
    /** The user is gone from this tab. The lock is kept until all is written, and then only while this tab still shows unsent messages. */
    stop(): void {
      // Who leaves before the first look has no lock yet; what is shown, or is still to be written, needs one.
      if (present && (writer.hasUnwritten(present.userId) || (seen.userId === present.userId && !isEmpty(seen)))) hold(present.userId)
      present = null
      finds.left()
      timers.stop()
      ownership.stopWaiting()
      // A move under way writes to its end; whoever is here by then goes on writing.
      const written = Promise.resolve().then(closeUnused)
      if (isEmpty(seen)) leaveLock(written)
    },
  }
}

export type OutboxPersistence<X extends Extra> = ReturnType<typeof createOutboxPersistence<X>>
