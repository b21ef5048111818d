import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { code, draft, ended, seqOf, startDemo, type Demo } from './harness'

let demo: Demo
beforeAll(async () => { demo = await startDemo({ maxMessageBytes: 2_000 }) }, 60_000)
afterAll(() => demo.close())

describe('message:send', () => {
  it('stores the sender\'s own time, unless no clock can have meant it', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const old = Date.now() - 3 * 86_400_000
    const kept = await alice.emit('message:send', { ...draft(channelId, 'alice'), createdAt: old })
    expect(kept).toMatchObject({ data: { createdAt: old } })
    for (const absurd of [0, -1, 1.5, Date.now() + 10 * 86_400_000, Number.MAX_VALUE]) {
      const before = Date.now()
      const message = { ...draft(channelId, 'alice'), createdAt: absurd }
      const response = await alice.emit('message:send', message)
      expect((response as { data: { createdAt: number } }).data.createdAt).toBeGreaterThanOrEqual(before)
      expect(await alice.emit('message:send', message)).toEqual(response)
    }
  })

  it('keeps what JSON can hold: NUL, lone surrogates, emoji, names such as constructor', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const message = draft(channelId, 'alice', 'nul \u0000 lone \ud800 pair 😀', { constructor: { a: 1 }, toString: 'x', list: [null, { b: [] }] })
    const seq = seqOf(await alice.emit('message:send', message))
    expect(await alice.emit('message:history', { channelId, limit: 1 })).toMatchObject({ data: { messages: [{ ...message, seq }] } })
    expect(seqOf(await alice.emit('message:send', message))).toBe(seq)
  })

  it('G10: an extra named __proto__ neither arrives nor pollutes', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const message = JSON.parse(JSON.stringify(draft(channelId, 'alice')).replace('{', '{"__proto__":{"polluted":true},'))
    seqOf(await alice.emit('message:send', message))
    const { messages } = (await alice.emit('message:history', { channelId, limit: 1 }) as { data: { messages: object[] } }).data
    expect(messages[0]).not.toHaveProperty('polluted')
    expect(Object.hasOwn(messages[0] ?? {}, '__proto__')).toBe(false)
    expect({}).not.toHaveProperty('polluted')
  })

  it('assigns seq itself, whatever the client claims', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const response = await alice.emit('message:send', draft(channelId, 'alice', 'hi', { seq: 99 }))
    expect(seqOf(response)).toBe(1)
  })

  it('refuses an oversize message for good, with the connection intact', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const response = await alice.emit('message:send', draft(channelId, 'alice', 'x'.repeat(300_000)))
    expect(response).toMatchObject({ success: false, error: { code: 'too_large', retryable: false } })
    expect(seqOf(await alice.emit('message:send', draft(channelId, 'alice')))).toBe(1)
  })

  it('refuses the same id in another channel', async () => {
    const [one, two] = [await demo.channel('alice'), await demo.channel('alice')]
    const alice = await demo.connect('alice')
    const message = draft(one, 'alice')
    const responses = await Promise.all([one, two].map((channelId) => alice.emit('message:send', { ...message, channelId })))
    expect(responses.map(code).sort()).toEqual(['conflict', null].sort())
  })

  it('commits without an ack function, and tolerates a payload that is one', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const [alice, bob] = [await demo.connect('alice'), await demo.connect('bob')]
    const message = draft(channelId, 'alice')
    alice.socket.emit('message:send', message)
    expect(await bob.next('message:new')).toMatchObject({ id: message.id, seq: 1 })
    const response = await new Promise((resolve) => { alice.socket.emit('message:send', resolve) })
    expect(response).toMatchObject({ success: false, error: { code: 'invalid_payload' } })
  })

  it('answers an event that it does not know', async () => {
    const alice = await demo.connect('alice')
    for (const event of ['nonsense', 'constructor', '__proto__']) {
      expect(code(await alice.emit(event, {}))).toBe('unknown_event')
    }
  })

  it('serves polling clients alike', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const [alice, bob] = [await demo.connect('alice', { transports: ['polling'] }), await demo.connect('bob')]
    const message = draft(channelId, 'alice')
    expect(seqOf(await alice.emit('message:send', message))).toBe(1)
    expect(await bob.next('message:new')).toMatchObject({ id: message.id })
  })
})

