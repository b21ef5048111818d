import type { Clock, Stop } from '../environment'
import { fullJitter } from '../policy/backoff'
import type { RecordEdit } from './records'
import type { RecordStorage, StoredRecord } from './record-storage'

export interface StorageProblem {
  readonly code: 'storage_quota' | 'storage_denied' | 'storage_failed' | 'storage_slow'
  readonly message: string
}

export interface WriterDeps {
  readonly storage: () => RecordStorage | null
  readonly clock: Clock
  readonly random: () => number
  /** These messages are durable from now on. */
  stored(ids: readonly string[]): void
  /** Once per episode of trouble. */
  failed(problem: StorageProblem): void
}

const RETRY = { baseMs: 1_000, maxMs: 60_000 }
const SLOW_MS = 5_000

const CODES: { readonly [errorName: string]: StorageProblem['code'] } = {
  QuotaExceededError: 'storage_quota', SecurityError: 'storage_denied', InvalidStateError: 'storage_denied', NotAllowedError: 'storage_denied',
}

export const problemOf = (reason: unknown): StorageProblem => {
  const [name, text] = reason instanceof Error || reason instanceof DOMException ? [reason.name, reason.message] : ['', String(reason)]
  return {
    code: CODES[name] ?? 'storage_failed',
    message: `unable to keep unsent messages on this device: ${text}; they are sent while this page is open`,
  }
}

/**
 * Writes edits one transaction after the other, so that no older one can become durable after a newer one. What comes while a write is
 * under way goes into the next; what failed is tried again, with newer edits of the same record in its place.
 */
export function createWriter({ storage, clock, random, stored, failed }: WriterDeps) {
  /** By user and record id, because one store may serve several users one after the other. */
  let pending = new Map<string, { userId: string; id: string; edit: RecordEdit }>()
  let running: Promise<void> | null = null
  let paused = false
  let failures = 0
  let lastFailure: unknown = null
  let stopRetry: Stop = () => undefined

  const keyOf = (userId: string, id: string): string => `${userId.length}:${userId}${id}`

  async function write(target: RecordStorage, batch: typeof pending): Promise<void> {
    const edits = [...batch.values()]
    const put = edits.flatMap(({ edit }): readonly StoredRecord[] => (edit ? [edit] : []))
    const remove = edits.flatMap(({ userId, id, edit }) => (edit ? [] : [{ userId, id }]))
    const stopSlow = clock.setTimer(SLOW_MS, () => failed({ code: 'storage_slow', message: 'unable to keep unsent messages yet: the storage does not answer' }))
    try {
      await target.write({ put, remove })
    } finally {
      stopSlow()
    }
    failures = 0
    lastFailure = null
    if (put.length > 0) stored(put.map(({ id }) => id))
  }

  async function drain(target: RecordStorage): Promise<void> {
    // One turn of the microtask queue collects what one burst of actions changed.
    await Promise.resolve()
    while (pending.size > 0 && !paused) {
      const batch = pending
      pending = new Map()
      try {
        await write(target, batch)
      } catch (reason) {
        pending = new Map([...batch, ...pending])
        retryLater(reason)
        return
      }
    }
  }

  function retryLater(reason: unknown): void {
    lastFailure = reason
    if (failures++ === 0) failed(problemOf(reason))
    stopRetry()
    stopRetry = clock.setTimer(fullJitter(failures, random(), RETRY), start)
  }

  function start(): void {
    const target = running || paused || pending.size === 0 ? null : storage()
    if (!target) return
    stopRetry()
    running = drain(target).finally(() => {
      running = null
      if (lastFailure === null) start()
    })
  }

  return {
    add(userId: string, edits: ReadonlyMap<string, RecordEdit>): void {
      for (const [id, edit] of edits) {
        const key = keyOf(userId, id)
        // A later edit stands behind all that came before it.
        pending.delete(key)
        pending.set(key, { userId, id, edit })
      }
      if (lastFailure === null) start()
    },
    /** Resolves when all that was added is durable; rejects with the reason when the device refuses. */
    async flush(): Promise<void> {
      lastFailure = null
      start()
      while (running) await running
      if (lastFailure !== null) throw lastFailure
    },
    /** Forgets what is not written yet and lets nothing older follow `task`. */
    async instead(matches: (userId: string) => boolean, task: (target: RecordStorage) => Promise<void>): Promise<void> {
      const forget = (): void => {
        for (const [key, { userId }] of pending) if (matches(userId)) pending.delete(key)
      }
      forget()
      while (running) await running
      forget()
      const target = storage()
      if (target) await task(target)
    },
    pause(): void {
      paused = true
    },
    resume(): void {
      paused = false
      start()
    },
    stop(): void {
      stopRetry()
    },
  }
}
