import type { Clock, Stop } from '../environment'
import type { GetToken } from '../options'
import { fieldsOf, type Fields } from '../policy/json'

export type TokenResult =
  /** `expiresAt` is in milliseconds since the epoch; null for what is no JWT. */
  | { readonly kind: 'token'; readonly token: string; readonly expiresAt: number | null }
  /** Asking again gives the same: somebody has to sign in, or to mend the app. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  | { readonly kind: 'unavailable' }

const NOBODY = 'getToken gave null, nobody is signed in; sign in and connect again'
const MALFORMED = 'getToken must give a non-empty string, or null when signed out'
const OTHER_SUBJECT = "the token is another user's; dispatch connect({ userId }) for that one, or signOut()"
export const BEARER_TEXT = 'the token begins with "Bearer "; give the raw JWT'

export const isBearer = (token: string): boolean => /^bearer\s/i.test(token)

const refused = (code: string, reason: string): TokenResult => ({ kind: 'refused', code, reason })
const unavailable = (): TokenResult => ({ kind: 'unavailable' })

/** What a JWT says of itself; nothing of any other token, which only the server can read. Unverified: the server decides. */
function claimsOf(token: string): Fields {
  try {
    const body = token.split('.')[1] ?? ''
    return fieldsOf(JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/'))))
  } catch {
    return {}
  }
}

/**
 * The app's tokens of one sign-in: once one of one person was used, one of another is refused. So an app that changed its session, and has not said so with
 * `connect`, never sends what the first person wrote as the second. The first one may be the last user's, out of an identity provider's cache: as long as
 * no server has taken it, it gives way to one whose subject is `userId`, or to any once the server has refused it.
 */
export function createTokens(getToken: GetToken, clock: Clock, timeoutMs: number, userId: () => string | null) {
  let subject: string | null = null
  /** The server has taken a token of that one. */
  let isSure = false

  function judge(token: unknown): TokenResult {
    if (token === null || token === undefined) return refused('signed_out', NOBODY)
    if (typeof token !== 'string' || token === '') return refused('token_malformed', MALFORMED)
    if (isBearer(token)) return refused('bearer_prefix', BEARER_TEXT)
    const { exp, sub } = claimsOf(token)
    if (typeof sub === 'string' && sub !== subject) {
      if (subject !== null && (isSure || sub !== userId())) return refused('other_subject', OTHER_SUBJECT)
      subject = sub
    }
    return { kind: 'token', token, expiresAt: typeof exp === 'number' ? exp * 1000 : null }
  }

  return {
    /** Answers exactly once, or never after its stop: a `getToken` that hangs counts as unavailable. The text of a throw may hold a secret and is not kept. */
    ask(skipCache: boolean, done: (result: TokenResult) => void): Stop {
      let isOver = false
      const end = (): void => {
        isOver = true
        stopTimer()
      }
      const answer = (result: () => TokenResult): void => {
        if (isOver) return
        end()
        done(result())
      }
      const stopTimer = clock.setTimer(timeoutMs, () => answer(unavailable))
      // Only when whoever asks has its stop: what an app dispatches in its getToken may be what ends this.
      Promise.resolve().then(() => (isOver ? null : getToken({ skipCache }))).then((token) => answer(() => judge(token)), () => answer(unavailable))
      return end
    },
    /** The server took it. */
    taken(): void {
      isSure = true
    },
    /** The server refused it. Not as another user's when its subject is `userId`, nor when it has only grown old. */
    refused(code: string): void {
      if (!isSure && subject !== userId() && !/expired/.test(code)) subject = null
    },
    /** Whoever comes next may have any token. */
    reset(): void {
      subject = null
      isSure = false
    },
  }
}

export type Tokens = ReturnType<typeof createTokens>
