import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIdentityProvider } from '../../demo/server/identity'
import { createChatServer } from '../../demo/server/create-server'
import { connectTo, draft, ended, postJson, refusalOf, seqOf, startDemo, type Demo } from './harness'

let demo: Demo
const pem = (key: string) => key.replaceAll('\n', '\\n')

beforeAll(async () => { demo = await startDemo({ graceMs: 30 }) }, 60_000)
afterAll(() => demo.close())

describe('the handshake', () => {
  it('announces the session, with the end of the token\'s time', async () => {
    const alice = await demo.connect('alice')
    const session = await alice.next('session') as { tokenExpiresAt: number }
    expect(session).toMatchObject({
      capabilities: ['sync', 'ordered', 'auth-refresh'], maxMessageBytes: 65_536, dedupWindowMs: expect.any(Number),
    })
    expect(Math.abs(session.tokenExpiresAt - Date.now() - 60_000)).toBeLessThan(10_000)
  })

  it.each([
    ['without anything', () => ({}), 'unauthorized'],
    ['without a user', async () => ({ token: await demo.token('alice') }), 'unauthorized'],
    ['with another user than the token\'s', async () => ({ token: await demo.token('alice'), userId: 'bob' }), 'unauthorized'],
    ['with a token of the wrong type', () => ({ token: { $gt: '' }, userId: 'alice' }), 'unauthorized'],
    ['with garbage', () => ({ token: 'garbage', userId: 'alice' }), 'token_invalid'],
    ['with a Bearer prefix', async () => ({ token: `Bearer ${await demo.token('alice')}`, userId: 'alice' }), 'token_invalid'],
    ['with an expired token', async () => ({ token: await demo.token('alice', { issuedAt: Date.now() - 120_000 }), userId: 'alice' }), 'token_expired'],
    ['with a token of another key', async () =>
      ({ token: (await (await createIdentityProvider(null)).mint('alice')).token, userId: 'alice' }), 'token_invalid'],
  ])('is refused %s', async (_what, auth, expected) => {
    expect(await demo.refusal(await auth())).toEqual({ code: expected, message: expect.stringMatching(/^unable to/), retryable: false })
  })

  it('G11: a refusal does not quote the token', async () => {
    const token = await demo.token('alice')
    for (const bad of [`Bearer ${token}`, `${token}x`]) {
      expect(JSON.stringify(await demo.refusal({ token: bad, userId: 'alice' }))).not.toContain(token.slice(10, 60))
    }
  })
})

describe('a Clerk key', () => {
  it('checks the origin, and reads a PEM with literal \\n', async () => {
    const server = await createChatServer({ dataDir: null, jwtKey: pem(demo.identity.jwtKey), authorizedParties: ['https://chat.example.com'] })
    try {
      const refused = await refusalOf(server.url, { token: await demo.token('alice'), userId: 'alice' })
      expect(refused).toMatchObject({ code: 'unauthorized', message: expect.stringContaining('another site') })
      expect(await postJson(`${server.url}/identity/token`, { userId: 'alice' })).toMatchObject({ error: { code: 'not_found' } })
      expect(await postJson(`${server.url}/control/reset`, {})).toMatchObject({ error: { code: 'not_found' } })
    } finally {
      await server.close()
    }
  }, 30_000)

  it('is refused without origins', async () => {
    await expect(createChatServer({ dataDir: null, jwtKey: demo.identity.jwtKey })).rejects.toThrow('authorizedParties')
  }, 30_000)

  it('makes a user that nobody has seen before a member of the open channels', async () => {
    const stranger = await demo.connect('user_2abc')
    expect(seqOf(await stranger.emit('message:send', draft('general', 'user_2abc')))).toBeGreaterThan(0)
  })
})

describe('a token whose time is over', () => {
  const almostExpired = () => demo.token('alice', { issuedAt: Date.now() - 61_000 })

  it('is told to the socket, which is disconnected after the grace', async () => {
    const alice = await demo.connect('alice', { token: await almostExpired() })
    const end = ended(alice)
    expect(await alice.next('auth:expired')).toEqual({ code: 'token_expired' })
    expect(await end).toBe('io server disconnect')
  })

  it('G9: leaves no timer behind when the connection ends first', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    const clients = await Promise.all(Array.from({ length: 40 }, () => demo.connect('carol')))
    const ends = clients.map(ended)
    await demo.post('/control/crash', { userId: 'carol' })
    await Promise.all(ends)
    // A round trip, so that the server has seen the ends too.
    await (await demo.connect('bob')).next('session')
    expect(timers()).toBeLessThan(before + 20)
  })

  it('may be renewed in band', async () => {
    const alice = await demo.connect('alice')
    const token = await demo.token('alice', { lifeS: 3_600 })
    const response = await alice.emit('auth:refresh', { token })
    expect((response as { data: { expiresAt: number } }).data.expiresAt).toBeGreaterThan(Date.now() + 3_000_000)
  })

  it('is not renewed by an expired one, another user\'s, or none', async () => {
    const alice = await demo.connect('alice')
    const expired = await demo.token('alice', { issuedAt: Date.now() - 120_000 })
    const refresh = (token: unknown) => alice.emit('auth:refresh', { token })
    expect(await refresh(expired)).toMatchObject({ error: { code: 'token_expired' } })
    expect(await refresh(await demo.token('bob'))).toMatchObject({ error: { code: 'unauthorized' } })
    expect(await refresh(null)).toMatchObject({ error: { code: 'invalid_payload' } })
  })
})

describe('the local identity provider', () => {
  it('signs tokens of Clerk\'s shape for known users only', async () => {
    const server = await createChatServer({ dataDir: null })
    try {
      const { token, expiresAt } = await postJson(`${server.url}/identity/token`, { userId: 'bob' }) as { token: string; expiresAt: number }
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      expect(claims).toMatchObject({ sub: 'bob', sid: expect.any(String), azp: expect.any(String), iss: expect.any(String) })
      expect(claims.exp - claims.iat).toBe(60)
      expect(expiresAt).toBe(claims.exp * 1_000)
      const bob = await connectTo(server.url, { token, userId: 'bob' })
      bob.close()
      expect(await postJson(`${server.url}/identity/token`, { userId: 'mallory' })).toMatchObject({ error: { code: 'unknown_user' } })
      expect(await postJson(`${server.url}/identity/token`, {})).toMatchObject({ error: { code: 'invalid_payload' } })
    } finally {
      await server.close()
    }
  }, 30_000)
})
