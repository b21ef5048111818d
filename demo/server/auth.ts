import { verifyToken } from '@clerk/backend'
import { TokenVerificationError } from '@clerk/backend/errors'
import { importSPKI } from 'jose'
import { refuseForGood, type Refusal } from './refusal'

/** Who a verified token speaks for. Times are ms since the epoch. */
export interface Identity {
  readonly userId: string
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface AuthOptions {
  /** The PEM public key that tokens are checked against, without any network. */
  readonly jwtKey: string
  /** The origins that may have asked for the token (its `azp`). Without them a token made for any site would pass. */
  readonly authorizedParties: readonly string[]
  /** Tokens of the user issued at or before this moment (ms since the epoch) count as expired; 0 for none. */
  readonly expiredUntil: (userId: string) => number
}

/** Verifies a raw session token; rejects with `token_expired`, `token_invalid` or `unauthorized`. */
export type Authenticate = (token: string) => Promise<Identity>

export function createAuthenticate({ jwtKey, authorizedParties, expiredUntil }: AuthOptions): Authenticate {
  const options = { jwtKey: unescapePem(jwtKey), authorizedParties: [...authorizedParties] }
  return async (token) => {
    const identity = await verify(token, options)
    if (identity.issuedAt <= expiredUntil(identity.userId)) throw tokenExpired()
    return identity
  }
}

/** Asked at the start: every token would be refused as not valid, and nobody would look at the key. */
export async function assertPublicKey(pem: string): Promise<void> {
  try {
    await importSPKI(unescapePem(pem), 'RS256')
  } catch {
    throw refuseForGood('configuration', 'unable to verify Clerk tokens: CLERK_JWT_KEY is not a public key as PEM; '
      + 'copy it whole from the Clerk dashboard (API keys, JWKS public key), from "-----BEGIN PUBLIC KEY-----" on')
  }
}

/** Env files often carry a PEM with literal `\n`; unrepaired, it fails as a bad signature. */
export const unescapePem = (pem: string): string => pem.replaceAll('\\n', '\n').trim()

export const tokenExpired = (): Refusal =>
  refuseForGood('token_expired', 'unable to authenticate: the token has expired; fetch a fresh one')

async function verify(token: string, options: { jwtKey: string; authorizedParties: string[] }): Promise<Identity> {
  try {
    const { sub, iat, exp, minted_at: mintedAt } = await verifyToken(token, options)
    return { userId: sub, issuedAt: typeof mintedAt === 'number' ? mintedAt : iat * 1000, expiresAt: exp * 1000 }
  } catch (error) {
    throw refusalOf(error)
  }
}

// The reason goes to the client as a code; the error's own text may quote the token, so it stays here.
function refusalOf(error: unknown): Refusal {
  const reason = error instanceof TokenVerificationError ? error.reason : 'token-invalid'
  if (reason === 'token-expired') return tokenExpired()
  if (reason === 'token-invalid-authorized-parties') {
    return refuseForGood('unauthorized', 'unable to authenticate: the token was issued for another site')
  }
  return refuseForGood('token_invalid', 'unable to authenticate: the token is not valid; send the raw JWT, without "Bearer "')
}
