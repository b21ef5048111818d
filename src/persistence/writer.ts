import type { Clock, Stop } from '../environment'
import { DEVICE_BACKOFF, fullJitter } from '../policy/backoff'
import { createEdits, type PendingEdit } from './edits'
import { writeFitting } from './fitting'
import { problem, problemOf, refusing, tooLarge, type StorageProblem } from './problem'
import { isShared, type RecordEdit } from './records'
import type { RecordChange, RecordStorage, StoredRecord } from './record-storage'
import { createSlowWatch } from './slow-watch'

export interface WriterDeps {
  /** Asked once, on first use; again after a stop. */
  readonly storage: () => RecordStorage | null
  readonly clock: Clock
  readonly random: () => number
  /** These are durable from now on. */
  stored(records: readonly StoredRecord[]): void
  /** Another tab has taken these messages over. */
  lost(ids: readonly string[]): void
  /** Nothing waits to be written any more. */
  drained(): void
  /** Once per episode of trouble. */
  failed(problem: StorageProblem): void
}

const ASIDE_RETRY_MS = 60_000

/** A removal needs no room, and makes some. */
const sizeOf = ({ record }: RecordEdit): number => (record ? JSON.stringify(record.data).length : 0)

/**
 * Writes edits one transaction after the other, so that no older one can become durable after a newer one. What comes while a write is
 * under way goes into the next; what failed is tried again, with newer edits of the same record in its place. A write that hangs holds
 * all that follows, for the same reason.
 */
