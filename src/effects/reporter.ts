import type { Clock } from '../environment'
import type { ChatError, SocketErrorType } from '../model'
import type { Metrics } from './metrics'
import type { ErrorContext } from './runtime'

/** A flood of bad payloads is one action per code in this time; `count` says how many there were. */
const QUIET_MS = 1_000

/** Builds errors, and thins out those that a hostile server could produce without end. */
export function createReporter(clock: Clock, id: () => string, metrics: Metrics, put: (error: ChatError) => void) {
  const floods = new Map<string, { until: number; suppressed: number }>()

  const error = (type: SocketErrorType, code: string, message: string, context: ErrorContext = {}): ChatError =>
    ({ id: id(), type, code, message, at: clock.now(), retryable: false, ...context })

  return {
    error,
    report: (type: SocketErrorType, code: string, message: string, context?: ErrorContext): void => put(error(type, code, message, context)),
    invalid(code: string, message: string, context?: ErrorContext, dropped = 1): void {
      metrics.count('invalid_payload', dropped)
      const flood = floods.get(code) ?? { until: -Infinity, suppressed: 0 }
      floods.set(code, flood)
      if (clock.monotonic() < flood.until) {
        flood.suppressed++
        return
      }
      const count = flood.suppressed + 1
      flood.suppressed = 0
      flood.until = clock.monotonic() + QUIET_MS
      put({ ...error('invalid_payload', code, message, context), ...(count > 1 && { count }) })
    },
  }
}
