import type { Transport } from 'redux-chat'
import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment, type ManualClock, type MemoryServer } from 'redux-chat/testing'
import { openStore } from './chat-store'

/** The shape of a JWT, unsigned. */
const jwt = (claims: object): string => `h.${btoa(JSON.stringify(claims))}.s`

const subjectOf = (token: string): string => (JSON.parse(atob(token.split('.')[1] ?? '')) as { sub: string }).sub

/** How the app's `getToken` answers, and how the server takes what it gets. */
export const TOKENS = ['ok', 'ok', 'throws', 'hangs', 'slow', 'null', 'short', 'stranger'] as const
export const HANDSHAKES = ['ok', 'ok', 'token_expired', 'forbidden', 'busy', 'endless', 'turns_away', 'checks'] as const
export const REFRESHES = ['ok', 'ok', 'silent', 'garbage', 'busy', 'token_expired'] as const
/** How it takes messages. */
export const SENDS = ['ok', 'ok', 'token_expired', 'silent'] as const

const LATENCY_MS = 10
const YEAR_MS = 365 * 86_400_000
const MAX_CALLS = 5_000
/** As the library does by default. */
const TOKEN_TIMEOUT_MS = 10_000

/** A call of `getToken` that has not been answered. */
interface Asked { readonly at: number; readonly skipCache: boolean; readonly connection: number | null }

/** A socket that was closed may still have something to tell: its end, or that it opened after all. */
function talkative(transport: Transport, clock: ManualClock): Transport {
  return { open(request, handlers) {
    const connection = transport.open(request, handlers)
    return { ...connection, close() {
      connection.close()
      clock.setTimer(3, handlers.onOpen)
      clock.setTimer(5, () => handlers.onClose({ reason: 'transport_close', message: 'late' }))
    } }
  } }
}

/** One tab, and an app and a server that may do anything about its sessions. */
export function createSessionWorld(run: number) {
  const random = createSeededRandom(`sessions ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const modes = {
    token: 'ok' as (typeof TOKENS)[number], handshake: 'ok' as (typeof HANDSHAKES)[number],
    refresh: 'ok' as (typeof REFRESHES)[number], send: 'ok' as (typeof SENDS)[number],
  }
  const clock = createManualClock()
  let calls = 0
  /** A loop without a pause would never let the clock go on. */
  const isFlooded = (): boolean => calls > MAX_CALLS
  const subjects = new Set<string>()
  /** By the server; its word may be lost, and then the client knows of no connection. */
  let taken = ''
  const asked = new Set<Asked>()
  let doubled = 0
  const capabilities = pick([['sync', 'ordered', 'auth-refresh'], ['sync'], null])
  const server: MemoryServer = createMemoryServer({
    now: clock.now, capabilities,
    authenticate: ({ token, userId }) => {
      if (isFlooded()) return new Promise(() => undefined)
      const { handshake } = modes
      if (handshake === 'token_expired' || handshake === 'forbidden') return { code: handshake }
      // Another user's token: out of a cache that has still the last one's.
      if (handshake === 'checks' && subjectOf(token) !== userId) return { code: 'unauthorized' }
      if (handshake === 'busy') return { code: handshake, retryable: true, retryAfterMs: 3_000 }
      if (handshake === 'endless') return { code: 'busy', retryable: true, retryAfterMs: YEAR_MS }
      taken = `${userId} as ${subjectOf(token)}`
      return { ok: true }
    },
  })
  server.onConnection((peer) => { if (modes.handshake === 'turns_away') peer.disconnect() })
  server.on('auth:refresh', (_payload, _peer, reply) => {
    const { refresh } = modes
    if (refresh === 'ok') reply({ success: true, data: { expiresAt: clock.now() + 60_000 } })
    else if (refresh === 'garbage') reply('garbage')
    else if (refresh !== 'silent') reply({ success: false, error: { code: refresh, message: refresh, retryable: refresh === 'busy' } })
  })
  server.rejectWhile(() => (modes.send === 'token_expired' ? { code: 'token_expired', retryable: true } : null))
  const env = createTestEnvironment({ seed: run, clock, server, latencyMs: { min: 0, max: pick([0, LATENCY_MS]) } })
  let who = ''
  const getToken = ({ skipCache }: { readonly skipCache: boolean }): Promise<string | null> => new Promise((resolve, reject) => {
    // Which connection asks: one of them needs no more than one fresh token at a time.
    const connection = tab.connection().status === 'connected' ? env.network.opened : null
    for (const other of asked) if (connection !== null && other.connection === connection && clock.monotonic() - other.at < TOKEN_TIMEOUT_MS) doubled++
    const call: Asked = { at: clock.monotonic(), skipCache, connection }
    asked.add(call)
    const sub = modes.token === 'stranger' ? 'mallory' : who
    const exp = Math.floor((clock.now() + (modes.token === 'short' ? 3_000 : 60_000)) / 1_000)
    const answer = (task: () => void) => (): void => {
      asked.delete(call)
      task()
    }
    if (modes.token === 'throws') answer(() => reject(new Error('offline')))()
    else if (modes.token === 'null') answer(() => resolve(null))()
    else if (modes.token !== 'hangs' && !isFlooded()) clock.setTimer(modes.token === 'slow' ? 2_000 : 0, answer(() => resolve(jwt({ sub, exp }))))
  })
  const tab = openStore({ env, config: { getToken: (request) => {
    calls++
    return getToken(request)
  }, delivery: { ackTimeoutMs: 2_000, maxAttempts: 1_000 }, environment: { transport: talkative(env.environment.transport, clock) } } })
  tab.store.subscribe(() => { if (tab.connection().status === 'connected') subjects.add(taken) })
  return {
    random, pick, modes, clock, server, env, tab, asked, subjects,
    calls: () => calls,
    /** Tokens that one connection asked for while it waited for another. */
    doubled: () => doubled,
    who: () => who,
    isOfStranger: () => [...subjects].some((presented) => presented.endsWith(' as mallory')),
    /** The token ends soon, says the server, and refuses it about that time; what the app and the server make of a fresh one takes its time. */
    ageToken(): void {
      if (!capabilities) return
      Object.assign(modes, { token: pick(['ok', 'slow', 'hangs']), handshake: 'ok', refresh: pick(['ok', 'silent']) })
      clock.setTimer(random() * 500, () => server.emitRaw(who, 'session', { capabilities, tokenExpiresAt: clock.now() + 200 }))
      clock.setTimer(random() * 1_000, () => server.expireAuth(who))
    },
    connect(userId: string): void {
      if (userId !== who) subjects.clear()
      who = userId
      tab.connect(userId)
    },
    signOut(): void {
      tab.dispatch(tab.chat.actions.signOut())
      subjects.clear()
    },
  }
}

export type SessionWorld = ReturnType<typeof createSessionWorld>
