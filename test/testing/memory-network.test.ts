import { describe, expect, it } from 'vitest'
import { createManualClock, createMemoryServer, createMemoryTransport, createSeededRandom, type MemoryTransportOptions } from 'redux-chat/testing'
import { connect } from '../transport/contract'

async function createWorld(options: Omit<MemoryTransportOptions, 'clock'> = {}) {
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, capabilities: null })
  const transport = createMemoryTransport(server, { clock, ...options })
  server.on('say', (payload, _peer, reply) => reply({ got: payload }))
  const join = async () => {
    const client = connect({ transport, url: 'memory:' })
    await clock.advance(100)
    return client
  }
  return { clock, server, transport, network: transport.network, join }
}

const numbers = (events: readonly (readonly [string, readonly unknown[]])[]) => events.map(([, [payload]]) => payload)

describe('memory network: links', () => {
  it('cut: breaks what is open, refuses what is new, loses what was under way', async () => {
    const { clock, server, transport, network, join } = await createWorld()
    const client = await join()
    client.connection.emit('say', [1])
    network.cut()
    const refused = connect({ transport, url: 'memory:' })
    expect(await client.closed).toMatchObject({ reason: 'transport_close' })
    expect(await refused.closed).toMatchObject({ reason: 'unreachable' })
    expect([server.received('say'), server.connections(), network.open, network.connecting, network.mode]).toEqual([[], 0, 0, 0, 'cut'])
    network.restore()
    expect((await join()).calls).toEqual(['open'])
    expect([network.opened, network.attempts, clock.pending]).toEqual([2, 3, 0])
  })

  it('drop: breaks what is open once, and new connections work', async () => {
    const { network, join } = await createWorld()
    const client = await join()
    network.drop()
    expect(await client.closed).toMatchObject({ reason: 'transport_close' })
    expect((await join()).calls).toEqual(['open'])
  })

  it('half-open: nothing arrives and nobody is told; the ghost goes when the network is back', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    network.halfOpen()
    client.connection.emit('say', [1])
    server.emitRaw('ann', 'tick')
    server.disconnectAll()
    const silent = await join()
    await clock.advance(1000)
    expect([client.calls, silent.calls, server.received('say')]).toEqual([['open'], [], []])

    network.restore()
    const fresh = await join()
    network.halfOpen()
    fresh.connection.close()
    await clock.flush()
    expect(server.connections()).toBe(1)
    network.restore()
    expect([server.connections(), fresh.calls]).toEqual([0, ['open']])
  })

  it('half-open: a connection of that time stays dead after the restore until its client gives it up', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    network.halfOpen()
    network.restore()
    server.emitRaw('ann', 'tick')
    await clock.flush()
    expect([client.calls, server.connections()]).toEqual([['open'], 1])
    client.connection.close()
    expect([server.connections(), network.open]).toEqual([0, 0])
  })

  it('kill: nothing of the page is called again, and the server has lost it', async () => {
    const { clock, server, network, join } = await createWorld({ latencyMs: 10 })
    const client = await join()
    client.connection.emit('say', [1], () => { throw new Error('called after its end') })
    network.kill()
    await clock.advance(1000)
    expect([client.calls, server.connections(), clock.pending]).toEqual([['open'], 0, 0])
  })
})

describe('memory network: latency', () => {
  it('takes the time that was asked for in each direction', async () => {
    const { clock, join } = await createWorld({ latencyMs: 10 })
    const client = await join()
    const sent = clock.monotonic()
    let answered = 0
    client.connection.emit('say', [1], () => { answered = clock.monotonic() })
    await clock.advance(100)
    expect(answered - sent).toBe(20)
  })

  it('keeps the order of each direction whatever the latencies drawn', async () => {
    const { clock, server, join } = await createWorld({ latencyMs: { min: 0, max: 50 }, random: createSeededRandom(7) })
    const client = await join()
    const order = Array.from({ length: 50 }, (_, n) => n)
    for (const n of order) {
      client.connection.emit('say', [n])
      server.emitRaw('ann', 'tick', n)
    }
    await clock.advance(1000)
    expect(server.received('say').map((each) => each.payload)).toEqual(order)
    expect(numbers(client.events)).toEqual(order)
  })
})

