import { FLUSH, PAUSE, PERSIST, PURGE } from 'redux-persist'
import type { Clock, Stop } from '../environment'
import type { Extra, OutboxState } from '../model'
import type { RecordStorage, StoredRecord } from './record-storage'
import { diffOutbox, readRecords, type RestoredOutbox } from './records'
import type { TabLocks } from './tabs'
import { createWriter, type StorageProblem } from './writer'

export interface PersistenceDeps<X extends Extra> {
  /** Names the records, the locks, and the key that redux-persist's registry shows. */
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

const isEmpty = <X extends Extra>(outbox: OutboxState<X>): boolean => Object.keys(outbox.channels).length === 0

/**
 * Keeps the unsent messages of one store on the device. It follows the outbox (level-triggered, by difference) and answers redux-persist's
 * own actions, so that `persistStore`, `PersistGate` and `persistor.flush/pause/persist/purge` work, without `persistReducer`: that one
 * keeps its writer in the reducer, where all stores share it and a replay in DevTools writes.
 */
export function createOutboxPersistence<X extends Extra>({ key, storage, locks, clock, random, tabId, report }: PersistenceDeps<X>) {
  const nothing: OutboxState<X> = { userId: null, channels: {}, reads: {} }
  const writer = createWriter({ storage, clock, random, stored: report.stored, failed: report.failed })
  const lockOf = (tab: string): string => `redux-chat:${key}:tab:${tab}`
  let seen = nothing
  let releaseLock: Stop | null = null
  /** Tabs whose end this one waits for. */
  const awaited = new Set<string>()
  let user: string | null = null

  /** Moves the records of tabs that have ended to this one: one tab at a time looks, each move is one transaction. */
  async function adopt(target: RecordStorage, userId: string, tabs: readonly string[]): Promise<readonly StoredRecord[]> {
    const take = async (): Promise<readonly StoredRecord[]> => {
      const moved = await Promise.all(tabs.map((tab) => target.adopt(userId, tab, tabId)))
      return moved.flat()
    }
    return tabs.length === 0 ? [] : locks ? locks.during(`redux-chat:${key}:adopt`, take) : take()
  }

  /** A living tab keeps its records; its lock is queued for, so that they are taken over the moment it ends. */
  function awaitEnd(target: RecordStorage, userId: string, tab: string): void {
    if (!locks || awaited.has(tab)) return
    awaited.add(tab)
    locks.during(lockOf(tab), async () => {
      awaited.delete(tab)
      if (user !== userId) return
      const records = await adopt(target, userId, [tab])
      if (records.length > 0) report.adopted(userId, readRecords<X>(userId, records, []))
    }).catch((reason: unknown) => report.failed({ code: 'storage_failed', message: `unable to take over the messages of a closed tab: ${String(reason)}` }))
  }

  async function restore(userId: string): Promise<RestoredOutbox<X>> {
    user = userId
    releaseLock ??= locks?.hold(lockOf(tabId)) ?? null
    const target = storage()
    if (!target) return readRecords<X>(userId, [], [])
    const { records, unreadable } = await target.load(userId)
    const others = [...new Set(records.map(({ tab }) => tab))].filter((tab) => tab !== tabId)
    const living = locks ? await locks.held(others.map(lockOf)) : new Set<string>()
    for (const tab of others) if (living.has(lockOf(tab))) awaitEnd(target, userId, tab)
    const adopted = await adopt(target, userId, others.filter((tab) => !living.has(lockOf(tab))))
    return readRecords<X>(userId, [...records.filter(({ tab }) => tab === tabId), ...adopted], unreadable)
  }

  /** Another user's records stay where they are: only the view of them changes. */
  function update(outbox: OutboxState<X>): void {
    if (outbox === seen) return
    const before = outbox.userId === seen.userId ? seen : nothing
    seen = outbox
    if (outbox.userId !== null) {
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
      const done = type === FLUSH ? writer.flush() : purge()
      if ('result' in action && typeof action.result === 'function') action.result(done)
    }
  }

  function begin(action: object): void {
    writer.resume()
    if (!('register' in action && typeof action.register === 'function' && 'rehydrate' in action && typeof action.rehydrate === 'function')) return
    const { register, rehydrate } = action
    register(key)
    // Nothing to wait for: a user's messages are restored at `connect`, which may be long after the gate has opened.
    queueMicrotask(() => rehydrate(key, undefined))
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
      writer.stop()
      if (!isEmpty(seen)) return
      releaseLock?.()
      releaseLock = null
    },
  }
}

export type OutboxPersistence<X extends Extra> = ReturnType<typeof createOutboxPersistence<X>>
