import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTokenClock } from '../../demo/server/session'
import { createOrderedChannels } from '../../demo/server/ordered'
import { refuseForGood, createRefusal } from '../../demo/server/refusal'
import { code, draft, ended, seqOf, startDemo, type Client, type Demo } from './harness'

let demo: Demo
beforeAll(async () => { demo = await startDemo({ graceMs: 60_000 }) }, 60_000)
afterAll(() => demo.close())

const send = (client: Client, message: object) => client.emit('message:send', message)

/** A user and a channel that no other test knows. */
async function stage(userId: string) {
  const channelId = await demo.channel(userId)
  return { channelId, client: await demo.connect(userId), say: (content = 'hi') => draft(channelId, userId, content) }
}

describe('ordered: go-back-N', () => {
  it('after a retryable refusal refuses what follows until the refused id comes again', async () => {
    const { client, say, channelId } = await stage('ord-1')
    await demo.post('/control/faults', { userId: 'ord-1', refuseNext: 1, retryAfterMs: 7 })
    const [one, two, three] = [say('1'), say('2'), say('3')]
    const first = await Promise.all([one, two, three].map((message) => send(client, message)))
    expect(first[0]).toMatchObject({ error: { code: 'unavailable', retryable: true, retryAfterMs: 7 } })
    expect(first.slice(1)).toMatchObject([
      { error: { code: 'out_of_order', retryable: true } }, { error: { code: 'out_of_order', retryable: true } },
    ])
    const second = await Promise.all([one, two, three].map((message) => send(client, message)))
    expect(second.map(seqOf)).toEqual([1, 2, 3])
    expect(await client.emit('message:history', { channelId })).toMatchObject({ data: { messages: [one, two, three] } })
  })

  it('holds that channel of that socket only', async () => {
    const { client, say } = await stage('ord-2')
    const elsewhere = await demo.channel('ord-2')
    const otherTab = await demo.connect('ord-2')
    await demo.post('/control/faults', { userId: 'ord-2', refuseNext: 1 })
    expect(code(await send(client, say('refused')))).toBe('unavailable')
    expect(code(await send(client, say('behind')))).toBe('out_of_order')
    expect(seqOf(await send(client, draft(elsewhere, 'ord-2')))).toBe(1)
    expect(seqOf(await send(otherTab, say('other tab')))).toBe(1)
  })

  it('a permanent refusal holds nothing', async () => {
    const { client, say } = await stage('ord-3')
    await demo.post('/control/faults', { userId: 'ord-3', rejectNext: 1 })
    const responses = await Promise.all([send(client, say('bad')), send(client, say('good'))])
    expect(responses).toMatchObject([{ error: { code: 'rejected', retryable: false } }, { data: { seq: 1 } }])
  })

  it('goes on when the sender gave the refused message up', async () => {
    const { client, say } = await stage('ord-4')
    await demo.post('/control/faults', { userId: 'ord-4', refuseNext: 1 })
    const [discarded, next] = [say('discarded'), say('next')]
    await send(client, discarded)
    expect(code(await send(client, next))).toBe('out_of_order')
    expect(seqOf(await send(client, next))).toBe(1)
  })

  it('a refusal that repeats starts the hold anew', async () => {
    const channels = createOrderedChannels()
    const outcome = (id: string, task: () => Promise<unknown>) =>
      channels.run('c', id, task).then(() => 'ok', (error: { code: string }) => error.code)
    const busy = () => Promise.reject(createRefusal('busy', 'unable', { retryable: true }))
    const ok = () => Promise.resolve()
    const codes = [outcome('1', busy), outcome('2', ok), outcome('1', busy), outcome('2', ok), outcome('1', ok), outcome('2', ok)]
    expect(await Promise.all(codes)).toEqual(['busy', 'out_of_order', 'busy', 'out_of_order', 'ok', 'ok'])
    expect(await outcome('3', () => Promise.reject(refuseForGood('bad', 'unable')))).toBe('bad')
    expect(channels.size()).toBe(0)
  })
})

describe('rate limit', () => {
  it('refuses retryably, says how long to wait, and keeps the order', async () => {
    const limited = await startDemo({ rateLimit: { points: 2, durationMs: 600_000 } })
    try {
      const channelId = await limited.channel('alice')
      const alice = await limited.connect('alice')
      const drafts = ['1', '2', '3', '4'].map((content) => draft(channelId, 'alice', content))
      const responses = await Promise.all(drafts.map((message) => send(alice, message)))
      expect(responses.map(code)).toEqual([null, null, 'rate_limited', 'out_of_order'])
      expect(responses[2]).toMatchObject({ error: { retryable: true, retryAfterMs: expect.any(Number) } })
      await limited.post('/control/reset', { userId: 'alice' })
      expect((await Promise.all(drafts.slice(2).map((message) => send(alice, message)))).map(seqOf)).toEqual([3, 4])
    } finally {
      await limited.close()
    }
  }, 30_000)
})

