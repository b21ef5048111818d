import type { UnknownAction } from '@reduxjs/toolkit'
import type { LifecycleEvent, Stop } from '../environment'
import type { ChatError, Extra } from '../model'
import { MAX_PAUSE_MS, spread } from '../policy/backoff'
import { mayPass } from '../policy/errors'
import { isOwnEnd } from '../policy/outbox'
import type { CloseEvent, Connection } from '../transport/transport'
import { createRenewal } from './renewal'
import type { Runtime } from './runtime'
import { createTokens, type TokenResult } from './token'
import { createWelcome } from './welcome'

export interface SessionHandlers {
  /** `again` is false for the first connection since `start`. */
  onOpened(again: boolean): void
  onEvent(name: string, args: readonly unknown[]): void
  onClosed(): void
  /** The page ran again after a freeze, or came back from the back/forward cache: others may have taken it for dead. */
  onThawed(): void
  /** The connection looks open, and may not be. */
  onDoubt(): void
}

/** A hidden page may be frozen at any time; after this long its socket has to prove that it lives. */
const PROBE_AFTER_HIDDEN_MS = 20_000

/**
 * Owns the one connection of a store: token, attempts, loss, renewal. Everything late (a token, a socket, a timer) carries
 * the generation in which it was asked for and is ignored in the next one.
 */
