import type { Clock, Stop } from '../environment'
import type { Extra, OutboxState } from '../model'
import { fullJitter } from '../policy/backoff'
import { entriesIn } from '../policy/outbox'
import { EMPTY_TABLE, keysOf } from '../policy/table'
import type { RecordStorage, StoredRecord } from './record-storage'
import { diffOutbox, readRecords, recordIds, type RestoredOutbox } from './records'
import { createOwnership, tabsOf } from './ownership'
import { createPersistor } from './persistor'
import type { StorageProblem } from './problem'
import type { TabLocks } from './tabs'
import { createWriter } from './writer'

export interface PersistenceDeps<X extends Extra> {
  /** Names the locks and the key that redux-persist's registry shows. */
  readonly key: string
  readonly storage: () => RecordStorage | null
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

const ADOPTED_AT_ONCE = 100
const RESTORE_RETRY = { baseMs: 1_000, maxMs: 60_000 }

const isEmpty = <X extends Extra>(outbox: OutboxState<X>): boolean => keysOf(outbox.channels).length === 0

const storedIds = <X extends Extra>(outbox: OutboxState<X>): readonly string[] =>
  entriesIn(outbox).flatMap(({ stored, message }) => (stored ? [message.id] : []))

const isReadable = (record: StoredRecord): boolean => readRecords(record.userId, [record], []).unreadable.length === 0

/**
 * Keeps the unsent messages of one store on the device. It follows the outbox (level-triggered, by difference) and answers redux-persist's
 * own actions, so that `persistStore`, `PersistGate` and `persistor.flush/pause/persist/purge` work, without `persistReducer`: that one
 * keeps its writer in the reducer, where all stores share it and a replay in DevTools writes.
 */
export function createOutboxPersistence<X extends Extra>({ key, storage, locks, clock, random, tabId, report }: PersistenceDeps<X>) {
  const nothing: OutboxState<X> = { userId: null, channels: EMPTY_TABLE, reads: {} }
  const writer = createWriter({ storage, clock, random, stored: report.stored, lost: report.lost, failed: report.failed })
  const scope = `redux-chat:${key}`
  const ownership = createOwnership({ scope, locks, clock, tabId })
  const timers = new Set<Stop>()
  let seen = nothing
  let user: string | null = null
  let looking: Promise<unknown> = Promise.resolve()
  let stopReading: Stop = () => undefined
  /** Users whose records are to be removed, and are not yet. */
  const unwanted = new Set<string>()
  /** Records of newer code, or that cannot be read: nothing is written in their place. */
  const untouchable = new Set<string>()

  function later(delayMs: number, task: () => void): Stop {
    const stop = clock.setTimer(delayMs, () => {
      timers.delete(stop)
      task()
    })
    timers.add(stop)
    return stop
  }

  /** Moves one ended tab's records to this one; what somebody else has moved meanwhile is theirs. */
  const moveFrom = (userId: string, tab: string, ids: readonly string[]): Promise<readonly StoredRecord[]> => ownership.alone(tab, async () => {
    const moved: StoredRecord[] = []
    // A frozen one may have come back.
    if ((await ownership.living(userId, [tab])).length > 0) return moved
    // In slices: what is dispatched meanwhile is written between two of them. Whose user has left takes no more.
    for (let at = 0; at < ids.length && user === userId; at += ADOPTED_AT_ONCE) {
      moved.push(...await writer.between((target) => target.adopt(userId, tab, tabId, ids.slice(at, at + ADOPTED_AT_ONCE))) ?? [])
    }
    return moved
  })

  /** Moves records of tabs that have ended (of `only` one) to this one. Unreadable ones stay as they are. */
  async function adopt(userId: string, only?: string): Promise<readonly StoredRecord[]> {
    const loaded = await writer.between((target) => target.load(userId))
    const others = loaded?.records.filter(({ tab }) => tab !== tabId && (only ?? tab) === tab) ?? []
    const living = await ownership.living(userId, tabsOf(others))
    // Somebody else has signed in since: their tab keeps nothing of this user.
    if (user !== userId) return []
    const ended = others.filter(({ tab }) => !living.includes(tab))
    const moved: StoredRecord[] = []
    for (const tab of tabsOf(ended)) {
      moved.push(...await moveFrom(userId, tab, ended.filter((record) => record.tab === tab && isReadable(record)).map(({ id }) => id)))
    }
    return [...moved, ...ended.filter((record) => !isReadable(record))]
  }

  async function takeOver(userId: string, tab: string): Promise<void> {
    if (user !== userId) return
    // A tab whose lock was taken away while it was frozen may be back.
    if ((await ownership.living(userId, [tab])).length > 0) {
      awaitEnd(userId, tab)
      return
    }
    const records = await adopt(userId, tab)
    if (records.length > 0 && user === userId) report.adopted(userId, readRecords<X>(userId, records, []))
  }

  function awaitEnd(userId: string, tab: string): void {
    if (user !== userId) return
    ownership.awaitEnd(userId, tab, (graceMs) => later(graceMs, () => void takeOver(userId, tab).catch((reason: unknown) => {
      report.failed({ code: 'storage_failed', message: `unable to take over the messages of a closed tab yet: ${String(reason)}` })
      readAgain(userId, 1)
    })))
  }

  /** This tab's records that the state does not show, less what waits to be removed. Exact only between two writes. */
  function ownOf(userId: string, records: readonly StoredRecord[]): readonly StoredRecord[] {
    const own = new Map(records.filter(({ tab }) => tab === tabId).map((record) => [record.id, record]))
    for (const { id, record } of writer.waiting(userId)) {
      if (record) own.set(id, record)
      else own.delete(id)
    }
    if (seen.userId === userId) for (const id of recordIds(seen)) own.delete(id)
    return [...own.values()]
  }

  /** One look after the other: each one's claim has to know whether the lock was held since the last. */
  function read(userId: string): Promise<Restoration<X>> {
    const mine = looking.then(() => readNow(userId))
    looking = mine.catch(() => undefined)
    return mine
  }

  async function readNow(userId: string): Promise<Restoration<X>> {
    if (user !== userId) return { ...readRecords<X>(userId, [], []), lost: [] }
    if (unwanted.has(userId)) await discard(userId)
    const kept = await ownership.claim(userId)
    if (user === userId) ownership.meet(userId, (tab) => awaitEnd(userId, tab))
    const look = () => writer.between(async (target) => {
      const found = await target.load(userId)
      return { ...found, own: ownOf(userId, found.records), shown: seen.userId === userId ? storedIds(seen) : [] }
    })
    // Who took this tab for dead may be about to move its records: looked at before or after that, never amid it.
    const loaded = await (kept ? look() : ownership.alone(tabId, look))
    if (!loaded) return { ...readRecords<X>(userId, [], []), lost: [] }
    const others = loaded.records.filter(({ tab }) => tab !== tabId)
    const living = await ownership.living(userId, tabsOf(others))
    for (const tab of living) awaitEnd(userId, tab)
    const adopted = others.every(({ tab }) => living.includes(tab)) ? [] : await adopt(userId)
    const restored = readRecords<X>(userId, [...loaded.own, ...adopted], loaded.unreadable)
    for (const { id } of restored.unreadable) untouchable.add(id)
    const owners = new Map(loaded.records.map(({ id, tab }) => [id, tab]))
    const gone = loaded.shown.filter((id) => !owners.has(id))
    // A lock held all the time says that nobody else had them: then the device has lost them.
    if (kept && gone.length > 0) writeAgain(userId, gone)
    const taken = loaded.shown.filter((id) => living.includes(owners.get(id) ?? ''))
    return { ...restored, lost: kept ? taken : [...taken, ...gone] }
  }

  /** The state says first that they are not stored, and then they are as new. */
  function writeAgain(userId: string, ids: readonly string[]): void {
    report.unstored(ids)
    const all = diffOutbox(nothing, { ...seen, reads: {} }, userId, tabId)
    writer.add(userId, new Map([...all].filter(([id]) => ids.includes(id))))
  }

  /** What cannot be read now is asked for again, and then comes as adopted. */
  function readAgain(userId: string, failures: number): void {
    stopReading()
    stopReading = later(fullJitter(failures, random(), RESTORE_RETRY), () => {
      if (user !== userId) return
      read(userId).then((restored) => { if (user === userId) report.adopted(userId, restored) }, () => readAgain(userId, failures + 1))
    })
  }

  /** The user's messages that the state does not show. When the device refuses it rejects, and what is read later is reported as adopted. */
  async function restore(userId: string): Promise<Restoration<X>> {
    user = userId
    try {
      return await read(userId)
    } catch (reason) {
      if (user === userId) readAgain(userId, 1)
      throw reason
    }
  }

  /** What the device refuses to remove is removed before its user sees anything of it again. */
  async function discard(userId: string): Promise<void> {
    unwanted.add(userId)
    await writer.instead((owner) => owner === userId, (target) => target.clear(userId))
    unwanted.delete(userId)
  }

  /** Between a disconnect and the next connect: what is queued now keeps the lock as what was queued before does, and nothing else does. */
  function keepLock(userId: string): void {
    if (isEmpty(seen)) ownership.releaseAfter(writer.flush().catch(() => undefined))
    else ownership.hold(userId)
  }

  /** Another user's records stay where they are: only the view of them changes. */
  function update(outbox: OutboxState<X>): void {
    if (outbox === seen) return
    const before = outbox.userId === seen.userId ? seen : nothing
    seen = outbox
    // Nobody, or nobody any more: there is no owner to keep it for.
    if (outbox.userId) {
      const edits = diffOutbox(before, outbox, outbox.userId, tabId)
      for (const id of untouchable) edits.delete(id)
      if (edits.size > 0) writer.add(outbox.userId, edits)
      if (user === null) keepLock(outbox.userId)
    }
  }

  return {
    update,
    restore,
    /** Removes records that turned out to be settled. */
    forget: (userId: string, ids: readonly string[]): void => writer.add(userId, new Map(ids.map((id) => [id, { record: null, fresh: false }]))),
    handle: createPersistor({ scope, writer, purged: report.unstored }),
    flush: writer.flush,
    /** Removes all that is stored for a user, of every tab. */
    discard,
    /** The user is gone from this tab. The lock is kept until all is written, and then only while this tab still shows unsent messages. */
    stop(): void {
      user = null
      for (const stop of timers) stop()
      timers.clear()
      ownership.stopWaiting()
      const written = writer.stop()
      // Only then: who adopts a queue gets all of it.
      if (isEmpty(seen)) ownership.releaseAfter(written)
    },
  }
}

export type OutboxPersistence<X extends Extra> = ReturnType<typeof createOutboxPersistence<X>>