describe('receipts', () => {
  it('what is read is delivered too', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const [alice, bob] = [await demo.connect('alice'), await demo.connect('bob')]
    await alice.emit('message:send', draft(channelId, 'alice'))
    expect(await bob.emit('message:read', { channelId, seq: 1 })).toEqual({ success: true, data: { seq: 1 } })
    expect(await bob.emit('message:delivered', { channelId, seq: 1 })).toEqual({ success: true, data: { seq: 1 } })
    const page = await alice.emit('message:sync', { channelId, after: 1 })
    expect(page).toMatchObject({ data: { receipts: [{ userId: 'alice', delivered: 0, read: 0 }, { userId: 'bob', delivered: 1, read: 1 }] } })
  })

  it('a messageId of another channel marks nothing', async () => {
    const [one, two] = [await demo.channel('alice'), await demo.channel('alice')]
    const alice = await demo.connect('alice')
    const message = draft(one, 'alice')
    await alice.emit('message:send', message)
    expect(code(await alice.emit('message:read', { channelId: two, messageId: message.id }))).toBe('not_found')
  })
})

describe('membership', () => {
  it('a new member\'s open socket hears the channel at once', async () => {
    const channelId = await demo.channel('alice')
    const [alice, bob] = [await demo.connect('alice'), await demo.connect('bob')]
    expect(code(await bob.emit('message:sync', { channelId, after: 0 }))).toBe('forbidden')
    await demo.post('/control/members', { channelId, userIds: ['bob'] })
    await alice.emit('message:send', draft(channelId, 'alice', 'welcome'))
    expect(await bob.next('message:new')).toMatchObject({ content: 'welcome' })
  })
})

describe('hostile clients', () => {
  it('G10: no payload brings the server down or commits half a message', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const events = fc.constantFrom('message:send', 'message:delivered', 'message:read', 'message:sync', 'message:history', 'auth:refresh')
    const skewed = fc.record({
      id: fc.anything(), channelId: fc.oneof(fc.constant(channelId), fc.anything()), userId: fc.anything(), content: fc.anything(),
      createdAt: fc.anything(), seq: fc.anything(), after: fc.anything(), before: fc.anything(), limit: fc.anything(), token: fc.anything(),
    }, { requiredKeys: [] })
    await fc.assert(fc.asyncProperty(events, fc.oneof(fc.jsonValue(), skewed), async (event, payload) => {
      const sendable = JSON.parse(JSON.stringify(payload ?? null, (_key, value: unknown) => typeof value === 'bigint' ? `${value}` : value) ?? 'null')
      const response = await alice.emit(event, sendable)
      expect(response).toHaveProperty('success')
      expect(code(response)).not.toBe('internal')
    }), { numRuns: 300 })
    expect(seqOf(await alice.emit('message:send', draft(channelId, 'alice')))).toBeGreaterThan(0)
    expect(demo.errors).toEqual([])
  })

  it('G10: binary and bottomless payloads are refused', async () => {
    const channelId = await demo.channel('alice')
    const alice = await demo.connect('alice')
    const binary = await alice.emit('message:send', { ...draft(channelId, 'alice'), file: new Uint8Array([1, 2, 3]) })
    expect(code(binary)).toBe('invalid_payload')
    const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)
    expect(code(await alice.emit('message:send', { ...draft(channelId, 'alice'), deep }))).toBe('invalid_payload')
  })

  it('a packet over the transport\'s limit costs its sender the connection and nobody else anything', async () => {
    const channelId = await demo.channel('alice', 'bob')
    const [alice, bob] = [await demo.connect('alice'), await demo.connect('bob')]
    const end = ended(alice)
    alice.socket.emit('message:send', draft(channelId, 'alice', 'x'.repeat(2_000_000)))
    expect(await end).toBe('transport close')
    expect(seqOf(await bob.emit('message:send', draft(channelId, 'bob')))).toBe(1)
  })
})
