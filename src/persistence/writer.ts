import type { Clock, Stop } from '../environment'
import { fullJitter } from '../policy/backoff'
import { writeFitting } from './fitting'
import { problemOf, type StorageProblem } from './problem'
import { isShared, type RecordEdit } from './records'
import type { RecordStorage, StoredRecord } from './record-storage'

export interface WriterDeps {
  /** Asked once, on first use; again after a stop. */
  readonly storage: () => RecordStorage | null
  readonly clock: Clock
  readonly random: () => number
  /** These messages are durable from now on. */
  stored(ids: readonly string[]): void
  /** Another tab has taken these messages over. */
  lost(ids: readonly string[]): void
  /** Once per episode of trouble. */
  failed(problem: StorageProblem): void
}

const RETRY = { baseMs: 1_000, maxMs: 60_000 }
const SLOW_MS = 5_000
const ASIDE_RETRY_MS = 60_000

const tooLargeText = (id: string): string =>
  `unable to keep the message ${id} on this device: it is too large for the room that is left; it is sent while this page is open`

interface PendingEdit extends RecordEdit {
  readonly userId: string
  readonly id: string
  /** The device refused it while it took others. */
  readonly isTooLarge?: boolean
}

type Edits = Map<string, PendingEdit>

/**
 * Writes edits one transaction after the other, so that no older one can become durable after a newer one. What comes while a write is
 * under way goes into the next; what failed is tried again, with newer edits of the same record in its place. A write that hangs holds
 * all that follows, for the same reason.
 */
