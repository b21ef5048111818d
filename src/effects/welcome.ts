import type { Stop } from '../environment'
import type { Extra } from '../model'
import { entriesIn } from '../policy/outbox'
import type { Runtime } from './runtime'

/** A server that lets nobody in ends the connection at once; so long after the opening it was one. */
const TURNED_AWAY_MS = 1_000

/**
 * Whether the server lets this client in at all. One that ends the connection at once, before any event, may mean the client, or a message
 * that was sent at once: so nothing is sent on the next connection before something was heard, or time has passed.
 */
export function createWelcome<X extends Extra>(runtime: Runtime<X>) {
  const { clock } = runtime.environment
  /** Until when a server's disconnect means that it turns the client away (monotonic). */
  let doubtfulUntil = 0
  let isWary = false
  let stopTimer: Stop = () => undefined

  return {
    /** Messages wait. */
    isWary: (): boolean => isWary,
    opened(): void {
      doubtfulUntil = clock.monotonic() + TURNED_AWAY_MS
      if (!isWary) return
      stopTimer = clock.setTimer(TURNED_AWAY_MS, () => {
        isWary = false
        runtime.reconcile()
      })
    },
    /** An event came; gives whether messages waited for that. */
    heard(): boolean {
      const wasWary = isWary
      doubtfulUntil = 0
      isWary = false
      return wasWary
    },
    /** The connection is over, for whatever reason. */
    closed: (): void => stopTimer(),
    /** The server, or the link, ended it: true when it was none, because the client was turned away. A message in flight may be what that was about. */
    isTurnedAway(reason: string): boolean {
      isWary = reason === 'server_disconnect' && clock.monotonic() < doubtfulUntil
      return isWary && entriesIn(runtime.getState().outbox).every(({ lease }) => lease === null)
    },
  }
}
