import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, exportPKCS8, exportSPKI, generateKeyPair, importPKCS8, importSPKI, SignJWT } from 'jose'

type Key = Awaited<ReturnType<typeof importPKCS8>>

/** The origin in the `azp` of local tokens: fixed, so that a restart on another port leaves them valid. */
export const LOCAL_PARTY = 'http://localhost'

const TOKEN_LIFE_S = 60
const ALGORITHM = 'RS256'
const KEY_FILE = 'identity-key.pem'

/** A stand-in for Clerk: signs tokens of Clerk's shape with a key of its own. It asks for no password; never deploy it. */
export interface IdentityProvider {
  /** The PEM public key for `verifyToken`. */
  readonly jwtKey: string
  mint(userId: string, options?: MintOptions): Promise<{ token: string; expiresAt: number }>
}

export interface MintOptions {
  /** Ms since the epoch, a distinct one per token; now by default. */
  readonly issuedAt?: number
  /** Default 60, as Clerk's. */
  readonly lifeS?: number
}

/** The key is kept in `dataDir`, so that tokens outlive a restart; null makes a new one each time. */
export async function createIdentityProvider(dataDir: string | null): Promise<IdentityProvider> {
  const { privateKey, publicPem } = dataDir === null ? await generateKey() : await keptKey(dataDir)
  const kid = await calculateJwkThumbprint(await exportJWK(await importSPKI(publicPem, ALGORITHM)))
  return {
    jwtKey: publicPem,
    mint: (userId, options = {}) => mint(privateKey, kid, userId, options),
  }
}

async function mint(key: Key, kid: string, userId: string, { issuedAt = Date.now(), lifeS = TOKEN_LIFE_S }: MintOptions) {
  const iat = Math.floor(issuedAt / 1000)
  const exp = iat + lifeS
  // `iat` counts seconds; `minted_at` tells two tokens of one second apart when the demo expires the first.
  const token = await new SignJWT({ sid: `sess_${userId}`, azp: LOCAL_PARTY, minted_at: issuedAt })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
    .setSubject(userId).setIssuer(`${LOCAL_PARTY}/identity`)
    .setIssuedAt(iat).setNotBefore(iat - 10).setExpirationTime(exp)
    .sign(key)
  return { token, expiresAt: exp * 1000 }
}

async function generateKey() {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true })
  return { privateKey, publicPem: await exportSPKI(publicKey) }
}

/** Both halves are in one file, so that they can never be of two different keys. */
async function keptKey(dataDir: string) {
  const file = join(dataDir, KEY_FILE)
  const kept = await readFile(file, 'utf8').catch(() => null)
  if (kept !== null) return readKey(kept)
  const { privateKey, publicPem } = await generateKey()
  await mkdir(dataDir, { recursive: true })
  await writeFile(file, `${await exportPKCS8(privateKey)}\n${publicPem}`, { mode: 0o600 })
  return { privateKey, publicPem }
}

async function readKey(pem: string) {
  const start = pem.indexOf('-----BEGIN PUBLIC KEY-----')
  return { privateKey: await importPKCS8(pem.slice(0, start).trim(), ALGORITHM), publicPem: pem.slice(start).trim() }
}
