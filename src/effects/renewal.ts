import type { Stop } from '../environment'
import type { Extra, SocketErrorBody } from '../model'
import { mayPass } from '../policy/errors'
import type { Answer } from '../transport/parse'
import type { Runtime } from './runtime'
import type { TokenResult, Tokens } from './token'

export interface RenewalOutcomes {
  /** Open a new connection with a fresh token. */
  reconnect(): void
  /** By default the server refused the token. */
  unauthorized(code: string, reason?: string): void
}

/** Between two tries to get a token while the old one still holds. */
const RETRY_MS = 5_000

/** Fresh tokens in a row that did not help: then the server does not mean the token's age. */
const MAX_FRUITLESS = 3

/** What is refused this long after it was asked for may have grown old in a sleep of the machine. */
const STALE_MS = 2_000

/** A refusal this long after the last one is a new story. */
const FRUITLESS_WITHIN_MS = 10_000

/** A token that was good for less has not helped, whatever this device's clock says of its end. */
const SHORTEST_LIFE_MS = 1_000

/** Keeps the token of an open connection fresh: before it expires, and at once when the server says that it has. */
export function createRenewal<X extends Extra>(runtime: Runtime<X>, tokens: Tokens, outcomes: RenewalOutcomes) {
  const { clock } = runtime.environment
  const { renewBeforeMs } = runtime.options.auth
  let stopTimer: Stop = () => undefined
  let stopAsking: Stop = () => undefined
  /** One renewal serves everybody who asks while it is under way: a fresh token is asked for, then it is on its way to the server. */
  let step: 'none' | 'asking' | 'presenting' = 'none'
  /** The server refuses the present token: nothing is sent until it has another. */
  let expired = false
  /** When the token that the server has ends, by this device's clock. */
  let endsAt = Infinity
  /** From when on (monotonic) a refusal of that token is its age: half of its life, because two clocks may differ. */
  let agedAt = Infinity
  let fruitless = 0
  let lastRefusal = -Infinity
  /** When the server took a fresh token (monotonic). */
  let renewedAt = -Infinity
  /** When the token that is being presented was asked for. A monotonic clock may stand still in a sleep. */
  let askedAt = 0

  const inBand = (): boolean => runtime.getState().connection.capabilities.includes('auth-refresh')

  /** A device whose clock is ahead sees tokens expired that are not: one renewal follows another no sooner than `soonestMs`. */
  function schedule(expiresAt: number | null, soonestMs = 0): void {
    stopTimer()
    endsAt = expiresAt ?? Infinity
    const left = endsAt - clock.now()
    agedAt = clock.monotonic() + Math.max(SHORTEST_LIFE_MS, left / 2)
    if (expiresAt === null) return
    const delay = Math.max(left > 0 ? soonestMs : RETRY_MS, left - Math.min(renewBeforeMs, left / 2))
    stopTimer = clock.setTimer(delay, () => { if (inBand()) renew() })
  }

  function renew(): void {
    if (step !== 'none') return
    step = 'asking'
    askedAt = clock.now()
    stopAsking = tokens.ask(true, useToken)
  }

  function useToken(result: TokenResult): void {
    if (result.kind === 'token') present(result)
    else if (result.kind === 'refused') outcomes.unauthorized(result.code, result.reason)
    else again()
  }

  function again(afterMs = 0): void {
    step = 'none'
    stopTimer()
    stopTimer = clock.setTimer(Math.max(RETRY_MS, afterMs), renew)
  }

  function present({ token, expiresAt }: Extract<TokenResult, { kind: 'token' }>): void {
    const generation = runtime.link.generation()
    step = 'presenting'
    runtime.link.ask('auth:refresh', { token }, (answer) => {
      if (generation !== runtime.link.generation()) return
      presented(answer, expiresAt)
      runtime.reconcile()
    })
  }

  function presented({ data, error, unclear }: Answer, expiresAt: number | null): void {
    if (unclear === 'unreadable') runtime.invalid('invalid_ack', 'unable to read the answer to "auth:refresh"')
    if (data) renewed(runtime.wire.expiresAt(data) ?? expiresAt)
    // A connection on which nothing may be sent, and nothing tells that this ends, is of no use.
    else if (unclear === 'unmapped' || (unclear && expired)) outcomes.reconnect()
    else if (unclear) again()
    else refused(error)
  }

  function refused(error: SocketErrorBody): void {
    const isStale = clock.now() - askedAt > STALE_MS && ++fruitless <= MAX_FRUITLESS
    if (isStale || mayPass(error)) again(error.retryAfterMs)
    else outcomes.unauthorized(error.code)
  }

  function renewed(expiresAt: number | null): void {
    step = 'none'
    expired = false
    renewedAt = clock.monotonic()
    schedule(expiresAt, RETRY_MS)
    runtime.dispatch(runtime.actions.reports.tokenRefreshed({ expiresAt }))
  }

  return {
    /** When the token that the server has expires, as the token itself or the server says. One that it refuses is being replaced already. */
    expiresAt: (moment: number | null): void => { if (!expired) schedule(moment) },
    /** The server refuses the token that it has. What was asked (monotonic) before it got that, it refuses late for the one of before. */
    refuse(asked = Infinity): void {
      if (expired || asked < renewedAt) return
      expired = true
      const now = clock.monotonic()
      if (now >= agedAt || now - lastRefusal > FRUITLESS_WITHIN_MS) fruitless = 0
      lastRefusal = now
      if (++fruitless > MAX_FRUITLESS) outcomes.unauthorized('token_refused')
      else if (inBand()) renew()
      else outcomes.reconnect()
    },
    /** The server accepted something: the token is good. */
    proven(): void {
      fruitless = 0
    },
    /**
     * Nothing may be sent now. Also while an expired token is being replaced: what was sent before is refused and what is sent after is
     * accepted, and that would be another order.
     */
    isExpired: () => expired || (step === 'presenting' && clock.now() >= endsAt),
    stop(): void {
      stopTimer()
      stopAsking()
      step = 'none'
      expired = false
    },
  }
}

export type Renewal = ReturnType<typeof createRenewal<Extra>>
