import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CloseEvent, Connection, Transport } from '../../src/transport/transport'
import { deferred } from './deferred'

type Auth = { readonly token: string; readonly userId: string }

/** The server's end of one accepted connection. */
export interface ContractPeer {
  readonly auth: unknown
  emit(event: string, ...args: readonly unknown[]): void
  on(event: string, handler: (payload: unknown, reply: (...answer: readonly unknown[]) => void) => void): void
  /** All arguments of the next such event. */
  heard(event: string): Promise<readonly unknown[]>
  disconnect(): void
  readonly gone: Promise<void>
}

export interface ContractRefusal {
  readonly message: string
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number
}

/** A transport and the server that it talks to. */
export interface ContractWorld {
  readonly transport: Transport
  readonly url: string
  /** Accepted connections, in order, ended ones included. */
  readonly peers: readonly ContractPeer[]
  /** Asked for every handshake; null accepts. */
  guard: (auth: unknown) => Promise<ContractRefusal | null>
  /** Connections that the server holds now. */
  connected(): number
  nextPeer(): Promise<ContractPeer>
  /** Breaks every link below the protocol, without a goodbye. */
  cut(): void
  /** Stops listening. */
  stop(): Promise<void>
  close(): Promise<void>
}

export interface Recorder {
  readonly connection: Connection
  /** Everything that was called, in order. */
  readonly calls: readonly string[]
  readonly events: readonly (readonly [string, readonly unknown[]])[]
  readonly opened: Promise<void>
  readonly closed: Promise<CloseEvent>
  /** Resolves with the arguments of the first such event from the start. */
  event(name: string): Promise<readonly unknown[]>
}

export const ANN: Auth = { token: 'raw.jwt.token', userId: 'ann' }

/** Opens a connection and records what it calls. */
export function connect(world: Pick<ContractWorld, 'transport' | 'url'>, auth: Auth = ANN): Recorder {
  const calls: string[] = []
  const events: (readonly [string, readonly unknown[]])[] = []
  const waiting: { name: string; resolve: (args: readonly unknown[]) => void }[] = []
  const opened = deferred<void>()
  const closed = deferred<CloseEvent>()
  let isReturned = false
  const note = (call: string): void => { calls.push(isReturned ? call : `${call} during open()`) }

  const connection = world.transport.open({ url: world.url, auth }, {
    onOpen() {
      note('open')
      opened.resolve()
    },
    onEvent(event, args) {
      note(event)
      events.push([event, args])
      for (const each of waiting) if (each.name === event) each.resolve(args)
    },
    onClose(event) {
      note('close')
      closed.resolve(event)
    },
  })
  isReturned = true
  const event = (name: string) => new Promise<readonly unknown[]>((resolve) => {
    const found = events.find(([seen]) => seen === name)
    if (found !== undefined) resolve(found[1])
    else waiting.push({ name, resolve })
  })
  return { connection, calls, events, opened: opened.promise, closed: closed.promise, event }
}

const ask = (connection: Connection, event: string, payload: object): Promise<unknown> =>
  new Promise((resolve) => connection.emit(event, [payload], resolve))

