import { describe, expect, it } from 'vitest'
import { createManualClock, createMemoryServer, createTestEnvironment } from 'redux-chat/testing'
import { openStore } from '../support/chat-store'

describe('attack: before the session event', () => {
  const lostAck = async (kept: 'reconnects' | 'reloads') => {
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, dedupWindowMs: 60_000 })
    const env = createTestEnvironment({ server, clock })
    const alice = openStore({ env })
    alice.connect()
    await alice.settle()
    env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
    env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    alice.send('once')
    await alice.advance(1_000)
    const again = kept === 'reloads' ? openStore({ env: env.reload() }) : alice
    if (kept === 'reconnects') env.network.cut()
    await again.advance(600_000)
    again.env.network.heal()
    again.connect()
    await again.advance(5_000)
    return server.received('message:send').length
  }

  it('G2: a message older than the memory of the server is not repeated by a reconnect', async () => {
    expect(await lostAck('reconnects')).toBe(1)
  })

  it('G2: a message older than the memory of the server is not repeated by a reload', async () => {
    expect(await lostAck('reloads')).toBe(1)
  })

  it('G1: a message that is larger than the server announces fails as too large and breaks no connection twice', async () => {
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, maxMessageBytes: 1_000 })
    const alice = openStore({ env: createTestEnvironment({ server, clock }) })
    alice.connect()
    await alice.settle()
    alice.env.network.cut()
    await alice.settle()
    alice.send('x'.repeat(2_000))
    alice.env.network.restore()
    await alice.advance(30_000)
    expect(alice.messages()[0]?.failure?.code).toBe('too_large')
    expect(alice.env.network.opened).toBeLessThanOrEqual(3)
  })

  it('G1: a message composed before any limit was known is measured before it is sent', async () => {
    const clock = createManualClock()
    const server = createMemoryServer({ now: clock.now, maxMessageBytes: 1_000 })
    const alice = openStore({ env: createTestEnvironment({ server, clock }) })
    alice.send('x'.repeat(2_000))
    alice.connect()
    await alice.advance(1_000)
    expect(alice.messages()[0]?.failure?.code).toBe('too_large')
    expect(alice.env.network.opened).toBe(1)
  })
})