describe('memory network: faults', () => {
  it('drops, so many times, what matches', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    const fault = network.fault({ direction: 'up', event: 'say', match: (payload) => payload !== 2, action: 'drop', times: 2 })
    for (const n of [1, 2, 3, 4]) client.connection.emit('say', [n])
    await clock.flush()
    expect([server.received('say').map((each) => each.payload), fault.hits]).toEqual([[2, 4], 2])
  })

  it('holds until released; others overtake', async () => {
    const { clock, network, join } = await createWorld()
    const client = await join()
    const answers: unknown[] = []
    const fault = network.fault({ direction: 'ack', event: 'say', action: 'hold', times: 1 })
    for (const n of [1, 2]) client.connection.emit('say', [n], (answer) => answers.push(answer))
    await clock.flush()
    expect([answers, fault.held]).toEqual([[{ got: 2 }], 1])
    fault.release()
    await clock.flush()
    expect([answers, fault.held]).toEqual([[{ got: 2 }, { got: 1 }], 0])
  })

  it('delivers twice, but an ack is given once', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    const answers: unknown[] = []
    network.fault({ direction: 'ack', action: 'duplicate' })
    network.fault({ direction: 'up', action: 'duplicate' })
    network.fault({ direction: 'down', event: 'tick', action: 'duplicate' })
    client.connection.emit('say', [1], (answer) => answers.push(answer))
    server.emitRaw('ann', 'tick', 1)
    await clock.flush()
    expect([server.received('say').length, answers.length, client.events.length]).toEqual([2, 1, 2])
  })

  it('reorders a packet with the next one, and delays another', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    network.fault({ direction: 'down', event: 'tick', action: 'reorder', times: 1 })
    for (const n of [1, 2, 3]) server.emitRaw('ann', 'tick', n)
    await clock.flush()
    network.fault({ direction: 'down', event: 'tick', action: { delayMs: 5 }, times: 1 })
    for (const n of [4, 5]) server.emitRaw('ann', 'tick', n)
    await clock.flush()
    expect(numbers(client.events)).toEqual([2, 1, 3, 5])
    await clock.advance(5)
    expect(numbers(client.events)).toEqual([2, 1, 3, 5, 4])
  })

  it.each([['up', 0], ['ack', 1]] as const)('cuts the connection at a packet going %s', async (direction, arrived) => {
    const { server, network, join } = await createWorld()
    const client = await join()
    network.fault({ direction, event: 'say', action: 'cut', times: 1 })
    client.connection.emit('say', [1], () => { throw new Error('acknowledged over a cut link') })
    expect(await client.closed).toMatchObject({ reason: 'transport_close' })
    expect(server.received('say')).toHaveLength(arrived)
  })

  it('refuses or hangs a handshake', async () => {
    const { clock, network, join } = await createWorld()
    network.fault({ direction: 'connect', action: 'cut', times: 1 })
    expect(await (await join()).closed).toMatchObject({ reason: 'unreachable' })
    const fault = network.fault({ direction: 'connect', action: 'hold', times: 1 })
    const hanging = await join()
    expect(hanging.calls).toEqual([])
    fault.release()
    await clock.flush()
    expect(hanging.calls).toEqual(['open'])
  })

  it('heals: stops every fault and gives out what was held', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    network.fault({ direction: 'up', action: 'hold' })
    client.connection.emit('say', [1])
    network.heal()
    client.connection.emit('say', [2])
    await clock.flush()
    expect(server.received('say').map((each) => each.payload)).toEqual([1, 2])
  })

  it('does not deliver over a link that broke meanwhile', async () => {
    const { clock, server, network, join } = await createWorld()
    const client = await join()
    const fault = network.fault({ direction: 'up', action: 'hold', times: 1 })
    client.connection.emit('say', [1])
    network.drop()
    fault.release()
    await clock.flush()
    expect(server.received('say')).toEqual([])
  })
})
