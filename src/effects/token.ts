import type { Clock } from '../environment'
import type { GetToken } from '../options'

export type TokenResult =
  | { readonly kind: 'token'; readonly token: string; readonly expiresAt: number | null }
  | { readonly kind: 'signed_out' }
  | { readonly kind: 'malformed'; readonly code: string; readonly message: string }
  | { readonly kind: 'unavailable'; readonly message: string }

const BEARER = 'unable to use the token: it begins with "Bearer "; give the raw JWT, as session.getToken() returns it'

/** When a JWT expires, in milliseconds since the epoch; null for any other token. */
export function expiryOf(token: string): number | null {
  try {
    const body = token.split('.')[1] ?? ''
    const claims: unknown = JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/')))
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null
    return typeof exp === 'number' ? exp * 1000 : null
  } catch {
    // Not a JWT: then only the server knows when it expires.
    return null
  }
}

function judge(token: unknown): TokenResult {
  if (token === null || token === undefined) return { kind: 'signed_out' }
  if (typeof token !== 'string' || token === '') {
    return { kind: 'malformed', code: 'token_malformed', message: 'unable to use the token: getToken must give a non-empty string, or null when signed out' }
  }
  if (/^bearer\s/i.test(token)) return { kind: 'malformed', code: 'bearer_prefix', message: BEARER }
  return { kind: 'token', token, expiresAt: expiryOf(token) }
}

/** Asks for a token and answers exactly once: a `getToken` that hangs counts as unavailable. The text of a throw may hold a secret and is not kept. */
export function askForToken(
  getToken: GetToken, skipCache: boolean, clock: Clock, timeoutMs: number, done: (result: TokenResult) => void,
): void {
  let answered = false
  const answer = (result: TokenResult): void => {
    if (answered) return
    answered = true
    stop()
    done(result)
  }
  const stop = clock.setTimer(timeoutMs, () => answer({ kind: 'unavailable', message: 'getToken did not answer in time' }))
  const asked = async (): Promise<string | null> => getToken({ skipCache })
  asked().then((token) => answer(judge(token)), () => answer({ kind: 'unavailable', message: 'getToken failed' }))
}