describe('control', () => {
  it('drops acks after the commit; the same id again gets the ack', async () => {
    const { client, say, channelId } = await stage('fault-1')
    await demo.post('/control/faults', { userId: 'fault-1', dropAcks: 1 })
    const message = say()
    let acked = false
    client.socket.emit('message:send', message, () => { acked = true })
    expect(await client.next('message:new')).toMatchObject({ id: message.id, seq: 1 })
    expect(seqOf(await send(client, message))).toBe(1)
    expect(acked).toBe(false)
    expect(await client.emit('message:sync', { channelId, after: 0 })).toMatchObject({ data: { latest: 1 } })
  })

  it('delays acks until others have overtaken them', async () => {
    const { client, say, channelId } = await stage('fault-2')
    await demo.post('/control/faults', { userId: 'fault-2', delayAcksMs: 40 })
    const order: string[] = []
    const slow = send(client, say()).then(() => order.push('ack'))
    await client.next('message:new').then(() => order.push('echo'))
    await client.emit('message:sync', { channelId }).then(() => order.push('sync'))
    await slow
    expect(order).toEqual(['echo', 'sync', 'ack'])
  })

  it('leaves other users alone', async () => {
    const [one, two] = [await stage('fault-3'), await stage('fault-4')]
    await demo.post('/control/faults', { userId: 'fault-3', rejectNext: 5 })
    expect(code(await send(two.client, two.say()))).toBe(null)
    expect(code(await send(one.client, one.say()))).toBe('rejected')
    await demo.post('/control/reset', { userId: 'fault-3' })
    expect(code(await send(one.client, one.say()))).toBe(null)
  })

  it('expires the tokens issued so far, and only those', async () => {
    const { client } = await stage('fault-5')
    const old = await demo.token('fault-5')
    await demo.post('/control/expire', { userId: 'fault-5' })
    expect(await client.next('auth:expired')).toEqual({ code: 'token_expired' })
    expect(await client.emit('auth:refresh', { token: old })).toMatchObject({ error: { code: 'token_expired' } })
    expect(await demo.refusal({ token: old, userId: 'fault-5' })).toMatchObject({ code: 'token_expired' })
    const fresh = await demo.token('fault-5', { issuedAt: Date.now() + 1_000 })
    expect(await client.emit('auth:refresh', { token: fresh })).toMatchObject({ success: true })
    const again = await demo.connect('fault-5', { token: fresh })
    expect(again.socket.connected).toBe(true)
  })

  it('crashes: connections break at transport level, new ones are refused until restored, and everything committed is there', async () => {
    const other = await startDemo()
    try {
      const channelId = await other.channel('alice')
      const alice = await other.connect('alice')
      await send(alice, draft(channelId, 'alice', 'before'))
      const end = ended(alice)
      await other.post('/control/crash', { downMs: -1 })
      expect(await end).toBe('transport close')
      await expect(other.connect('alice')).rejects.toThrow('websocket error')
      await other.post('/control/restore', {})
      const back = await other.connect('alice')
      expect(await back.emit('message:sync', { channelId, after: 0 })).toMatchObject({ data: { messages: [{ content: 'before' }] } })
    } finally {
      await other.close()
    }
  }, 30_000)

  it('crashes for one user', async () => {
    const [one, two] = [await stage('fault-6'), await stage('fault-7')]
    const end = ended(one.client)
    await demo.post('/control/crash', { userId: 'fault-6', downMs: -1 })
    expect(await end).toBe('transport close')
    expect(two.client.socket.connected).toBe(true)
    const token = await demo.token('fault-6')
    const { io } = await import('socket.io-client')
    const refused = io(demo.server.url, { auth: { token, userId: 'fault-6' }, transports: ['websocket'], forceNew: true, reconnection: false })
    await new Promise((resolve) => { refused.io.once('close', resolve) })
    expect(refused.connected).toBe(false)
    refused.close()
    await demo.post('/control/restore', { userId: 'fault-6' })
    expect((await demo.connect('fault-6')).socket.connected).toBe(true)
  })

  it('seeds history and speaks for a user', async () => {
    const { client, channelId } = await stage('fault-8')
    await demo.post('/control/members', { channelId, userIds: ['fault-9'] })
    expect(await demo.post('/control/seed', { channelId, count: 120 })).toEqual({ latest: 120 })
    expect(await client.emit('message:history', { channelId, before: 21, limit: 500 })).toMatchObject({ data: { more: false } })
    expect(await demo.post('/control/send', { channelId, userId: 'fault-9', content: 'hello' })).toMatchObject({ message: { seq: 121 } })
    expect(await client.next('message:new')).toMatchObject({ content: 'hello', userId: 'fault-9', seq: 121 })
  })

  it('refuses what is not JSON, and says what it does not understand', async () => {
    const form = await fetch(`${demo.server.url}/control/reset`, { method: 'POST', body: '{}' })
    expect(form.status).toBe(400)
    expect(await demo.post('/control/faults', { userId: 'x', rejectNext: 'many' })).toMatchObject({ error: { code: 'invalid_payload' } })
  })
})

describe('the token clock', () => {
  it('tells at the end of the token\'s time, and ends after the grace', () => {
    vi.useFakeTimers()
    try {
      const seen: string[] = []
      const clock = createTokenClock({
        expiresAt: Date.now() + 1_000, graceMs: 500, onExpired: () => seen.push('expired'), onGraceOver: () => seen.push('over'),
      })
      vi.advanceTimersByTime(999)
      clock.renew(Date.now() + 2_000)
      vi.advanceTimersByTime(1_999)
      expect(seen).toEqual([])
      vi.advanceTimersByTime(1)
      expect(seen).toEqual(['expired'])
      vi.advanceTimersByTime(500)
      expect(seen).toEqual(['expired', 'over'])
      clock.renew(Date.now() + 2 ** 40)
      vi.advanceTimersByTime(2 ** 32)
      expect(seen).toHaveLength(2)
      clock.stop()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