/** What every implementation of the transport port promises. */
export function describeTransport(name: string, setup: () => Promise<ContractWorld>): void {
  describe(`transport contract: ${name}`, () => {
    let world: ContractWorld
    const open: Recorder[] = []
    const join = (auth?: Auth): Recorder => {
      const client = connect(world, auth)
      open.push(client)
      return client
    }
    const meet = async (auth?: Auth) => {
      const arrival = world.nextPeer()
      const client = join(auth)
      const [peer] = await Promise.all([arrival, client.opened])
      return { client, peer }
    }
    /** A round trip on a new connection: what was under way before it has arrived after it. */
    const roundTrip = async (): Promise<void> => {
      const { client, peer } = await meet({ token: 'probe', userId: 'probe' })
      peer.on('probe', (_payload, reply) => reply('done'))
      expect(await ask(client.connection, 'probe', {})).toBe('done')
      client.connection.close()
      await peer.gone
    }

    beforeEach(async () => { world = await setup() })
    afterEach(async () => {
      for (const client of open.splice(0)) client.connection.close()
      await world.close()
    })

    it('opens once, later than the call, with token and user exactly as given', async () => {
      const { client, peer } = await meet()
      expect(client.calls).toEqual(['open'])
      expect(peer.auth).toEqual(ANN)
    })

    it('tells a rejection from the server with its code, whether and when to try again', async () => {
      world.guard = async () => ({ message: 'token is old', code: 'token_expired', retryable: true, retryAfterMs: 250 })
      const client = join()
      expect(await client.closed).toEqual({
        reason: 'rejected', message: 'token is old', code: 'token_expired', retryable: true, retryAfterMs: 250,
      })
      world.guard = async () => null
      await roundTrip()
      expect(client.calls).toEqual(['close'])
      expect(world.peers).toHaveLength(1)
    })

    it('is unreachable when nobody listens', async () => {
      await world.stop()
      const client = join()
      expect(await client.closed).toMatchObject({ reason: 'unreachable' })
      expect(client.calls).toEqual(['close'])
    })

    it('is unreachable when the link breaks before the handshake is answered', async () => {
      const asked = deferred<void>()
      world.guard = () => {
        asked.resolve()
        return new Promise(() => {})
      }
      const client = join()
      await asked.promise
      world.cut()
      expect(await client.closed).toMatchObject({ reason: 'unreachable' })
      expect(client.calls).toEqual(['close'])
    })

    it('tells a deliberate disconnect by the server, after what was sent before it', async () => {
      const { client, peer } = await meet()
      peer.emit('last', 1)
      peer.disconnect()
      expect(await client.closed).toMatchObject({ reason: 'server_disconnect' })
      expect(client.calls).toEqual(['open', 'last', 'close'])
      expect(world.connected()).toBe(0)
    })

    it('tells a broken link', async () => {
      const { client, peer } = await meet()
      world.cut()
      expect(await client.closed).toMatchObject({ reason: expect.stringMatching(/^transport_(close|error)$/) })
      await peer.gone
      expect(client.calls).toEqual(['open', 'close'])
    })

    it('delivers events in order with all their arguments, as JSON would carry them', async () => {
      const { client, peer } = await meet()
      for (let index = 0; index < 100; index += 1) peer.emit('tick', index)
      peer.emit('many', 'text', { at: new Date(0), gone: undefined, nan: NaN }, null, [1, [2]], undefined)
      peer.emit('none')
      await client.event('none')
      expect(client.events.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, index) => ['tick', [index]]))
      expect(client.events.slice(100)).toEqual([
        ['many', ['text', { at: '1970-01-01T00:00:00.000Z', nan: null }, null, [1, [2]], null]],
        ['none', []],
      ])
    })

    it('answers a server that asks for an acknowledgement with an empty one, when the event was handed over', async () => {
      const { client, peer } = await meet()
      const answered = ['asks', 'asks nothing'].map((event) => new Promise((resolve) => {
        const answer = (...answer: readonly unknown[]): void => resolve([answer, client.events.some(([seen]) => seen === event)])
        peer.emit(event, ...(event === 'asks' ? [{ a: 1 }, answer] : [answer]))
      }))
      expect(await client.event('asks')).toEqual([{ a: 1 }])
      expect(await client.event('asks nothing')).toEqual([])
      expect(await Promise.all(answered)).toEqual([[[], true], [[], true]])
    })

    it('carries all arguments of what it sends, and none', async () => {
      const { client, peer } = await meet()
      for (const args of [['general', { n: 1 }, 3], []]) {
        const heard = peer.heard('say')
        client.connection.emit('say', args)
        expect(await heard).toEqual(args)
      }
    })

    it('carries binary arguments both ways', async () => {
      const { client, peer } = await meet()
      peer.on('bytes', (payload, reply) => reply(payload))
      peer.emit('bytes', { data: new Uint8Array([1, 2, 3]) })
      expect(bytesIn((await client.event('bytes'))[0])).toEqual([1, 2, 3])
      expect(bytesIn(await ask(client.connection, 'bytes', { data: new Uint8Array([4, 5]) }))).toEqual([4, 5])
    })

    it('does not let a hostile key pollute a prototype', async () => {
      const { client, peer } = await meet()
      peer.emit('hostile', JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'))
      const [payload] = await client.event('hostile')
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
      expect(Object.keys(Object(payload)).sort()).toEqual(['__proto__', 'constructor'])
    })

    it('emits in order and gives each ack once, to its own emit', async () => {
      const { client, peer } = await meet()
      const seen: unknown[] = []
      peer.on('say', (payload, reply) => {
        seen.push(payload)
        reply({ got: payload })
        reply({ got: 'again' })
      })
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(client.connection, 'say', { n })))
      expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })))
      expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => ({ got: { n } })))
      await roundTrip()
    })

    it('gives all arguments of an answer, and none of an empty one', async () => {
      const { client, peer } = await meet()
      peer.on('say', (payload, reply) => reply(null, { got: payload }, 3))
      const answered = (payload: object): Promise<readonly unknown[]> =>
        new Promise((resolve) => client.connection.emit('say', [payload], (...answer) => resolve(answer)))
      expect(await answered({ n: 1 })).toEqual([null, { got: { n: 1 } }, 3])
      peer.on('nod', (_payload, reply) => reply())
      expect(await new Promise((resolve) => client.connection.emit('nod', [{}], (...answer) => resolve(answer)))).toEqual([])
    })

    it('copies a payload at the emit: later changes do not travel', async () => {
      const { client, peer } = await meet()
      peer.on('say', (payload, reply) => reply(payload))
      const payload = { text: 'before' }
      const answer = ask(client.connection, 'say', payload)
      payload.text = 'after'
      expect(await answer).toEqual({ text: 'before' })
    })

    it('throws over a payload that JSON cannot carry, and lives on', async () => {
      const { client, peer } = await meet()
      const circular: { self?: object } = {}
      circular.self = circular
      expect(() => client.connection.emit('say', [circular])).toThrow()
      expect(() => client.connection.emit('say', [{ big: 1n }])).toThrow()
      peer.on('say', (payload, reply) => reply(payload))
      expect(await ask(client.connection, 'say', { fine: true })).toEqual({ fine: true })
    })

    it.each(['cut', 'disconnect', 'close'] as const)('never gives an ack after the end by %s', async (how) => {
      const { client, peer } = await meet()
      const asked = deferred<(response: unknown) => void>()
      peer.on('say', (_payload, reply) => asked.resolve(reply))
      const answers: unknown[] = []
      client.connection.emit('say', [{}], (response) => answers.push(response))
      const reply = await asked.promise
      if (how === 'cut') world.cut()
      else if (how === 'disconnect') peer.disconnect()
      else client.connection.close()
      if (how !== 'close') await client.closed
      await peer.gone
      reply('too late')
      await roundTrip()
      expect(answers).toEqual([])
    })

    it('ignores an emit while it is not open, and never delivers it later', async () => {
      const seen: unknown[] = []
      const answers: unknown[] = []
      const arrival = world.nextPeer()
      const client = join()
      client.connection.emit('early', [{ n: 1 }], (response) => answers.push(response))
      const peer = await arrival
      for (const event of ['early', 'open', 'late']) {
        peer.on(event, (payload, reply) => {
          seen.push(payload)
          reply('ok')
        })
      }
      await client.opened
      expect(await ask(client.connection, 'open', { n: 2 })).toBe('ok')
      client.connection.close()
      client.connection.emit('late', [{ n: 3 }], (response) => answers.push(response))
      await peer.gone
      await roundTrip()
      expect([seen, answers]).toEqual([[{ n: 2 }], []])
    })

    it('calls nothing after close(), which may be called twice', async () => {
      const { client, peer } = await meet()
      peer.emit('on its way')
      client.connection.close()
      client.connection.close()
      await peer.gone
      await roundTrip()
      expect(client.calls).toEqual(['open'])
      expect(world.connected()).toBe(0)
    })

    it('may be closed by its own handlers', async () => {
      const peerOf = world.nextPeer()
      const calls: string[] = []
      const connection = world.transport.open({ url: world.url, auth: ANN }, {
        onOpen: () => { calls.push('open'); connection.close() },
        onEvent: (event) => { calls.push(event) },
        onClose: () => { calls.push('close') },
      })
      await (await peerOf).gone
      await roundTrip()
      expect(calls).toEqual(['open'])
    })

    it('leaves nothing when it is closed at once', async () => {
      const client = join()
      client.connection.close()
      await roundTrip()
      expect(client.calls).toEqual([])
      expect([world.peers.length, world.connected()]).toEqual([1, 0])
    })

    it('leaves nothing when it is closed while the server still thinks about the handshake', async () => {
      const asked = deferred<void>()
      const verdict = deferred<null>()
      world.guard = () => {
        asked.resolve()
        return verdict.promise
      }
      const client = join()
      await asked.promise
      client.connection.close()
      world.guard = async () => null
      await roundTrip()
      verdict.resolve(null)
      await roundTrip()
      expect(client.calls).toEqual([])
      expect([world.peers.length, world.connected()]).toEqual([2, 0])
    })

    it('keeps connections apart, even to the same url as the same user', async () => {
      const first = await meet()
      const second = await meet()
      first.peer.emit('to first')
      second.peer.on('say', (_payload, reply) => reply('second'))
      await first.client.event('to first')
      first.client.connection.close()
      await first.peer.gone
      expect(await ask(second.client.connection, 'say', {})).toBe('second')
      expect([first.client.calls, second.client.calls, world.connected()]).toEqual([['open', 'to first'], ['open'], 1])
    })
  })
}

function bytesIn(payload: unknown): number[] {
  const data: unknown = typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'data') : undefined
  if (data instanceof ArrayBuffer) return [...new Uint8Array(data)]
  return ArrayBuffer.isView(data) ? [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] : []
}
