import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'
import { openStore } from './chat-store'

/**
 * `fair`: each emit is answered, though the device sleeps and tokens grow old; so nothing is ever late, and nothing fails.
 * `echoed`: the server acknowledges nothing, and its echo tells. `mute`: nothing but the receipts of others tells. `rough`: everything.
 */
export const KINDS = ['fair', 'echoed', 'mute', 'rough'] as const
export const CHANNELS = ['a', 'b', 'c'] as const
export const LIMIT_BYTES = 3_000
export const MAX_PAUSE_MS = 5_000
const MAX_TIMERS = 5_000
const TOKEN_CODES = ['token_expired', 'jwt_expired', 'unauthorized'] as const

interface Sent { readonly id: string; readonly content: string }

/** One page after the other, and a server that refuses, asks for a pause, forgets ids soon, limits sizes, or does not answer. */
export function createRefusalWorld(run: number) {
  const random = createSeededRandom(`refusals ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const upTo = (count: number): number => Math.floor(random() * count)
  const kind = KINDS[run % KINDS.length] ?? 'fair'
  const isOrdered = kind === 'rough' && random() < 0.5
  const windowMs = kind === 'rough' && random() < 0.7 ? 20_000 : Infinity
  const inFlightTotal = pick([1, 2, 4])
  const moods = { isTokenOld: false, busy: 0, knows: random() < 0.5 }
  const clock = createManualClock()
  const server = createMemoryServer({
    now: clock.now, capabilities: [...(kind === 'mute' ? [] : ['sync']), 'auth-refresh', ...(isOrdered ? ['ordered'] : [])], echo: kind === 'echoed' ? 'before_ack' : kind === 'mute' ? 'none' : pick(['before_ack', 'after_ack', 'none']),
    maxMessageBytes: LIMIT_BYTES, ...(windowMs < Infinity && { dedupWindowMs: windowMs }),
  })
  /** Not before this may a message come again (monotonic). */
  const notBefore = new Map<string, number>()
  const refusals: string[] = []
  server.onConnection(() => { moods.isTokenOld = false })
  server.on('auth:refresh', (_payload, _peer, reply) => {
    moods.isTokenOld = false
    reply({ success: true, data: { expiresAt: clock.now() + 3_600_000 } })
  })
  const early: string[] = []
  server.rejectWhile(({ id, content }) => {
    const pause = (notBefore.get(id) ?? 0) - clock.monotonic()
    // An answer that came late was about an earlier attempt.
    if (kind === 'fair' && pause > 1) early.push(`sent ${Math.round(pause)} ms before its time`)
    if (content.startsWith('bad')) return { code: 'forbidden_word', retryable: false }
    // An `ordered` server asks again for what it has to wait for.
    if (moods.isTokenOld) return { code: pick(TOKEN_CODES), retryable: isOrdered }
    // Two refusals are less than all attempts.
    if (moods.busy === 0 || random() < 0.5 || refusals.filter((other) => other === id).length > 1) return null
    moods.busy--
    refusals.push(id)
    return { code: 'rate_limited', message: id, retryable: true, retryAfterMs: upTo(MAX_PAUSE_MS) }
  })
  const countOf = (id: string): number => server.received('message:send').filter(({ payload }) => (payload as Sent).id === id).length
  /** What arrives: the pauses that are asked for; and of a server that says of what it has already only that it has it. */
  function answer(response: unknown, event: string): unknown {
    const { data, error } = response as { readonly data?: { readonly id?: string }; readonly error?: { readonly message: string; readonly retryAfterMs?: number } }
    if (event !== 'message:send') return response
    if (error?.retryAfterMs !== undefined) notBefore.set(error.message, clock.monotonic() + error.retryAfterMs)
    const isKnown = moods.knows && data?.id !== undefined && countOf(data.id) > 1
    return isKnown ? { success: false, error: { code: 'duplicate', message: 'known', retryable: false } } : response
  }
  // Each reading takes a moment, as it does everywhere else.
  let reading = 0
  const loops = { at: -1, timers: 0 }
  /** Timers that are set again and again at one moment would never let the clock go on. */
  function countTimer(at: number): void {
    loops.timers = at === loops.at ? loops.timers + 1 : 0
    loops.at = at
    if (loops.timers > MAX_TIMERS) throw new Error(`${MAX_TIMERS} timers at one moment`)
  }
  const open = (env: TestEnvironment) => {
    const { clock: inner } = env.environment
    const setTimer: typeof inner.setTimer = (delayMs, task) => {
      countTimer(clock.monotonic())
      return inner.setTimer(delayMs, task)
    }
    const moving = { ...inner, setTimer, monotonic: () => inner.monotonic() + (reading += 1e-7) }
    return openStore({ env, config: {
      delivery: { ackTimeoutMs: 2_000, backoff: { baseMs: 500, maxMs: MAX_PAUSE_MS }, maxAttempts: kind === 'fair' ? 4 : kind === 'mute' ? 3 : 1_000, inFlightTotal, inFlightPerChannel: 3 },
      reconnection: { attempts: 1_000 }, protocol: { ack: answer }, environment: { clock: moving },
    } })
  }
  const env = createTestEnvironment({ seed: run, clock, server, latencyMs: { min: 0, max: pick([0, 40, 300]) } })
  if (kind === 'echoed' || kind === 'mute') env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
  const now = { env, tab: open(env) }

  return {
    run, kind, isOrdered, random, pick, upTo, clock, server, moods, windowMs, inFlightTotal, early, now,
    /** The page is loaded anew. */
    reload(): void {
      // What was not written yet is not known to the next page.
      notBefore.clear()
      now.env = now.env.reload()
      now.tab = open(now.env)
    },
    calm(): void {
      Object.assign(moods, { busy: 0, isTokenOld: false })
      now.env.network.restore()
    },
  }
}

export type RefusalWorld = ReturnType<typeof createRefusalWorld>
