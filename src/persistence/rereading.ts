import type { Stop } from '../environment'
import { DEVICE_BACKOFF, fullJitter } from '../policy/backoff'
import type { Visit } from './adoption'
import { RefusedInPartError } from './problem'

export interface RereadingDeps<R> {
  readonly later: (delayMs: number, task: () => void) => Stop
  readonly random: () => number
  readonly isOver: (visit: Visit) => boolean
  /** `afresh`: the other tabs are to hear of this one again, and its user of what cannot be read. */
  readonly read: (visit: Visit, afresh: boolean) => Promise<R>
  readonly found: (visit: Visit, restored: R) => void
  /** A look that nobody has heard of yet was refused: it goes on, and this is told once. */
  readonly failed: (reason: unknown) => void
}

/** In all half of what delivery waits for a look. */
const LONGEST_PAUSE_MS = 800

/** Of what a device gives only a part is asked for a few times at once: what is sent meanwhile would overtake the rest. */
export async function patiently<R>(read: () => Promise<R>, pause: (delayMs: number) => Promise<void>): Promise<R> {
  for (let delayMs = 100; ; delayMs *= 2) {
    try {
      return await read()
    } catch (reason) {
      if (delayMs > LONGEST_PAUSE_MS || !(reason instanceof RefusedInPartError)) throw reason
      await pause(delayMs)
    }
  }
}

/** Looks at the storage that nobody waits for. */
export function createRereading<R>({ later, random, isOver, read, found, failed }: RereadingDeps<R>) {
  let stop: Stop = () => undefined

  function look(visit: Visit, failures: number, afresh: boolean): void {
    if (isOver(visit)) return
    read(visit, afresh).then((restored) => { if (!isOver(visit)) found(visit, restored) }, (reason: unknown) => {
      if (failures === 0 && !isOver(visit)) failed(reason)
      again(visit, failures + 1)
    })
  }

  /** What cannot be read now, or may have come since, is asked for after a pause; the last call counts. */
  function again(visit: Visit, failures: number, afresh = true): void {
    if (isOver(visit)) return
    stop()
    stop = later(fullJitter(failures, random(), DEVICE_BACKOFF), () => look(visit, failures, afresh))
  }

  // After an end nobody is asked: a tab without a lock, which would answer, seems to have ended each time.
  return { again, after: (delayMs: number, visit: Visit): Stop => later(delayMs, () => look(visit, 0, false)) }
}
