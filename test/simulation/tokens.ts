import type { ManualClock, MemoryServer, ServerPeer } from 'redux-chat/testing'

const LIFE_MS = 60_000

/** Signed in the world's own way: who, and until when. */
const tokenFor = (userId: string, expiresAt: number): string => `${userId}|${expiresAt}`

const read = (token: string): { readonly userId: string; readonly expiresAt: number } => {
  const at = token.lastIndexOf('|')
  return { userId: token.slice(0, at), expiresAt: Number(token.slice(at + 1)) }
}

export type TokenMode = 'ok' | 'throws' | 'hangs' | 'stale'

/** Issues tokens to people and checks them on the server: at the handshake, at each refresh, and at each message. */
export function createTokens(clock: ManualClock, random: () => number, reached: (what: string) => void) {
  /** Until when each connection's token is good. */
  const good = new Map<string, number>()
  const state = { mode: 'ok' as TokenMode, lifeMs: LIFE_MS }

  function judge(token: string, userId: string): { ok: true; expiresAt: number } | { code: string } {
    const claims = read(token)
    if (claims.userId !== userId) return { code: 'unauthorized' }
    return claims.expiresAt > clock.now() ? { ok: true, expiresAt: claims.expiresAt } : { code: 'token_expired' }
  }

  return {
    state,
    /** What an app gives as `getToken`. */
    getToken: (userId: () => string | null) => async ({ skipCache }: { skipCache: boolean }): Promise<string | null> => {
      const me = userId()
      if (me === null) return null
      if (state.mode === 'throws') {
        reached('token throws')
        throw new Error('offline')
      }
      if (state.mode === 'hangs') {
        reached('token hangs')
        return new Promise(() => undefined)
      }
      if (state.mode === 'stale' && !skipCache) {
        reached('token stale')
        return tokenFor(me, clock.now() - 1)
      }
      return tokenFor(me, clock.now() + state.lifeMs * (0.5 + random() / 2))
    },
    authenticate: ({ token, userId }: { readonly token: string; readonly userId: string }) => judge(token, userId),
    serve(server: MemoryServer): void {
      server.onConnection((peer: ServerPeer) => { good.set(peer.id, read(peer.auth.token).expiresAt) })
      server.on('auth:refresh', (payload, peer, reply) => {
        const token = typeof payload === 'object' && payload !== null && 'token' in payload ? String(payload.token) : ''
        const result = judge(token, peer.userId)
        if ('code' in result) return reply({ success: false, error: { code: result.code, message: result.code, retryable: false } })
        good.set(peer.id, result.expiresAt)
        reply({ success: true, data: { expiresAt: result.expiresAt } })
      })
      server.rejectWhile((_message, peer) => {
        if ((good.get(peer.id) ?? 0) > clock.now()) return null
        reached('message refused for its token')
        // What an `ordered` server asks for again it waits for.
        return { code: 'token_expired', retryable: true }
      })
    },
  }
}
