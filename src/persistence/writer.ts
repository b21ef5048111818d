import type { Clock, Stop } from '../environment'
import { fullJitter } from '../policy/backoff'
import { isShared, type RecordEdit } from './records'
import type { RecordStorage, StoredRecord } from './record-storage'

export interface StorageProblem {
  readonly code: 'storage_quota' | 'storage_denied' | 'storage_failed' | 'storage_slow'
  readonly message: string
}

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

const CODES: { readonly [errorName: string]: StorageProblem['code'] } = {
  QuotaExceededError: 'storage_quota', NS_ERROR_DOM_QUOTA_REACHED: 'storage_quota',
  SecurityError: 'storage_denied', InvalidStateError: 'storage_denied', NotAllowedError: 'storage_denied',
}

export const problemOf = (reason: unknown): StorageProblem => {
  // A DOMException is no Error everywhere, and does not exist in React Native.
  const { name = '', message = reason } = typeof reason === 'object' && reason !== null ? (reason as { name?: unknown; message?: unknown }) : {}
  return {
    code: CODES[String(name)] ?? 'storage_failed',
    message: `unable to keep unsent messages on this device: ${String(message)}; they are sent while this page is open`,
  }
}

interface PendingEdit extends RecordEdit {
  readonly userId: string
  readonly id: string
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
  let turn: Promise<unknown> = Promise.resolve()
  let device: RecordStorage | null | undefined
  let isQueued = false
  let isPaused = false
  let isStopped = false
  let failures = 0
  let lastFailure: unknown = null
  let stopRetry: Stop = () => undefined
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
      const earlier = pending.get(key)
      const isFresh = earlier?.fresh === true && !writing.has(key)
      // A later edit stands behind all that came before it.
      pending.delete(key)
      // What was surely never written needs no removal: else a device that refuses for long would collect one for each message sent.
      if (edit.record || !isFresh) pending.set(key, edit)
    }
  }

  async function write(target: RecordStorage, edits: readonly PendingEdit[]): Promise<void> {
    const written = edits.flatMap(({ record, fresh }) => (record ? [{ record, isNew: fresh || isShared(record.id) }] : []))
    const recordsOf = (isNew: boolean): readonly StoredRecord[] => written.flatMap((each) => (each.isNew === isNew ? [each.record] : []))
    const remove = edits.flatMap(({ userId, id, record }) => (record ? [] : [{ userId, id }]))
    const notOurs = await target.write({ put: recordsOf(true), update: recordsOf(false), remove })
    failures = 0
    lastFailure = null
    writing = new Map()
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
      await write(target, [...writing.values()])
    } catch (reason) {
      const newer = pending
      // A device that is full or denied has done nothing; who knows what another has done before it failed.
      pending = problemOf(reason).code === 'storage_failed' ? new Map([...writing].map(([key, edit]) => [key, { ...edit, fresh: false }])) : writing
      writing = new Map()
      merge(newer)
      retryLater(reason)
    }
  }

  function retryLater(reason: unknown): void {
    lastFailure = reason
    if (failures++ === 0) failed(problemOf(reason))
    stopRetry()
    if (!isStopped) stopRetry = clock.setTimer(fullJitter(failures, random(), RETRY), start)
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

  /** A use after a stop: what was refused before it is due at once. */
  function revive(): void {
    if (!isStopped) return
    isStopped = false
    if (!isPaused) start()
  }

  async function flush(): Promise<void> {
    do {
      lastFailure = null
      start()
      await turn
    } while (pending.size > 0 && lastFailure === null)
    if (lastFailure !== null) throw lastFailure
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
    waiting: (userId: string): readonly PendingEdit[] => [...pending.values()].filter((edit) => edit.userId === userId),
    /** Resolves when all that was added is durable, paused or not; rejects with the reason when the device refuses. */
    flush,
    /** Forgets what is not written yet and lets nothing older follow `task`. */
    instead(matches: (userId: string) => boolean, task: (target: RecordStorage) => Promise<void>): Promise<void> {
      const underWay = writing
      const forget = (edits: Edits): void => {
        for (const [key, { userId }] of edits) if (matches(userId)) pending.delete(key)
      }
      forget(pending)
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
      start()
    },
    /** Writes what is left, once, and closes the storage unless it is needed again by then. Resolves, whatever came of it. */
    stop(): Promise<void> {
      isStopped = true
      stopRetry()
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
