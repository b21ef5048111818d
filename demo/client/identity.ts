import type { GetToken } from 'redux-chat'

/** As Clerk does it: a token is handed out again until shortly before its end. */
const EARLY_MS = 5_000

/** Signs in at the demo's own identity provider, which asks for no password. */
export function createTokenSource(userId: string): GetToken {
  let cached: { readonly token: string; readonly expiresAt: number } | null = null
  return async ({ skipCache }) => {
    if (cached && !skipCache && cached.expiresAt - Date.now() > EARLY_MS) return cached.token
    cached = await post('/identity/token', { userId }) as { token: string; expiresAt: number }
    return cached.token
  }
}

export async function post(path: string, body: object): Promise<unknown> {
  const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`unable to ask the demo server for ${path}: it answered ${response.status}`)
  return response.json()
}

/** Whether the server was told to swallow this user's acks; false where it has no such switch. */
export async function dropsAcksOf(userId: string): Promise<boolean> {
  try {
    const { users } = await (await fetch('/control/state')).json() as { users: { [userId: string]: { dropAcks: unknown } } }
    return users[userId]?.dropAcks === true
  } catch {
    return false
  }
}
