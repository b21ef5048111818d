import { describe, expect, it } from 'vitest'
import { createChat, type ChatError, type SocketEvents } from 'redux-chat'
import { createMemoryServer, createManualClock, createTestEnvironment } from 'redux-chat/testing'
import { openStore } from '../support/chat-store'

const jwt = (exp: number, sub?: string): string => `head.${btoa(JSON.stringify({ exp, sub }))}.sign`

describe('connection', () => {
  it('puts the raw token and the user id into the handshake', async () => {
    const seen: unknown[] = []
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, authenticate: (auth) => { seen.push(auth); return { ok: true } } })
    const alice = openStore({ env: createTestEnvironment({ server, clock }), config: { getToken: async () => 'raw.jwt.token' } })
    expect(alice.connection().status).toBe('idle')
    alice.connect('alice')
    expect(alice.connection().status).toBe('connecting')
    await alice.settle()
    expect(seen).toEqual([{ token: 'raw.jwt.token', userId: 'alice' }])
    expect(alice.connection()).toMatchObject({ status: 'connected', userId: 'alice', attempt: 0 })
  })

  it('gives up after 5 attempts, 1 s apart, then tells onConnectionError; connect() tries again', async () => {
    const told: ChatError[] = []
    const env = createTestEnvironment()
    env.network.cut()
    const alice = openStore({ env, config: { onConnectionError: (error) => told.push(error) } })
    alice.connect()
    const delays: number[] = []
    for (let last = alice.connection().nextRetryAt, i = 0; i < 200 && alice.connection().status !== 'failed'; i++) {
      await alice.advance(50)
      const { nextRetryAt } = alice.connection()
      if (nextRetryAt !== null && nextRetryAt !== last) delays.push(nextRetryAt - env.clock.now() + 50)
      last = nextRetryAt
    }
    expect(env.network.attempts).toBe(6)
    expect(delays).toHaveLength(5)
    for (const delay of delays) expect(Math.abs(delay - 1_000)).toBeLessThanOrEqual(300)
    expect(alice.connection()).toMatchObject({ status: 'failed', attempt: 5, nextRetryAt: null, reason: 'unreachable' })
    expect(told).toMatchObject([{ type: 'connection_error', code: 'unreachable', retryable: true }])
    env.network.restore()
    alice.connect()
    await alice.settle()
    expect(alice.connection().status).toBe('connected')
  })

  it('reconnects after a loss, tells onReconnect once, and not on the first connection, nor on that after a disconnect', async () => {
    let told = 0
    const alice = openStore({ config: { onReconnect: () => { told++ } } })
    alice.connect()
    await alice.settle()
    alice.env.server.disconnectAll('transport_close')
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'reconnecting', reason: 'transport_close', attempt: 1 })
    expect(told).toBe(0)
    await alice.advance(2_000)
    expect(alice.connection().status).toBe('connected')
    expect(told).toBe(1)
    expect(alice.chat.metrics.getSnapshot().reconnections).toBe(1)
    alice.dispatch(alice.chat.actions.disconnect())
    alice.connect()
    await alice.advance(2_000)
    expect([alice.connection().status, told, alice.chat.metrics.getSnapshot().reconnections]).toEqual(['connected', 1, 1])
  })

  it('a disconnect by the server is reconnected too, with its own reason', async () => {
    const alice = openStore()
    alice.connect()
    await alice.settle()
    alice.env.server.disconnectAll('server_disconnect')
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'reconnecting', reason: 'server_disconnect' })
    await alice.advance(2_000)
    expect(alice.connection().status).toBe('connected')
  })

  it('is offline at once when the browser says so between two attempts', async () => {
    const alice = openStore()
    alice.env.network.cut()
    alice.connect()
    await alice.settle()
    expect(alice.connection().status).toBe('reconnecting')
    alice.env.lifecycle.offline()
    expect(alice.connection()).toMatchObject({ status: 'offline', nextRetryAt: null })
  })

  it.each(['online', 'visible', 'restored'] as const)('tries at once when the page is %s again, also after it had given up', async (event) => {
    const alice = openStore()
    alice.env.network.cut()
    alice.connect()
    await alice.advance(30_000)
    expect(alice.connection().status).toBe('failed')
    alice.env.network.restore()
    alice.env.lifecycle[event]()
    await alice.settle()
    expect(alice.connection().status).toBe('connected')
  })

  it('offline waits without attempts, is no error, and goes on with the online event', async () => {
    const told: ChatError[] = []
    const alice = openStore({ config: { onConnectionError: (error) => told.push(error) } })
    alice.connect()
    await alice.settle()
    alice.env.network.cut()
    alice.env.lifecycle.offline()
    await alice.advance(60_000)
    expect([alice.connection().status, told, alice.errors()]).toEqual(['offline', [], []])
    const { attempts } = alice.env.network
    await alice.advance(600_000)
    expect(alice.env.network.attempts).toBe(attempts)
    alice.env.network.restore()
    alice.env.lifecycle.online()
    await alice.settle()
    expect(alice.connection().status).toBe('connected')
  })

  it('an expired token is refreshed once without cache, then the session is unauthorized', async () => {
    const asked: boolean[] = []
    const told: ChatError[] = []
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, authenticate: ({ token }) => (token === 'fresh' ? { ok: true } : { code: 'token_expired' }) })
    const open = (fresh: string) => openStore({
      env: createTestEnvironment({ server, clock }),
      config: { getToken: ({ skipCache }) => { asked.push(skipCache); return skipCache ? fresh : 'old' }, onAuthError: (error) => told.push(error) },
    })
    const alice = open('fresh')
    alice.connect()
    await alice.settle()
    expect(asked).toEqual([false, true])
    expect(alice.connection().status).toBe('connected')
    const bob = open('old')
    bob.connect('bob')
    await bob.advance(60_000)
    expect(asked).toEqual([false, true, false, true])
    expect(bob.connection()).toMatchObject({ status: 'unauthorized', reason: 'token_expired' })
    expect(told).toMatchObject([{ type: 'auth_failed', code: 'token_expired' }])
  })

  it('whoever leaves on seeing that a token is refused is not told that they have to sign in', async () => {
    const told: ChatError[] = []
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, authenticate: () => ({ code: 'token_expired' }) })
    const alice = openStore({ env: createTestEnvironment({ server, clock }), config: { onAuthError: (error) => told.push(error) } })
    alice.store.subscribe(() => {
      if (alice.connection().status === 'unauthorized') alice.dispatch(alice.chat.actions.disconnect())
    })
    alice.connect()
    await alice.advance(60_000)
    expect(alice.actions).toContainEqual(expect.objectContaining({ type: 'chat/connectionLost', payload: expect.objectContaining({ status: 'unauthorized' }) }))
    expect(told).toEqual([])
  })

  it('a rejection that says it is retryable is not about the token', async () => {
    const clock = createManualClock()
    let open = false
    const server = createMemoryServer({ now: clock.now, authenticate: () => (open ? { ok: true } : { code: 'full', retryable: true, retryAfterMs: 4_000 }) })
    const alice = openStore({ env: createTestEnvironment({ server, clock }) })
    alice.connect()
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'reconnecting', reason: 'full' })
    open = true
    await alice.advance(3_900)
    expect(alice.connection().status).toBe('reconnecting')
    await alice.advance(200)
    expect(alice.connection().status).toBe('connected')
  })

  it('null from getToken is signed out; an empty text is no token; a throw is an attempt; a hang ends', async () => {
    let answer: () => Promise<string | null> = async () => null
    const alice = openStore({ config: { getToken: () => answer() } })
    alice.connect()
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'unauthorized', reason: 'signed_out' })
    answer = async () => ''
    alice.connect()
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'unauthorized', reason: 'token_malformed' })
    answer = async () => { throw new Error('offline') }
    alice.connect()
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'reconnecting', reason: 'token_unavailable' })
    answer = () => new Promise(() => undefined)
    await alice.advance(1_500)
    await alice.advance(10_000)
    expect(alice.connection()).toMatchObject({ status: 'reconnecting', reason: 'token_unavailable', attempt: 2 })
    answer = async () => 'token'
    await alice.advance(2_000)
    expect(alice.connection().status).toBe('connected')
  })

  it('G9: a late token never opens a second socket', async () => {
    const waiting: ((token: string) => void)[] = []
    const alice = openStore({ config: { getToken: () => new Promise((resolve) => waiting.push(resolve)) } })
    alice.connect()
    await alice.advance(12_000)
    expect(waiting).toHaveLength(2)
    waiting[1]?.('second')
    await alice.settle()
    waiting[0]?.('first')
    await alice.settle()
    expect(alice.env.network.opened).toBe(1)
    expect(alice.env.network.attempts).toBe(1)
  })

  it('G7: a token of somebody else, after the first, is refused, and what waits stays for its owner', async () => {
    let subject = 'user_alice'
    const alice = openStore({ config: { getToken: () => jwt(2_000_000_000, subject) } })
    alice.connect()
    await alice.settle()
    subject = 'user_bob'
    alice.env.network.drop()
    alice.send('for alice only')
    await alice.advance(10_000)
    expect(alice.connection()).toMatchObject({ status: 'unauthorized', reason: 'other_subject' })
    expect(alice.env.server.log('general')).toEqual([])
    expect(alice.shown()).toEqual(['for alice only:pending'])
    subject = 'user_alice'
    alice.connect()
    await alice.settle()
    expect(alice.shown()).toEqual(['for alice only:sent'])
    alice.connect('bob')
    subject = 'user_bob'
    await alice.settle()
    expect(alice.connection().status).toBe('connected')
  })

  it('G7: so is one that changes before any was tried', async () => {
    let subject = 'user_alice'
    const alice = openStore({ config: { getToken: () => jwt(2_000_000_000, subject) } })
    alice.env.network.cut()
    alice.connect()
    alice.send('for alice only')
    await alice.settle()
    subject = 'user_bob'
    alice.env.network.restore()
    await alice.advance(10_000)
    expect([alice.connection().reason, alice.env.server.log('general')]).toEqual(['other_subject', []])
  })

  it.each([['', false], ['', true], ['auth0|', false]] as const)('G7: nor is the fresh one of somebody else taken for hers that has grown old (%s, connect again: %s)', async (prefix, asksAgain) => {
    let token = jwt(1, `${prefix}alice`)
    const seen: string[] = []
    // It verifies the token and takes its subject for the sender, whoever the client says it is.
    const server = createMemoryServer({ authenticate: (auth) => {
      if (auth.token === jwt(1, `${prefix}alice`)) return { code: 'token_expired' }
      seen.push(auth.token)
      return { ok: true }
    } })
    const fresh = jwt(4_000_000_000, `${prefix}bob`)
    const alice = openStore({ world: { server }, config: { getToken: ({ skipCache }) => (skipCache && !asksAgain ? fresh : token) } })
    alice.connect()
    alice.send('for alice only')
    await alice.advance(10_000)
    token = fresh
    alice.connect()
    await alice.advance(10_000)
    expect([seen, alice.connection().reason, server.received('message:send')]).toEqual([[], 'other_subject', []])
  })

  it.each([false, true])('a first token that is the last user\'s, and refused by the server, binds nobody to it (connect again: %s)', async (asksAgain) => {
    let owner = 'bob'
    const subjectOf = (token: string): unknown => (JSON.parse(atob(token.split('.')[1] ?? '')) as { readonly sub: unknown }).sub
    const server = createMemoryServer({ authenticate: ({ token, userId }) => (subjectOf(token) === `user_${userId}` ? { ok: true } : { code: 'unauthorized' }) })
    const getToken = ({ skipCache }: { readonly skipCache: boolean }): string => jwt(4_000_000_000, `user_${skipCache && !asksAgain ? 'alice' : owner}`)
    const alice = openStore({ world: { server }, config: { getToken } })
    alice.connect()
    alice.send('hi')
    await alice.advance(1_000)
    expect(alice.connection().status).toBe(asksAgain ? 'unauthorized' : 'connected')
    owner = 'alice'
    alice.connect()
    await alice.advance(1_000)
    expect([alice.connection().status, alice.shown()]).toEqual(['connected', ['hi:sent']])
  })

  it('G11: a token that begins with Bearer is refused with a clear error, and no token is ever in state, actions or errors', async () => {
    expect(() => createChat({ url: 'x', token: 'Bearer secret-token' })).toThrow(/raw JWT/)
    const alice = openStore({ config: { getToken: () => 'Bearer secret-token' } })
    alice.connect()
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'unauthorized', reason: 'bearer_prefix' })
    const throwing = openStore({ config: { getToken: () => { throw new Error('secret-token') } } })
    throwing.connect()
    await throwing.settle()
    const good = openStore({ config: { getToken: () => 'secret-token' } })
    good.connect()
    good.send('hi')
    await good.settle()
    for (const tab of [alice, throwing, good]) {
      expect(JSON.stringify([tab.store.getState(), tab.actions])).not.toContain('secret-token')
    }
  })

  it('renews the token in band before it expires, and waits for nobody', async () => {
    const clock = createManualClock()
    const start = clock.now()
    const tokens: boolean[] = []
    const server = createMemoryServer({ now: clock.now })
    const alice = openStore({
      env: createTestEnvironment({ server, clock }),
      config: { getToken: ({ skipCache }) => { tokens.push(skipCache); return jwt((clock.now() + 60_000) / 1000) } },
    })
    alice.connect()
    await alice.advance(44_000)
    expect(server.received('auth:refresh')).toHaveLength(0)
    await alice.advance(2_000)
    expect(server.received('auth:refresh')).toHaveLength(1)
    expect(tokens).toEqual([false, true])
    await alice.advance(46_000)
    expect(server.received('auth:refresh')).toHaveLength(2)
    expect(alice.env.network.opened).toBe(1)
    expect(clock.now() - start).toBe(92_000)
  })

  it('a token that only the server can read is renewed in band before the end that it announces', async () => {
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, authenticate: () => ({ ok: true, expiresAt: clock.now() + 60_000 }) })
    const alice = openStore({ env: createTestEnvironment({ server, clock }) })
    alice.connect()
    await alice.advance(44_000)
    expect(server.received('auth:refresh')).toHaveLength(0)
    await alice.advance(2_000)
    expect(server.received('auth:refresh')).toHaveLength(1)
  })

  it('a server that is too busy to renew the token is asked again when it said', async () => {
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now })
    const alice = openStore({ env: createTestEnvironment({ server, clock }), config: { getToken: () => jwt((clock.now() + 60_000) / 1000) } })
    let asked = 0
    server.on('auth:refresh', (_payload, _peer, reply) => {
      asked++
      reply({ success: false, error: { code: 'busy', message: 'later', retryable: true, retryAfterMs: 12_000 } })
    })
    alice.connect()
    await alice.advance(46_000)
    expect(asked).toBe(1)
    await alice.advance(10_000)
    expect(asked).toBe(1)
    await alice.advance(4_000)
    expect(asked).toBe(2)
  })

  it('a fresh token that the server refuses for good is unauthorized at once, without another connection', async () => {
    const alice = openStore()
    alice.connect()
    await alice.advance(1_000)
    alice.env.server.on('auth:refresh', (_payload, _peer, reply) => reply({ success: false, error: { code: 'banned', message: 'no', retryable: false } }))
    alice.env.server.expireAuth('alice')
    await alice.settle()
    expect(alice.connection()).toMatchObject({ status: 'unauthorized', reason: 'banned' })
    expect(alice.env.network.opened).toBe(1)
  })

  it('refusals minutes apart are not in a row: each has the token renewed, also where nothing else is ever answered', async () => {
    const alice = openStore()
    alice.connect()
    for (let i = 0; i < 8; i++) {
      await alice.advance(60_000)
      alice.env.server.expireAuth('alice')
    }
    await alice.advance(1_000)
    expect(alice.types().filter((type) => type === 'chat/tokenRefreshed')).toHaveLength(8)
    expect(alice.connection().status).toBe('connected')
  })

  it('a token that expires under a waiting queue pauses it: one refresh for all, no attempt spent', async () => {
    const alice = openStore()
    alice.connect()
    await alice.settle()
    alice.env.server.expireAuth('alice')
    for (const text of ['1', '2', '3']) alice.send(text)
    await alice.advance(5_000)
    expect(alice.shown()).toEqual(['1:sent', '2:sent', '3:sent'])
    expect(alice.env.server.received('auth:refresh')).toHaveLength(1)
    expect(alice.chat.metrics.getSnapshot().retries).toBe(0)
  })

  it('G9: disconnect leaves no socket, timer, listener or lock', async () => {
    const alice = openStore()
    for (let i = 0; i < 500; i++) {
      alice.connect()
      if (i % 3 === 0) alice.send(`m${i}`)
      if (i % 2 === 0) await alice.settle()
      alice.dispatch(alice.chat.actions.disconnect())
    }
    alice.connect()
    await alice.advance(30_000)
    alice.dispatch(alice.chat.actions.disconnect())
    await alice.settle()
    expect(alice.env.network.open + alice.env.network.connecting).toBe(0)
    expect(alice.env.server.connections()).toBe(0)
    expect(alice.env.timers).toBe(0)
    expect(alice.env.lifecycle.listeners).toBe(0)
    expect(alice.env.locks?.size).toBe(0)
  })

  it('G9: nor does one in the middle of a renewal, and no token is asked for afterwards', async () => {
    let asked = 0
    const alice = openStore({ config: { getToken: () => `token ${++asked}` } })
    alice.env.server.on('auth:refresh', () => undefined)
    alice.connect()
    await alice.advance(1_000)
    alice.env.server.expireAuth('alice')
    await alice.settle()
    alice.dispatch(alice.chat.actions.disconnect())
    expect([asked, alice.env.timers]).toEqual([2, 0])
  })

  it.each([
    ['is probed', {}],
    ['cannot be asked, because its mapping knows no such number,', {
      outgoing: { 'message:sync': ({ channelId, after, limit }: SocketEvents['message:sync']) => ({ channelId, after, limit, since: new Date(after).toISOString() }) },
    }],
  ])('a connection that looks alive after a sleep %s and is replaced', async (_how, protocol) => {
    const alice = openStore({ config: { protocol } })
    alice.connect()
    alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.advance(1_000)
    expect(alice.channel().sync).toBe('idle')
    alice.env.lifecycle.hidden()
    await alice.advance(25_000)
    alice.env.network.halfOpen()
    alice.env.lifecycle.visible()
    await alice.advance(4_000)
    alice.env.network.heal()
    // What was tried before that ends by its own time.
    await alice.advance(25_000)
    expect(alice.env.network.opened).toBe(2)
    expect(alice.connection().status).toBe('connected')
  })

  it('one that nobody can ask after a sleep, because the server has no catch-up, is replaced', async () => {
    const alice = openStore()
    alice.env.server.configure({ capabilities: null })
    alice.connect()
    await alice.advance(1_000)
    alice.env.lifecycle.hidden()
    await alice.advance(25_000)
    alice.env.lifecycle.visible()
    await alice.advance(1_000)
    expect(alice.env.network.opened).toBe(2)
    expect(alice.connection().status).toBe('connected')
  })
})
