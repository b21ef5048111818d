import { FLUSH, PAUSE, PERSIST, PURGE } from 'redux-persist'
import type { Clock, Stop } from '../environment'
import type { Extra, OutboxState } from '../model'
import { fullJitter } from '../policy/backoff'
import { EMPTY_TABLE, keysOf } from '../policy/table'
import type { RecordStorage, StoredRecord } from './record-storage'
import { diffOutbox, readRecords, recordIds, type RestoredOutbox } from './records'
import type { TabLocks } from './tabs'
import { createWriter, type StorageProblem } from './writer'

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
    /** `purge()` removed the records: nothing in memory is stored any more. */
    purged(): void
    failed(problem: StorageProblem): void
    /** Records of a tab that has ended since. */
    adopted(userId: string, restored: RestoredOutbox<X>): void
  }
}

/** A tab that ends may be reloading: its successor, which does not wait, has this long to take its messages back. */
const RELOAD_GRACE_MS = 5_000
/** A lock that goes this soon after our own start was most likely held by this tab's page before the reload. */
const UNLOAD_MS = 1_000
const RESTORE_RETRY = { baseMs: 1_000, maxMs: 60_000 }

const isEmpty = <X extends Extra>(outbox: OutboxState<X>): boolean => keysOf(outbox.channels).length === 0

const tabsOf = (records: readonly StoredRecord[]): readonly string[] => [...new Set(records.map(({ tab }) => tab))]

const isReadable = (record: StoredRecord): boolean => readRecords(record.userId, [record], []).unreadable.length === 0

/**
 * Keeps the unsent messages of one store on the device. It follows the outbox (level-triggered, by difference) and answers redux-persist's
 * own actions, so that `persistStore`, `PersistGate` and `persistor.flush/pause/persist/purge` work, without `persistReducer`: that one
 * keeps its writer in the reducer, where all stores share it and a replay in DevTools writes.
 */
