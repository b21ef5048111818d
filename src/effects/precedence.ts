import type { Clock } from '../environment'
import type { Target } from './outcomes'

/** What breaks the connection does so at once: so long a suspect has it alone, and waits for what went before. */
const ALONE_MS = 1_000

/**
 * Who stands back for whom: all others for a suspect, and that for what is in flight. Neither for longer than `ALONE_MS`, and by turns where
 * a suspect gets no answer.
 */
export function createPrecedence(clock: Clock, isUnderWay: (target: Target) => boolean) {
  /** The last one that went alone. */
  let suspect: Target | null = null
  /** When that went, and the last one of all (monotonic). */
  let aloneAt = -Infinity
  let emittedAt = -Infinity
  /** When the answer to the last question will be another (monotonic); Infinity when nobody stands back. */
  let next = Infinity

  function standsBack(isWanted: boolean, until: number): boolean {
    // A timer may ring a hair too early.
    const isSo = isWanted && until - clock.monotonic() >= 1
    next = isSo ? until : Infinity
    return isSo
  }

  const isUnanswered = (): boolean => suspect !== null && isUnderWay(suspect)

  return {
    emitted(target: Target, isAlone: boolean): void {
      emittedAt = clock.monotonic()
      if (!isAlone) return
      suspect = target
      aloneAt = emittedAt
    },
    isTaken: (): boolean => standsBack(isUnanswered(), aloneAt + ALONE_MS),
    isOthersTurn: (): boolean => standsBack(isUnanswered(), aloneAt + 2 * ALONE_MS),
    mayGoAlone: (isAnyInFlight: boolean): boolean => !standsBack(isAnyInFlight, emittedAt + ALONE_MS),
    /** When whoever stands back, by the last question, may go (monotonic). */
    next: (): number => next,
  }
}
