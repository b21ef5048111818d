import type { Clock, Stop } from '../environment'
import type { GetToken } from '../options'
import { fieldsOf, type Fields } from '../policy/json'

export type TokenResult =
  | { readonly kind: 'token'; readonly token: string; readonly expiresAt: number | null; readonly subject: string | null }
  | { readonly kind: 'signed_out' }
  | { readonly kind: 'malformed'; readonly code: string; readonly message: string }
  | { readonly kind: 'unavailable'; readonly message: string }

const OTHER_SUBJECT = 'unable to use the token: it belongs to somebody else than the one before; dispatch connect({ userId }) with the new user, or signOut()'
const BEARER = 'unable to use the token: it begins with "Bearer "; give the raw JWT, as session.getToken() returns it'

/** What a JWT says of itself; nothing of any other token, which only the server can read. Unverified: the server decides. */
function claimsOf(token: string): Fields {
  try {
    const body = token.split('.')[1] ?? ''
    return fieldsOf(JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/'))))
  } catch {
    return {}
  }
}

/** When a JWT expires, in milliseconds since the epoch; null for any other token. */
export function expiryOf(token: string): number | null {
  const { exp } = claimsOf(token)
  return typeof exp === 'number' ? exp * 1000 : null
}

/** Whose JWT it is; null for any other token. */
function subjectOf(token: string): string | null {
  const { sub } = claimsOf(token)
  return typeof sub === 'string' ? sub : null
}

/**
 * Guards one sign-in: once a token of one person was used, one of another is refused. So an app that changed its session, and has not said so
 * with `connect`, never sends what the first person wrote as the second.
 */
export function createSubjectGuard() {
  let known: string | null = null
  return {
    check(result: TokenResult): TokenResult {
      if (result.kind !== 'token' || result.subject === null) return result
      known ??= result.subject
      return known === result.subject ? result : { kind: 'malformed', code: 'other_subject', message: OTHER_SUBJECT }
    },
    reset(): void {
      known = null
    },
  }
}

export type SubjectGuard = ReturnType<typeof createSubjectGuard>

function judge(token: unknown): TokenResult {
  if (token === null || token === undefined) return { kind: 'signed_out' }
  if (typeof token !== 'string' || token === '') {
    return { kind: 'malformed', code: 'token_malformed', message: 'unable to use the token: getToken must give a non-empty string, or null when signed out' }
  }
  if (/^bearer\s/i.test(token)) return { kind: 'malformed', code: 'bearer_prefix', message: BEARER }
  return { kind: 'token', token, expiresAt: expiryOf(token), subject: subjectOf(token) }
}

/** Asks for a token and answers exactly once: a `getToken` that hangs counts as unavailable. The text of a throw may hold a secret and is not kept. */
export function askForToken(
  getToken: GetToken, skipCache: boolean, clock: Clock, timeoutMs: number, done: (result: TokenResult) => void,
): Stop {
  let answered = false
  const answer = (result: TokenResult): void => {
    if (answered) return
    answered = true
    stopTimer()
    done(result)
  }
  const stopTimer = clock.setTimer(timeoutMs, () => answer({ kind: 'unavailable', message: 'getToken did not answer in time' }))
  const asked = async (): Promise<string | null> => getToken({ skipCache })
  asked().then((token) => answer(judge(token)), () => answer({ kind: 'unavailable', message: 'getToken failed' }))
  // What comes after this is answered to nobody.
  return () => {
    answered = true
    stopTimer()
  }
}