export function createOutboxPersistence<X extends Extra>({ key, storage, locks, clock, random, tabId, report }: PersistenceDeps<X>) {
  const nothing: OutboxState<X> = { userId: null, channels: EMPTY_TABLE, reads: {} }
  const writer = createWriter({ storage, clock, random, stored: report.stored, failed: report.failed })
  const scope = `redux-chat:${key}`
  /** One lock per tab and user: a tab that serves somebody else now no longer keeps what it left. */
  const lockOf = (userId: string, tab: string): string => `${scope}:tab:${tab}:${userId}`
  const registered = new WeakSet<object>()
  const timers = new Set<Stop>()
  let seen = nothing
  let releaseLock: Stop | null = null
  /** The locks of tabs whose end this one waits for. */
  const awaited = new Set<string>()
  let user: string | null = null

  function later(delayMs: number, task: () => void): void {
    const stop = clock.setTimer(delayMs, () => {
      timers.delete(stop)
      task()
    })
    timers.add(stop)
  }

  /** Moves records of tabs that have ended to this one: one tab at a time looks, each move is one transaction. Unreadable ones stay as they are. */
  async function adopt(userId: string, records: readonly StoredRecord[]): Promise<readonly StoredRecord[]> {
    const take = () => Promise.all(tabsOf(records).map(async (tab): Promise<readonly StoredRecord[]> => {
      const ids = records.filter((record) => record.tab === tab && isReadable(record)).map(({ id }) => id)
      return ids.length === 0 ? [] : await writer.between((target) => target.adopt(userId, tab, tabId, ids)) ?? []
    }))
    const moved = records.length === 0 ? [] : locks ? await locks.during(`${scope}:adopt`, take) : await take()
    return [...moved.flat(), ...records.filter((record) => !isReadable(record))]
  }

  async function takeOver(userId: string, tab: string): Promise<void> {
    const loaded = user === userId ? await writer.between((target) => target.load(userId)) : null
    const records = await adopt(userId, loaded?.records.filter((record) => record.tab === tab) ?? [])
    if (records.length > 0 && user === userId) report.adopted(userId, readRecords<X>(userId, records, []))
  }

  /** A living tab keeps its records; its lock is queued for, so that its end is noticed the moment it comes. */
  function awaitEnd(userId: string, tab: string): void {
    const lock = lockOf(userId, tab)
    if (!locks || awaited.has(lock)) return
    awaited.add(lock)
    const since = clock.monotonic()
    const fail = (reason: unknown): void => report.failed({
      code: 'storage_failed', message: `unable to take over the messages of a closed tab: ${String(reason)}; they come back with the next connect`,
    })
    locks.during(lock, async () => { awaited.delete(lock) }).then(() => {
      const grace = clock.monotonic() - since <= UNLOAD_MS ? 0 : RELOAD_GRACE_MS
      if (user === userId) later(grace, () => void takeOver(userId, tab).catch(fail))
    }, fail)
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

  async function read(userId: string): Promise<RestoredOutbox<X>> {
    const loaded = await writer.between(async (target) => {
      const found = await target.load(userId)
      return { ...found, own: ownOf(userId, found.records) }
    })
    if (!loaded) return readRecords<X>(userId, [], [])
    const others = loaded.records.filter(({ tab }) => tab !== tabId)
    const living = locks ? await locks.held(tabsOf(others).map((tab) => lockOf(userId, tab))) : new Set<string>()
    for (const tab of tabsOf(others)) if (living.has(lockOf(userId, tab))) awaitEnd(userId, tab)
    const adopted = await adopt(userId, others.filter(({ tab }) => !living.has(lockOf(userId, tab))))
    return readRecords<X>(userId, [...loaded.own, ...adopted], loaded.unreadable)
  }

  /** What cannot be read now is asked for again, and then comes as adopted. */
  function readAgain(userId: string, failures: number): void {
    later(fullJitter(failures, random(), RESTORE_RETRY), () => {
      if (user !== userId) return
      read(userId).then((restored) => { if (user === userId) report.adopted(userId, restored) }, () => readAgain(userId, failures + 1))
    })
  }

  /** The user's messages that the state does not show. When the device refuses it rejects, and what is read later is reported as adopted. */
  async function restore(userId: string): Promise<RestoredOutbox<X>> {
    user = userId
    releaseLock ??= locks?.hold(lockOf(userId, tabId)) ?? null
    try {
      return await read(userId)
    } catch (reason) {
      readAgain(userId, 1)
      throw reason
    }
  }

  /** Another user's records stay where they are: only the view of them changes. */
  function update(outbox: OutboxState<X>): void {
    if (outbox === seen) return
    const before = outbox.userId === seen.userId ? seen : nothing
    seen = outbox
    // Nobody, or nobody any more: there is no owner to keep it for.
    if (outbox.userId) {
      const edits = diffOutbox(before, outbox, outbox.userId, tabId)
      if (edits.size > 0) writer.add(outbox.userId, edits)
    }
  }

  async function purge(): Promise<void> {
    await writer.instead(() => true, (target) => target.clear())
    report.purged()
  }

  /** What `persistStore` and its persistor dispatch, with their callbacks in the action. */
  function handle(action: unknown): void {
    if (typeof action !== 'object' || action === null || !('type' in action)) return
    const { type } = action
    if (type === PAUSE) writer.pause()
    else if (type === PERSIST) begin(action)
    else if (type === FLUSH || type === PURGE) {
      // Without its callback it is a replay.
      if (!('result' in action && typeof action.result === 'function')) return
      const done = type === FLUSH ? writer.flush() : purge()
      // Whoever asked sees it fail; nobody has to.
      done.catch(() => undefined)
      action.result(done)
    }
  }

  function begin(action: object): void {
    writer.resume()
    if (!('register' in action && typeof action.register === 'function' && 'rehydrate' in action && typeof action.rehydrate === 'function')) return
    const { register, rehydrate } = action
    // The same action resumes a persistor, which then waits for nothing.
    if (registered.has(register)) return
    registered.add(register)
    register(scope)
    // Nothing to wait for: a user's messages are restored at `connect`, which may be long after the gate has opened.
    queueMicrotask(() => rehydrate(scope, undefined))
  }

  return {
    update,
    restore,
    handle,
    flush: writer.flush,
    /** Removes all that is stored for a user, of every tab. */
    discard: (userId: string): Promise<void> => writer.instead((owner) => owner === userId, (target) => target.clear(userId)),
    /** The user is gone from this tab. The lock is kept only while this tab still shows unsent messages. */
    stop(): void {
      user = null
      for (const stop of timers) stop()
      timers.clear()
      writer.stop()
      if (!isEmpty(seen)) return
      releaseLock?.()
      releaseLock = null
    },
  }
}

export type OutboxPersistence<X extends Extra> = ReturnType<typeof createOutboxPersistence<X>>
