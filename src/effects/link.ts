import type { Clock, Stop } from '../environment'
import type { Extra, SocketEvents } from '../model'
import type { Answer } from '../transport/parse'
import type { Connection } from '../transport/transport'
import { UNMAPPED, type OutboundEvent, type Wire } from '../transport/wire'

export type RequestResult =
  | { readonly ok: true; readonly answer: readonly unknown[] }
  | { readonly ok: false; readonly code: 'timeout' | 'disconnected' }

/** The open connection, if there is one, with requests that always end: in an answer, a timeout or a disconnect. */
export interface Link {
  /** Which connection this is; changes with each one, 0 when none is open. */
  readonly generation: () => number
  /** False when there is no open connection; nothing was sent then. */
  emit(event: string, args: readonly unknown[], onAck?: (...answer: readonly unknown[]) => void): boolean
  /** Calls `done` exactly once. */
  request(event: string, args: readonly unknown[], done: (result: RequestResult) => void, timeoutMs?: number): void
  /** Likewise, for what the library itself asks. */
  ask<E extends OutboundEvent>(event: E, payload: SocketEvents[E], done: (answer: Answer) => void, timeoutMs?: number): void
  /** For the session only. */
  opened(connection: Connection): void
  closed(isOurs: boolean): void
  /** The last connection was ended by this side: nothing that was under way broke it. */
  wasOurs(): boolean
}

const unanswered = (unclear: 'timeout' | 'disconnected'): Answer =>
  ({ error: { code: unclear, message: 'the server did not answer in time', retryable: true }, unclear })

export function createLink<X extends Extra>(clock: Clock, wire: Wire<X>, defaultTimeoutMs: number): Link {
  let connection: Connection | null = null
  let opened = 0
  let ours = false
  const pending = new Set<(result: RequestResult) => void>()

  const link: Link = {
    generation: () => (connection ? opened : 0),
    emit(event, args, onAck) {
      if (!connection) return false
      connection.emit(event, args, onAck)
      return true
    },
    request(event, args, done, timeoutMs = defaultTimeoutMs) {
      if (!connection) {
        done({ ok: false, code: 'disconnected' })
        return
      }
      let stopTimer: Stop = () => undefined
      const settle = (result: RequestResult): void => {
        if (!pending.delete(settle)) return
        stopTimer()
        done(result)
      }
      pending.add(settle)
      stopTimer = clock.setTimer(timeoutMs, () => settle({ ok: false, code: 'timeout' }))
      try {
        connection.emit(event, args, (...answer) => settle({ ok: true, answer }))
      } catch (reason) {
        // Who asked is told by the throw, and not once more by a timeout.
        pending.delete(settle)
        stopTimer()
        throw reason
      }
    },
    ask(event, payload, done, timeoutMs) {
      const asked = wire.asked(event, payload)
      if (!asked) return done(UNMAPPED)
      link.request(asked.name, asked.args, (result) => done(result.ok ? wire.response(event, result.answer) : unanswered(result.code)), timeoutMs)
    },
    opened(next) {
      connection = next
      opened++
    },
    wasOurs: () => ours,
    closed(isOurs) {
      ours = isOurs
      connection = null
      for (const settle of [...pending]) settle({ ok: false, code: 'disconnected' })
    },
  }
  return link
}
