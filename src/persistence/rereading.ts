import type { Stop } from '../environment'
import { fullJitter } from '../policy/backoff'
import type { Visit } from './adoption'
import { RefusedInPartError } from './problem'

export interface RereadingDeps<R> {
  readonly later: (delayMs: number, task: () => void) => Stop
  readonly random: () => number
  readonly isOver: (visit: Visit) => boolean
  readonly read: (visit: Visit) => Promise<R>
  readonly found: (visit: Visit, restored: R) => void
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

const RETRY = { baseMs: 1_000, maxMs: 60_000 }

/** What cannot be read now, or may have come since, is asked for after a pause; the last call counts. */
export function createRereading<R>({ later, random, isOver, read, found }: RereadingDeps<R>) {
  let stop: Stop = () => undefined

  return function readAgain(visit: Visit, failures: number): void {
    if (isOver(visit)) return
    stop()
    stop = later(fullJitter(failures, random(), RETRY), () => {
      read(visit).then((restored) => { if (!isOver(visit)) found(visit, restored) }, () => readAgain(visit, failures + 1))
    })
  }
}
