import { FLUSH, PAUSE, PERSIST, PURGE } from 'redux-persist'
import type { Clock, Stop } from '../environment'
import type { Extra, OutboxState } from '../model'
import { fullJitter } from '../policy/backoff'
import { EMPTY_TABLE, keysOf, valuesOf } from '../policy/table'
import type { RecordStorage, StoredRecord } from './record-storage'
import { diffOutbox, readRecords, recordIds, type RestoredOutbox } from './records'
import { createOwnership, tabsOf } from './ownership'
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

const storedIds = <X extends Extra>({ channels }: OutboxState<X>): readonly string[] =>
  valuesOf(channels).flatMap((queue) => queue.flatMap(({ stored, message }) => (stored ? [message.id] : [])))

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
  const registered = new WeakSet<object>()
  const timers = new Set<Stop>()
  let seen = nothing
  let user: string | null = null
  let looking: Promise<unknown> = Promise.resolve()

  function later(delayMs: number, task: () => void): void {
    const stop = clock.setTimer(delayMs, () => {
      timers.delete(stop)
      task()
    })
    timers.add(stop)
  }

  /**
   * Moves records of tabs that have ended (of `only` one) to this one. One tab at a time looks and moves, so that none acts on what another has
   * moved meanwhile. Unreadable ones stay as they are.
   */
  const adopt = (userId: string, only?: string): Promise<readonly StoredRecord[]> => ownership.alone(async () => {
    const loaded = await writer.between((target) => target.load(userId))
    const others = loaded?.records.filter(({ tab }) => tab !== tabId && (only ?? tab) === tab) ?? []
    const living = await ownership.living(userId, tabsOf(others))
    // Somebody else has signed in since: their tab keeps nothing of this user.
    if (user !== userId) return []
    const ended = others.filter(({ tab }) => !living.includes(tab))
    const moved: StoredRecord[] = []
    for (const tab of tabsOf(ended)) {
      const ids = ended.filter((record) => record.tab === tab && isReadable(record)).map(({ id }) => id)
      // In slices: what is dispatched meanwhile is written between two of them.
      for (let at = 0; at < ids.length; at += ADOPTED_AT_ONCE) {
        moved.push(...await writer.between((target) => target.adopt(userId, tab, tabId, ids.slice(at, at + ADOPTED_AT_ONCE))) ?? [])
      }
    }
    return [...moved, ...ended.filter((record) => !isReadable(record))]
  })

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
    const kept = await ownership.claim(userId)
    // With the lock asked for, so that nobody who hears of this tab takes it for dead.
    if (user === userId) ownership.meet(userId, (tab) => awaitEnd(userId, tab))
    const look = () => writer.between(async (target) => {
      const found = await target.load(userId)
      return { ...found, own: ownOf(userId, found.records), shown: seen.userId === userId ? storedIds(seen) : [] }
    })
    // Who took this tab for dead may be about to move its records: looked at before or after that, never amid it.
    const loaded = await (kept ? look() : ownership.alone(look))
    if (!loaded) return { ...readRecords<X>(userId, [], []), lost: [] }
    const others = loaded.records.filter(({ tab }) => tab !== tabId)
    const living = await ownership.living(userId, tabsOf(others))
    for (const tab of living) awaitEnd(userId, tab)
    const adopted = others.every(({ tab }) => living.includes(tab)) ? [] : await adopt(userId)
    const restored = readRecords<X>(userId, [...loaded.own, ...adopted], loaded.unreadable)
    const owners = new Map(loaded.records.map(({ id, tab }) => [id, tab]))
    const gone = loaded.shown.filter((id) => !owners.has(id))
    // A lock held all the time says that nobody else had them: then the device has lost them.
    if (kept && gone.length > 0) report.unstored(gone)
    const taken = loaded.shown.filter((id) => living.includes(owners.get(id) ?? ''))
    return { ...restored, lost: kept ? taken : [...taken, ...gone] }
  }

  /** What cannot be read now is asked for again, and then comes as adopted. */
  function readAgain(userId: string, failures: number): void {
    later(fullJitter(failures, random(), RESTORE_RETRY), () => {
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
    report.unstored()
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
    /** Removes records that turned out to be settled. */
    forget: (userId: string, ids: readonly string[]): void => writer.add(userId, new Map(ids.map((id) => [id, { record: null, fresh: false }]))),
    handle,
    flush: writer.flush,
    /** Removes all that is stored for a user, of every tab. */
    discard: (userId: string): Promise<void> => writer.instead((owner) => owner === userId, (target) => target.clear(userId)),
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
