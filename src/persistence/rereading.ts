import type { Stop } from '../environment'
import { fullJitter } from '../policy/backoff'
import type { Visit } from './adoption'

export interface RereadingDeps<R> {
  readonly later: (delayMs: number, task: () => void) => Stop
  readonly random: () => number
  readonly isOver: (visit: Visit) => boolean
  readonly read: (visit: Visit) => Promise<R>
  readonly found: (visit: Visit, restored: R) => void
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