export function createWriter({ storage, clock, random, stored, lost, drained, failed }: WriterDeps) {
  const edits = createEdits()
  let turn: Promise<unknown> = Promise.resolve()
  let device: RecordStorage | null | undefined
  /** The batch that waits for its turn: one that something else has overtaken does nothing. */
  let queued: object | null = null
  let isPaused = false
  let isStopped = false
  let failures = 0
  let lastFailure: unknown = null
  /** The device had no room for one record by itself: it may have some for the next. */
  let wasAlone = false
  let stopRetry: Stop = () => undefined
  const slow = createSlowWatch(clock, () => failed(problem('storage_slow', 'the storage does not answer')))

  function open(): RecordStorage | null {
    try {
      return device === undefined ? device = storage() : device
    } catch (reason) {
      return refusing(reason)
    }
  }

  async function timed<T>(task: () => Promise<T>): Promise<T> {
    if (!isStopped) slow.watch()
    try {
      return await task()
    } finally {
      slow.stop()
    }
  }

  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = turn.then(() => timed(task))
    turn = mine.then(closeUnused, closeUnused)
    return mine
  }

  async function write(target: RecordStorage, part: readonly PendingEdit[]): Promise<void> {
    const put: StoredRecord[] = []
    const update: StoredRecord[] = []
    const remove: RecordChange['remove'][number][] = []
    for (const { userId, id, record, fresh } of part) {
      if (!record) remove.push({ userId, id })
      else if (fresh || isShared(id)) put.push(record)
      else update.push(record)
    }
    const notOurs = await target.write({ put, update, remove }).catch((reason: unknown) => {
      // A device that is full or denied has done nothing; who knows what another has done before it failed.
      if (problemOf(reason).code === 'storage_failed') edits.doubt()
      throw reason
    })
    for (const edit of part) edits.written(edit)
    const ours = part.flatMap(({ record }) => (record && !notOurs.includes(record.id) ? [record] : []))
    if (ours.length > 0) stored(ours)
    if (notOurs.length > 0) lost(notOurs)
  }

  async function writeBatch(): Promise<void> {
    queued = null
    const target = open()
    if (!edits.hasPending()) lastFailure = null
    if (!target || !edits.hasPending()) return
    const begun = edits.begin()
    try {
      const refused = await writeFitting(begun, (part) => write(target, part), sizeOf)
      failures = 0
      lastFailure = null
      if (refused.length > 0) setAside()
      // What came while it was refused has waited for this.
      if (edits.hasPending() && !isPaused) start()
    } catch (reason) {
      if (edits.isAllTooLarge()) setAside()
      else {
        edits.again()
        wasAlone = begun.length === 1 && problemOf(reason).code !== 'storage_denied'
        retryLater(reason)
      }
    }
    if (!edits.hasPending()) drained()
  }

  function setAside(): void {
    for (const edit of edits.setAside()) failed(tooLarge(edit.id))
    retryIn(ASIDE_RETRY_MS)
  }

  /** The one timer: whatever waits is tried again with it. */
  function retryIn(delayMs: number): void {
    stopRetry()
    if (!isStopped) stopRetry = clock.setTimer(delayMs, resumed)
  }

  /** There may be room by now for what was too large. */
  function startAll(): void {
    edits.takeUp()
    start()
  }

  function retryLater(reason: unknown): void {
    lastFailure = reason
    if (failures++ === 0) failed(problemOf(reason))
    retryIn(fullJitter(failures, random(), DEVICE_BACKOFF))
  }

  /** A microtask later, so that one batch collects what one burst of actions changed. */
  function start(): void {
    if (queued) return
    if (edits.hasPending()) return enqueue()
    // What was refused is not wanted any more: nothing waits for the next retry, and nobody for what it would have written.
    lastFailure = null
    if (!edits.hasUnwritten()) drained()
  }

  function enqueue(): void {
    const mine = queued = {}
    void inTurn(async () => { if (mine === queued) await writeBatch() })
  }

  function resumed(): void {
    if (!isPaused) startAll()
  }

  /** A use after a stop: what was refused before it is due at once. */
  function revive(): void {
    if (!isStopped) return
    isStopped = false
    resumed()
  }

  /** Nobody is here, or somebody who needs nothing of it. */
  function closeUnused(): void {
    if (!isStopped) return
    device?.close()
    device = undefined
  }

  async function flush(): Promise<void> {
    do {
      lastFailure = null
      startAll()
      await turn
    } while (edits.hasPending() && lastFailure === null)
    if (lastFailure !== null) throw lastFailure
    const left = edits.tooLarge()
    if (left) throw new Error(tooLarge(left.id).message)
  }

  return {
    add(changed: Iterable<RecordEdit>): void {
      // Without any storage there is nothing to wait for.
      if (!open()) return
      revive()
      edits.add(changed)
      if ((lastFailure === null || wasAlone) && !isPaused) start()
    },
    revive,
    /** Runs between two writes: what it reads is what the last one left. Null without a storage. */
    between<T>(task: (target: RecordStorage) => Promise<T>): Promise<T | null> {
      revive()
      return inTurn(async () => {
        const target = open()
        return target ? task(target) : null
      })
    },
    /** One user's edits that are not written yet. */
    waiting: edits.ofUser,
    hasUnwritten: edits.hasUnwritten,
    isWriting: edits.isWriting,
    /** Asked for a storage and got none. */
    isOff: (): boolean => device === null,
    /** Resolves when all that was added is durable, paused or not; rejects with the reason when the device refuses. */
    flush,
    /**
     * Forgets what is not written yet and `isMeant`, and lets nothing older follow `task`. When the device refuses it, what was forgotten is written after
     * all, as far as it `comesBack`.
     */
    instead(isMeant: (edit: PendingEdit) => boolean, task: (target: RecordStorage) => Promise<void>, comesBack: (edit: PendingEdit) => boolean): Promise<void> {
      const before = edits.snapshot().filter(isMeant)
      const done = inTurn(async () => {
        // Only now: a look before this one has to know what waits.
        edits.forget(before)
        const target = open()
        try {
          if (target) await task(target)
          edits.remember(() => false)
          if (!edits.hasPending()) drained()
        } catch (reason) {
          edits.remember(comesBack)
          if (!isPaused) start()
          throw reason
        }
      })
      // What comes from now on is written after it.
      if (queued) {
        queued = null
        start()
      }
      return done
    },
    pause: (): void => { isPaused = true },
    resume(): void {
      isPaused = false
      resumed()
    },
    /** Writes what is left, once, and closes the storage behind what came meanwhile, unless it is needed by then. Resolves, whatever came of it. */
    stop(): Promise<void> {
      isStopped = true
      stopRetry()
      slow.stop()
      return flush().catch(() => undefined).then(() => inTurn(() => Promise.resolve()))
    },
  }
}

export type Writer = ReturnType<typeof createWriter>