export function createWriter({ storage, clock, random, stored, lost, failed }: WriterDeps) {
  /** By user and record id, because one store may serve several users one after the other. */
  let pending: Edits = new Map()
  let writing: Edits = new Map()
  /** What is too large for the room that is left: it waits by itself, and holds nothing. */
  let aside: Edits = new Map()
  let turn: Promise<unknown> = Promise.resolve()
  let device: RecordStorage | null | undefined
  let isQueued = false
  let isPaused = false
  let isStopped = false
  let failures = 0
  let lastFailure: unknown = null
  let stopRetry: Stop = () => undefined
  let stopAside: Stop = () => undefined
  let stopSlow: Stop = () => undefined

  const keyOf = (userId: string, id: string): string => `${userId.length}:${userId}${id}`

  function open(): RecordStorage | null {
    if (device === undefined) device = storage()
    return device
  }

  /** What takes long is told while it lasts: all that follows waits for it. */
  async function timed<T>(task: () => Promise<T>): Promise<T> {
    if (!isStopped) stopSlow = clock.setTimer(SLOW_MS, () => failed({ code: 'storage_slow', message: 'unable to keep unsent messages yet: the storage does not answer' }))
    try {
      return await task()
    } finally {
      stopSlow()
    }
  }

  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = turn.then(() => timed(task))
    turn = mine.catch(() => undefined)
    return mine
  }

  function merge(edits: Iterable<readonly [string, PendingEdit]>): void {
    for (const [key, edit] of edits) {
      const earlier = pending.get(key) ?? aside.get(key)
      const isFresh = earlier?.fresh === true && !writing.has(key)
      // A later edit stands behind all that came before it.
      pending.delete(key)
      aside.delete(key)
      // What was surely never written needs no removal: else a device that refuses for long would collect one for each message sent.
      if (edit.record || !isFresh) pending.set(key, earlier?.isTooLarge ? { ...edit, isTooLarge: true } : edit)
    }
  }

  async function write(target: RecordStorage, edits: readonly PendingEdit[]): Promise<void> {
    const written = edits.flatMap(({ record, fresh }) => (record ? [{ record, isNew: fresh || isShared(record.id) }] : []))
    const recordsOf = (isNew: boolean): readonly StoredRecord[] => written.flatMap((each) => (each.isNew === isNew ? [each.record] : []))
    const remove = edits.flatMap(({ userId, id, record }) => (record ? [] : [{ userId, id }]))
    const notOurs = await target.write({ put: recordsOf(true), update: recordsOf(false), remove })
    for (const { userId, id } of edits) writing.delete(keyOf(userId, id))
    const ours = written.map(({ record }) => record.id).filter((id) => !notOurs.includes(id))
    if (ours.length > 0) stored(ours)
    if (notOurs.length > 0) lost(notOurs)
  }

  async function writeBatch(): Promise<void> {
    isQueued = false
    const target = open()
    if (!target || pending.size === 0) return
    writing = pending
    pending = new Map()
    try {
      const refused = await writeFitting([...writing.values()], (edits) => write(target, edits))
      failures = 0
      lastFailure = null
      if (refused.length > 0) setAside()
    } catch (reason) {
      if ([...writing.values()].every((edit) => edit.isTooLarge)) setAside()
      else keepAll(reason)
    }
  }

  function setAside(): void {
    const left = writing
    writing = new Map()
    for (const [key, edit] of left) {
      // There is a newer edit of it.
      if (pending.has(key)) continue
      if (!edit.isTooLarge) failed({ code: 'storage_quota', message: tooLargeText(edit.id) })
      aside.set(key, { ...edit, isTooLarge: true })
    }
    stopAside()
    if (!isStopped && aside.size > 0) stopAside = clock.setTimer(ASIDE_RETRY_MS, resumed)
  }

  /** There may be room by now for what was too large. */
  function startAll(): void {
    for (const [key, edit] of aside) pending.set(key, edit)
    aside = new Map()
    start()
  }

  function keepAll(reason: unknown): void {
    const newer = pending
    // A device that is full or denied has done nothing; who knows what another has done before it failed.
    pending = problemOf(reason).code === 'storage_failed' ? new Map([...writing].map(([key, edit]) => [key, { ...edit, fresh: false }])) : writing
    writing = new Map()
    merge(newer)
    retryLater(reason)
  }

  function retryLater(reason: unknown): void {
    lastFailure = reason
    if (failures++ === 0) failed(problemOf(reason))
    stopRetry()
    if (!isStopped) stopRetry = clock.setTimer(fullJitter(failures, random(), RETRY), resumed)
  }

  /** A microtask later, so that one batch collects what one burst of actions changed. */
  function start(): void {
    if (isQueued) return
    // What was refused is not wanted any more: nothing waits for the next retry.
    if (pending.size === 0) lastFailure = null
    else enqueue()
  }

  function enqueue(): void {
    isQueued = true
    stopRetry()
    void inTurn(writeBatch)
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

  async function flush(): Promise<void> {
    do {
      lastFailure = null
      startAll()
      await turn
    } while (pending.size > 0 && lastFailure === null)
    if (lastFailure !== null) throw lastFailure
    const [tooLarge] = aside.values()
    if (tooLarge) throw new Error(tooLargeText(tooLarge.id))
  }

  return {
    add(userId: string, edits: ReadonlyMap<string, RecordEdit>): void {
      // Without any storage there is nothing to wait for.
      if (!open()) return
      revive()
      merge([...edits].map(([id, edit]) => [keyOf(userId, id), { ...edit, userId, id }]))
      if (lastFailure === null && !isPaused) start()
    },
    /** Runs between two writes: what it reads is what the last one left. Null without a storage. */
    between<T>(task: (target: RecordStorage) => Promise<T>): Promise<T | null> {
      revive()
      return inTurn(async () => {
        const target = open()
        return target ? task(target) : null
      })
    },
    /** One user's edits that are not written yet. */
    waiting: (userId: string): readonly PendingEdit[] => [...pending.values(), ...aside.values()].filter((edit) => edit.userId === userId),
    /** Resolves when all that was added is durable, paused or not; rejects with the reason when the device refuses. */
    flush,
    /** Forgets what is not written yet and lets nothing older follow `task`. */
    instead(matches: (userId: string) => boolean, task: (target: RecordStorage) => Promise<void>): Promise<void> {
      const underWay = writing
      const forget = (edits: Edits): void => {
        for (const [key, { userId }] of edits) if (matches(userId) && !aside.delete(key)) pending.delete(key)
      }
      forget(new Map([...pending, ...aside]))
      return inTurn(async () => {
        // It failed meanwhile, and waits to be tried again.
        forget(underWay)
        const target = open()
        if (target) await task(target)
      })
    },
    pause(): void {
      isPaused = true
    },
    resume(): void {
      isPaused = false
      resumed()
    },
    /** Writes what is left, once, and closes the storage unless it is needed again by then. Resolves, whatever came of it. */
    stop(): Promise<void> {
      isStopped = true
      stopRetry()
      stopAside()
      stopSlow()
      return flush().catch(() => undefined).then(() => {
        if (!isStopped) return
        device?.close()
        device = undefined
      })
    },
  }
}

export type Writer = ReturnType<typeof createWriter>