export function createSession<X extends Extra>(runtime: Runtime<X>, handlers: SessionHandlers) {
  const { environment, options, link, metrics, audience } = runtime
  const { clock, lifecycle, transport } = environment
  const { reports } = runtime.actions
  let userId: string | null = null
  let generation = 0
  let phase: 'busy' | 'open' | 'waiting' | 'halted' = 'halted'
  let connection: Connection | null = null
  let stopTimer: Stop = () => undefined
  let stopLifecycle: Stop = () => undefined
  let attempt = 0
  /** The token of the present attempt was asked for because the server refused the last one. */
  let refreshed = false
  let everOpened = false
  /** When the page last went out of sight (monotonic). */
  let hiddenAt = Infinity

  const tokens = createTokens(options.getToken, clock, options.auth.timeoutMs, () => userId)
  const welcome = createWelcome(runtime)
  const renewal = createRenewal(runtime, tokens, { reconnect: () => begin(true), unauthorized: refuse })

  /** False when somebody who saw the last of what had arrived has ended or begun something else. */
  function drop(isOurs = true): boolean {
    const mine = ++generation
    stopTimer()
    renewal.stop()
    welcome.closed()
    const wasOpen = phase === 'open'
    connection?.close()
    connection = null
    if (wasOpen) {
      link.closed(isOurs)
      handlers.onClosed()
    }
    return mine === generation
  }

  /** What is late does nothing. */
  function current<A extends readonly unknown[]>(task: (...args: A) => void): (...args: A) => void {
    const mine = generation
    return (...args) => {
      if (mine === generation) task(...args)
    }
  }

  /** Reports; false when somebody who saw the report has ended what it is about. */
  function tell(report: UnknownAction): boolean {
    const mine = generation
    runtime.dispatch(report)
    return mine === generation
  }

  /** One attempt to connect, from the token to the server's answer. */
  function begin(skipCache: boolean): void {
    const goesOn = phase === 'open' ? settle('busy', { status: 'reconnecting', reason: 'reopened', nextRetryAt: null }) : drop()
    if (!goesOn) return
    phase = 'busy'
    refreshed = skipCache
    if (!tell(reports.connectionStarted({ attempt }))) return
    stopTimer = tokens.ask(skipCache, useToken)
  }

  function useToken(result: TokenResult): void {
    if (result.kind === 'token') open(result.token, result.expiresAt)
    else if (result.kind === 'refused') refuse(result.code, result.reason)
    else {
      // What did not come cannot have been in vain.
      renewal.proven()
      retryLater('token_unavailable')
    }
  }

  function refuse(code: string, reason = `the server refused a fresh token (${code}); sign in again`): void {
    halt('unauthorized', code, runtime.error('auth_failed', code, `unable to connect: ${reason}`))
  }

  function open(token: string, expiresAt: number | null): void {
    if (userId === null) return
    stopTimer = clock.setTimer(options.reconnection.timeoutMs, () => retryLater('unreachable'))
    const opened = transport.open({ url: options.url, auth: { token, userId } }, {
      onOpen: current(() => accepted(opened, expiresAt)),
      onEvent: current(hear),
      onClose: current(lost),
    })
    connection = opened
  }

  function accepted(opened: Connection, expiresAt: number | null): void {
    stopTimer()
    const again = everOpened
    phase = 'open'
    tokens.taken()
    welcome.opened()
    everOpened = true
    link.opened(opened)
    if (!tell(reports.connectionOpened({ at: clock.now() }))) return
    renewal.expiresAt(expiresAt)
    if (again) metrics.count('reconnection')
    handlers.onOpened(again)
  }

  function hear(name: string, args: readonly unknown[]): void {
    const waited = welcome.heard()
    handlers.onEvent(name, args)
    if (waited) runtime.reconcile()
  }

  function lost(event: CloseEvent): void {
    const { reason, code = reason, retryAfterMs } = event
    if (reason !== 'rejected') retryLater(reason)
    else if (mayPass(event)) retryLater(code, retryAfterMs)
    else {
      tokens.refused(code)
      if (refreshed) refuse(code)
      else begin(true)
    }
  }

  function retryLater(reason: string, retryAfterMs = 0): void {
    const { attempts, delayMs, jitter } = options.reconnection
    if (!lifecycle.isOnline()) {
      halt('offline', 'offline')
      return
    }
    // A connection from which the client was turned away was none, and its attempt counts.
    if (phase === 'open' && !welcome.isTurnedAway(reason)) attempt = 0
    if (attempt >= attempts) {
      halt('failed', reason, runtime.error('connection_error', reason,
        `unable to connect: gave up after ${attempts} attempts (${reason}); dispatch connect({ userId }) to try again`, { retryable: true }))
      return
    }
    attempt++
    const delay = Math.max(spread(delayMs, jitter, environment.random()), Math.min(retryAfterMs, MAX_PAUSE_MS))
    if (!settle('waiting', { status: 'reconnecting', reason, nextRetryAt: clock.now() + delay })) return
    stopTimer = clock.setTimer(delay, () => begin(false))
  }

  function settle(next: 'busy' | 'waiting' | 'halted', change: {
    readonly status: 'reconnecting' | 'offline' | 'unauthorized' | 'failed'
    readonly reason: string
    readonly nextRetryAt: number | null
    readonly error?: ChatError
  }): boolean {
    const wasOpen = phase === 'open'
    if (!drop(isOwnEnd(change))) return false
    phase = next
    return tell(reports.connectionLost({ ...change, attempt, wasOpen }))
  }

  /** No attempt is made any more until somebody or something asks. */
  function halt(status: 'offline' | 'unauthorized' | 'failed', reason: string, error?: ChatError): void {
    const whose = userId
    settle('halted', { status, reason, nextRetryAt: null, ...(error && { error }) })
    // Whoever left on seeing the report is told no more.
    if (!error || userId !== whose) return
    if (status === 'unauthorized') audience.told.onAuthError(error)
    else audience.told.onConnectionError(error)
  }

  /** The network, the page or the user is back: try at once, with the attempts counted anew. */
  function wake(): void {
    if (phase === 'open') return
    attempt = 0
    refreshed = false
    // What a sign-in of before was refused says nothing of this one.
    renewal.proven()
    if (phase !== 'busy') begin(false)
  }

  const unauthorized = (): boolean => runtime.getState().connection.status === 'unauthorized'

  function onLifecycle(event: LifecycleEvent): void {
    if (event === 'hidden') hiddenAt = clock.monotonic()
    else if (event === 'offline') {
      if (phase === 'waiting') halt('offline', 'offline')
      // A connection that looks open may be dead: it would show as connected until its heartbeat fails, 45 s later.
      else if (phase === 'open') handlers.onDoubt()
    } else if (event === 'restored' || event === 'resumed') {
      handlers.onThawed()
      // A page that stood still has lost its socket, whether it was told so or not.
      attempt = 0
      if (!unauthorized()) begin(false)
    } else if (phase === 'open') {
      if (event === 'online' || clock.monotonic() - hiddenAt > PROBE_AFTER_HIDDEN_MS) handlers.onDoubt()
    } else if (!unauthorized()) wake()
  }

  return {
    /** Connects as `id`, when no other is here; does nothing while that is under way or done, and tries again at once where it was given up. */
    start(id: string): void {
      if (userId === null) {
        userId = id
        everOpened = false
        stopLifecycle = lifecycle.subscribe(onLifecycle)
      }
      wake()
    },
    /** Leaves no socket, timer or listener. */
    stop(): void {
      userId = null
      drop()
      phase = 'halted'
      stopLifecycle()
    },
    /** Somebody else comes, who may have any token. Not for a disconnect: that one's queue stays. */
    forget: tokens.reset,
    /** The connection looks open but does not answer. Asked for only while it looks so: a question that is under way ends with it. */
    reopen(): void {
      if (lifecycle.isOnline()) begin(false)
      else halt('offline', 'offline')
    },
    renewal,
    isWary: welcome.isWary,
  }
}
