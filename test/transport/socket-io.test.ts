import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, describeTransport } from './contract'
import { createSocketIoWorld, type SocketIoWorld } from './socket-io-world'

describeTransport('Socket.IO over WebSocket', () => createSocketIoWorld())

/** Checks nothing, as `socket.io-msgpack-parser` does not check the names of events. */
const TEXTS = {
  Encoder: class { encode(packet: object) { return [JSON.stringify(packet)] } },
  Decoder: class extends EventEmitter {
    add(text: string) { this.emit('decoded', JSON.parse(text)) }
    destroy() { this.removeAllListeners() }
  },
}

describe('Socket.IO adapter', () => {
  let world: SocketIoWorld
  beforeEach(async () => { world = await createSocketIoWorld() })
  afterEach(async () => {
    vi.restoreAllMocks()
    await world.close()
  })

  const meet = async () => {
    const arrival = world.nextPeer()
    const client = connect(world)
    await Promise.all([arrival, client.opened])
    const socket = world.sockets.at(-1)
    if (socket === undefined) throw new Error('unable to meet: no socket')
    return { client, socket }
  }

  it('takes from a rejection only what has the right type', async () => {
    for (const data of [{ code: 5, retryable: 'yes', retryAfterMs: -1 }, { retryAfterMs: NaN }, null, 'text', undefined]) {
      const rejecting = await createSocketIoWorld()
      rejecting.io.use((_socket, next) => next(Object.assign(new Error('no'), { data })))
      expect(await connect(rejecting).closed).toEqual({ reason: 'rejected', message: 'no' })
      await rejecting.close()
    }
  })

  it('tells a peer that does not speak Socket.IO', async () => {
    const { client, socket } = await meet()
    Reflect.apply(Reflect.get(socket.conn, 'write'), socket.conn, ['9 is no packet type'])
    expect(await client.closed).toMatchObject({ reason: 'parse_error' })
    await world.quiet()
  })

  it('G10: an event with a name that Socket.IO keeps for itself, which a parser of the app lets pass, throws nothing', async () => {
    const texts = await createSocketIoWorld({ parser: TEXTS })
    const arrival = texts.nextPeer()
    const client = connect(texts)
    await Promise.all([arrival, client.opened])
    const socket = texts.sockets.at(-1)
    for (const data of [['connect_error'], ['connect_error', null], ['disconnect', { not: 'a reason' }]]) Reflect.apply(Reflect.get(socket ?? {}, 'packet'), socket, [{ type: 2, data }])
    expect(await client.closed).toMatchObject({ reason: 'unreachable' })
    await texts.close()
  })

  it('never buffers an emit on a link whose heartbeat is overdue', async () => {
    const { client, socket } = await meet()
    const seen: unknown[] = []
    const gone = new Promise((resolve) => { socket.on('disconnect', resolve) })
    socket.on('say', (payload) => seen.push(payload))
    const now = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(now + 3_600_000)
    client.connection.emit('say', [{ n: 1 }], () => seen.push('ack'))
    vi.restoreAllMocks()
    expect(await client.closed).toMatchObject({ reason: 'ping_timeout' })
    await gone
    await world.quiet()
    expect(seen).toEqual([])
  })

  it('takes the namespace from the url, a path from the options, and shares no link between namespaces', async () => {
    const own = await createSocketIoWorld({ path: '/elsewhere' })
    const arrived = new Promise<unknown>((resolve) => { own.io.of('/team').on('connection', (socket) => resolve(socket.handshake.auth)) })
    const client = connect({ transport: own.transport, url: `${own.url}/team` })
    expect(await arrived).toEqual({ token: 'raw.jwt.token', userId: 'ann' })
    const beside = connect(own)
    await beside.opened
    expect(own.io.engine.clientsCount).toBe(2)
    beside.connection.close()
    client.connection.close()
    await own.close()
  })

  it('works over long polling as well', async () => {
    const own = await createSocketIoWorld({ transports: ['polling'] })
    const arrival = own.nextPeer()
    const client = connect(own)
    const peer = await arrival
    peer.on('say', (payload, reply) => reply(payload))
    await client.opened
    expect(await new Promise((resolve) => client.connection.emit('say', [{ n: 1 }], resolve))).toEqual({ n: 1 })
    peer.disconnect()
    expect(await client.closed).toMatchObject({ reason: 'server_disconnect' })
    await own.close()
  })

  it('leaves no TCP connection, engine or timer behind, at whatever moment it is closed', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    const before = timers()
    for (let round = 0; round < 20; round += 1) {
      const atOnce = connect(world)
      atOnce.connection.close()
      const { client } = await meet()
      client.connection.close()
      await world.quiet()
      expect([atOnce.calls, client.calls]).toEqual([[], ['open']])
    }
    expect([world.io.engine.clientsCount, world.connected()]).toEqual([0, 0])
    expect(timers()).toBeLessThanOrEqual(before)
  })

  it('leaves nothing behind after the server ended it either', async () => {
    const before = process.getActiveResourcesInfo().length
    for (const end of ['disconnect', 'cut'] as const) {
      const { client, socket } = await meet()
      if (end === 'disconnect') socket.disconnect()
      else world.cut()
      await client.closed
      await world.quiet()
    }
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before)
  })
})
