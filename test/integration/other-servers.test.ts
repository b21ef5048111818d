import type { Server, Socket } from 'socket.io'
import { afterEach, describe, expect, it } from 'vitest'
import { createAction } from '@reduxjs/toolkit'
import { createSocketIoTransport, socketBindings } from 'redux-chat'
import { openApp, type App, type AppOptions } from './support/app'
import { contents, createLog, openOther, serveV1, userOf, type Ack, type Committed, type V1Options } from './support/other-server'
import { createTcpProxy } from './support/tcp-proxy'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function open(options: AppOptions): App {
  const app = openApp(options)
  closing.push(() => app.disconnect())
  app.connect()
  return app
}

async function serve(how: (io: Server, changed: () => void) => void, options = {}) {
  const server = await openOther(how, options)
  closing.push(server.close)
  return server
}

const texts = (count: number, prefix = 'm'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

async function serveLog(options: V1Options = {}, serverOptions = {}) {
  const log = options.log ?? createLog()
  const server = await serve((io, changed) => serveV1(io, changed, { ...options, log }), serverOptions)
  return { server, log }
}

/** A small app's server of before: four events, no seq, no session; ids by messageId. */
function servePlan(io: Server, options: { readonly namesUser: boolean; readonly echoes: boolean; readonly namesChannel: boolean }): Committed[] {
  const log: Committed[] = []
  io.on('connection', (socket) => {
    socket.on('message:send', (message: Committed, ack: Ack) => {
      if (!log.some(({ id }) => id === message.id)) {
        log.push(message)
        if (options.echoes) io.emit('message:new', message)
        else socket.broadcast.emit('message:new', message)
      }
      ack({ success: true, data: { id: message.id } })
    })
    for (const event of ['message:delivered', 'message:read']) {
      socket.on(event, ({ messageId, channelId }: { messageId: string; channelId: string }) => {
        socket.broadcast.emit(event, { messageId, ...(options.namesChannel && { channelId }), ...(options.namesUser && { userId: userOf(socket) }) })
      })
    }
  })
  return log
}

describe('servers of other people', () => {
  describe('one with the four events only', () => {
    it.each([
      { namesUser: true, echoes: true, namesChannel: true }, { namesUser: false, echoes: false, namesChannel: true },
    ])('G4: chats and turns its ticks (%o)', async (options) => {
      const server = await serve((io) => void servePlan(io, options))
      const alice = open({ url: server.url, userId: 'alice' })
      const bob = open({ url: server.url, userId: 'bob' })
      await Promise.all([alice.untilConnected(), bob.untilConnected()])
      alice.send('hi')
      await alice.untilShown(['hi:delivered'])
      expect(bob.shown()).toEqual(['hi:sent'])
      bob.store.dispatch(bob.chat.actions.markRead({ channelId: 'general' }))
      await alice.untilShown(['hi:read'])
      bob.send('hello')
      await bob.untilShown(['hi:read', 'hello:delivered'])
      expect(alice.channel().gapsDetectable).toBe(false)
      expect(alice.channel().sync).toBe('idle')
      expect([...alice.errors(), ...bob.errors()]).toEqual([])
    })

    it('G3: keeps the order of a burst, and of what is sent offline', async () => {
      let log: Committed[] = []
      const server = await serve((io) => { log = servePlan(io, { namesUser: true, echoes: true, namesChannel: true }) })
      const alice = openApp({ url: server.url })
      closing.push(() => alice.disconnect())
      for (const text of texts(30)) alice.send(text)
      alice.connect()
      await alice.untilSent()
      expect(contents(log)).toEqual(texts(30))
      expect(alice.messages().map(({ content }) => content)).toEqual(texts(30))
    })
  })

  it('G3: one with unordered handlers gets one message of a channel at a time', async () => {
    const beforeCommit = ({ content }: Committed) => new Promise<void>((resolve) => { setTimeout(resolve, content.endsWith('0') ? 8 : 1) })
    const { server, log } = await serveLog({ beforeCommit })
    const alice = open({ url: server.url })
    for (const text of texts(30, 'a')) alice.send(text, 'a')
    for (const text of texts(30, 'b')) alice.send(text, 'b')
    await alice.untilSent()
    expect(contents(log.of('a'))).toEqual(texts(30, 'a'))
    expect(contents(log.of('b'))).toEqual(texts(30, 'b'))
  })

  it('one that answers as Node does, (error, data), is understood through `protocol.ack`', async () => {
    const log: string[] = []
    const server = await serve((io) => {
      io.on('connection', (socket) => {
        socket.on('message:send', ({ id, content }: Committed, answer: (error: string | null, data?: object) => void) => {
          if (content === 'no') return answer('forbidden')
          log.push(content)
          return answer(null, { id, seq: log.length })
        })
        socket.on('typing', (_typing: object, answer: (error: string | null, heard?: number) => void) => answer(null, 7))
      })
    })
    const typing = createAction<{ channelId: string }>('app/typing')
    const heard: unknown[] = []
    const alice = open({
      url: server.url,
      config: {
        protocol: { ack: (error, _event, data) => (error === null ? { success: true, data } : { success: false, error: { code: String(error), message: 'no', retryable: false } }) },
        ...socketBindings<{}, { typing: (payload: { channelId: string }) => void }>()({ emits: { typing: { action: typing, acked: (...answer) => {
          heard.push(answer)
          return { type: 'app/heard' }
        } } } }),
      },
    })
    await alice.untilConnected()
    for (const text of ['one', 'no', 'two']) alice.send(text)
    await alice.untilShown(['one:sent', 'two:sent', 'no:failed'])
    expect(log).toEqual(['one', 'two'])
    expect(alice.messages().map(({ seq, failure }) => failure?.code ?? seq)).toEqual([1, 2, 'forbidden'])
    alice.store.dispatch(typing({ channelId: 'general' }))
    await alice.until(() => heard.length > 0)
    expect(heard).toEqual([[null, { channelId: 'general' }, 7]])
  })

  it('one with other names and shapes is spoken to through `protocol`', async () => {
    interface Chat { _id: string; room: string; from: string; text: string; ts: string }
    const log: Chat[] = []
    const server = await serve((io) => {
      io.on('connection', (socket) => {
        socket.on('chat message', (message: Chat, ack: Ack) => {
          if (message.text === 'bad') return ack({ err: 'RUDE' })
          if (!log.some(({ _id }) => _id === message._id)) {
            log.push(message)
            io.emit('chat message', 'v0', message)
          }
          ack({ ok: 1 })
        })
        socket.on('seen', ({ room, id }: { room: string; id: string }) => socket.broadcast.emit('seen', room, id, userOf(socket)))
      })
    })
    const config: AppOptions['config'] = {
      protocol: {
        names: { 'message:send': 'chat message', 'message:new': 'chat message', 'message:read': 'seen' },
        outgoing: {
          'message:send': ({ id, channelId, userId, content, createdAt }) =>
            ({ _id: id, room: channelId, from: userId, text: content, ts: new Date(createdAt).toISOString() }),
          'message:read': ({ channelId, messageId }) => ({ room: channelId, id: messageId }),
        },
        incoming: {
          'message:new': (_version, message) => {
            const { _id, room, from, text, ts } = message as Chat
            return { id: _id, channelId: room, userId: from, content: text, createdAt: ts }
          },
          'message:read': (room, id, userId) => ({ channelId: room, messageId: id, userId }),
        },
        ack: (response) => {
          const { err } = response as { err?: string }
          return err === undefined ? { success: true, data: {} } : { success: false, error: { code: err, message: err } }
        },
      },
    }
    const alice = open({ url: server.url, userId: 'alice', config })
    const bob = open({ url: server.url, userId: 'bob', config })
    await Promise.all([alice.untilConnected(), bob.untilConnected()])
    alice.send('hi')
    alice.send('bad')
    await bob.untilShown(['hi:sent'])
    await alice.untilShown(['hi:sent', 'bad:failed'])
    expect(alice.messages()[1]?.failure).toMatchObject({ code: 'RUDE', retryable: false })
    bob.store.dispatch(bob.chat.actions.markRead({ channelId: 'general' }))
    await alice.untilShown(['hi:read', 'bad:failed'])
  })

  it('one that takes and gives arguments by their place, and tells again what is not acknowledged', async () => {
    const told: string[] = []
    const taken: Promise<void>[] = []
    const log: { id: string; room: string; from: string; text: string; at: number }[] = []
    const heard: unknown[] = []
    const server = await serve((io) => {
      const tell = async (socket: Socket, row: (typeof log)[number]): Promise<void> => {
        told.push(`${row.text} to ${String(userOf(socket))}`)
        await socket.timeout(2_000).emitWithAck('said', row.id, row.room, row.from, row.text, row.at).catch(() => tell(socket, row))
      }
      io.on('connection', (socket) => {
        socket.on('say', (room: string, text: string, id: string, done: (error: string | null) => void) => {
          const row = { id, room, from: String(userOf(socket)), text, at: Date.now() }
          if (!log.some((each) => each.id === id)) log.push(row)
          for (const other of io.sockets.sockets.values()) if (other !== socket) taken.push(tell(other, row))
          done(null)
        })
        socket.on('moved', (...args: unknown[]) => heard.push(args))
        socket.on('ping me', (done: () => void) => {
          heard.push('ping')
          done()
        })
      })
    })
    const moved = createAction<{ x: number; y: number }>('moved')
    const ping = createAction('ping')
    const pong = createAction('pong')
    const config: AppOptions['config'] = {
      protocol: {
        names: { 'message:send': 'say', 'message:new': 'said' },
        outgoing: { 'message:send': ({ id, channelId, content }) => [channelId, content, id] },
        incoming: { 'message:new': (id, channelId, userId, content, createdAt) => ({ id, channelId, userId, content, createdAt }) },
        ack: (error) => (error === null ? { success: true, data: {} } : { success: false, error: String(error) }),
      },
      ...socketBindings<{}, { moved: (x: number, y: number) => void; 'ping me': (done: () => void) => void }>()({
        emits: { moved: { action: moved, args: ({ x, y }) => [x, y] }, 'ping me': { action: ping, acked: () => pong() } },
      }),
    }
    const alice = open({ url: server.url, userId: 'alice', config })
    const bob = open({ url: server.url, userId: 'bob', config })
    await Promise.all([alice.untilConnected(), bob.untilConnected()])
    alice.send('hi')
    await bob.untilShown(['hi:sent'])
    await alice.untilShown(['hi:sent'])
    alice.store.dispatch(moved({ x: 1, y: 2 }))
    alice.store.dispatch(ping())
    await alice.until(() => heard.length > 1)
    expect(heard).toEqual([[1, 2], 'ping'])
    bob.send('yo')
    await alice.untilShown(['hi:sent', 'yo:sent'])
    await Promise.all(taken)
    expect(told).toEqual(['hi to bob', 'yo to alice'])
  })

  it('G1 G2 G3: one that cuts sockets at random gets everything once and in order', async () => {
    let random = 42
    const draw = (): number => (random = (random * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
    const log = createLog()
    const server = await serve((io, changed) => {
      serveV1(io, changed, { log, beforeCommit: () => { if (draw() < 0.03) for (const socket of [...io.sockets.sockets.values()]) socket.conn.close() } })
    })
    const alice = open({ url: server.url })
    const bob = open({ url: server.url, userId: 'bob' })
    for (const text of texts(100)) alice.send(text)
    await alice.untilSent()
    expect(contents(log.of('general'))).toEqual(texts(100))
    await bob.until(() => bob.messages().length === 100)
    expect(bob.messages().map(({ content }) => content)).toEqual(texts(100))
    expect(alice.shown().filter((line) => line.endsWith('failed'))).toEqual([])
  })

  it('G2: one that loses acknowledgements commits each message once', async () => {
    const seen = new Map<string, number>()
    const acks = ({ id }: Committed): boolean => {
      seen.set(id, (seen.get(id) ?? 0) + 1)
      return seen.get(id) === 2
    }
    const log = createLog()
    // Without an echo, only the repetition can tell.
    const server = await serve((io, changed) => serveV1({ on: io.on.bind(io), emit: () => true }, changed, { log, acks }) && undefined)
    const alice = open({ url: server.url })
    for (const text of texts(4)) alice.send(text, text)
    await alice.untilSent()
    expect([...seen.values()]).toEqual([2, 2, 2, 2])
    for (const text of texts(4)) expect(contents(log.of(text))).toEqual([text])
  })

  describe('one whose middleware refuses', () => {
    it.each([
      ['without data', {}, 'rejected'], ['with a code', { data: { code: 'banned' } }, 'banned'], ['with odd data', { data: 'no' }, 'rejected'],
    ] as const)('ends unauthorized, after one fresh token (%s)', async (_name, extra, code) => {
      const server = await serve((io) => { io.use((_socket, next) => next(Object.assign(new Error('x'), extra))) })
      const asked: boolean[] = []
      const told: string[] = []
      const alice = open({
        url: server.url,
        config: { getToken: ({ skipCache }) => { asked.push(skipCache); return 'token' }, onAuthError: (error) => told.push(error.code) },
      })
      alice.send('waits')
      await alice.until(() => alice.connection().status === 'unauthorized')
      expect([asked, told, alice.connection().reason]).toEqual([[false, true], [code], code])
      expect(alice.shown()).toEqual(['waits:pending'])
    })

    it('is asked again when it says retryable', async () => {
      let refusals = 3
      const server = await serve((io, changed) => {
        io.use((_socket, next) => (refusals-- > 0 ? next(Object.assign(new Error('x'), { data: { code: 'full', retryable: true } })) : next()))
        serveV1(io, changed)
      })
      const alice = open({ url: server.url })
      alice.send('hi')
      await alice.untilShown(['hi:sent'])
    })

    it('accepts the fresh token after a stale one', async () => {
      const server = await serve((io, changed) => {
        io.use((socket, next) => (socket.handshake.auth['token'] === 'fresh' ? next() : next(new Error('jwt expired'))))
        serveV1(io, changed)
      })
      const alice = open({ url: server.url, config: { getToken: ({ skipCache }) => (skipCache ? 'fresh' : 'stale') } })
      alice.send('hi')
      await alice.untilShown(['hi:sent'])
    })
  })

  it('one with a namespace is reached by the URL', async () => {
    const log = createLog()
    const server = await serve((io, changed) => { serveV1(io.of('/chat') as unknown as Server, changed, { log }) })
    const alice = open({ url: `${server.url}/chat` })
    alice.send('hi')
    await alice.untilShown(['hi:sent'])
    expect(contents(log.of('general'))).toEqual(['hi'])
  })

  it('G2 G6: one that restores connections itself, and adds an offset to each event for that, is used without', async () => {
    const { server, log } = await serveLog({}, { connectionStateRecovery: {} })
    const [alice, bob] = [open({ url: server.url, userId: 'alice' }), open({ url: server.url, userId: 'bob' })]
    await Promise.all([alice.untilConnected(), bob.untilConnected()])
    for (let round = 0; round < 5; round++) {
      for (const text of texts(5, `${round}-`)) alice.send(text)
      for (const { conn } of server.io.sockets.sockets.values()) conn.close()
      await alice.untilSent()
    }
    const all = contents(log.of('general'))
    expect(all).toEqual([0, 1, 2, 3, 4].flatMap((round) => texts(5, `${round}-`)))
    await bob.until(() => bob.messages().length === all.length)
    expect(bob.messages().map(({ content }) => content)).toEqual(all)
    expect([...alice.errors(), ...bob.errors()]).toEqual([])
  })

  it('one at a path of its own, over polling alone, is reached with a transport', async () => {
    const log = createLog()
    const server = await serve((io, changed) => { serveV1(io, changed, { log }) }, { path: '/ws/', transports: ['polling'] })
    const transport = createSocketIoTransport({ path: '/ws/', transports: ['websocket', 'polling'], tryAllTransports: true })
    const alice = open({ url: server.url, config: { environment: { transport } } })
    alice.send('hi')
    await alice.untilShown(['hi:sent'])
    expect(contents(log.of('general'))).toEqual(['hi'])
  })

  it('a namespace that does not exist is a refusal, not a loop', async () => {
    const server = await serve(() => undefined)
    const alice = open({ url: `${server.url}/nowhere` })
    await alice.until(() => alice.connection().status === 'unauthorized')
    expect(alice.errorCodes()).toEqual(['auth_failed:rejected'])
  })

  it('G6: one that announces its session late is used as soon as it does', async () => {
    const log = createLog()
    for (const text of texts(10)) log.commit({ id: `old-${text}`, channelId: 'general', userId: 'bob', content: text, createdAt: 1 } as Committed)
    const { server } = await serveLog({ log, announceAfterMs: 200, capabilities: ['sync', 'ordered'] })
    const alice = open({ url: server.url })
    alice.store.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    alice.send('before the session')
    await alice.until(() => alice.shown().length === 11 && alice.channel().sync === 'idle' && alice.channel().gapsDetectable)
    expect(alice.messages().map(({ content }) => content)).toEqual([...texts(10), 'before the session'])
    expect(alice.channel().gap).toBeNull()
  })

  it('G5: one whose pages are unsorted is understood', async () => {
    const log = createLog()
    for (const text of texts(120)) log.commit({ id: `old-${text}`, channelId: 'general', userId: 'bob', content: text, createdAt: 1 } as Committed)
    const { server } = await serveLog({ log, page: (messages) => [...messages].reverse() })
    const alice = open({ url: server.url, config: { history: { pageSize: 25 } } })
    alice.store.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.until(() => alice.messages().length === 25)
    while (alice.channel().hasOlder) {
      const { length } = alice.messages()
      alice.store.dispatch(alice.chat.actions.loadOlder({ channelId: 'general' }))
      await alice.until(() => alice.messages().length > length)
    }
    expect(alice.messages().map(({ content }) => content)).toEqual(texts(120))
  })

  it('G6: one whose pages are unsorted and larger than the window leaves older ones to be loaded', async () => {
    const log = createLog()
    for (const text of texts(28)) log.commit({ id: `old-${text}`, channelId: 'general', userId: 'bob', content: text, createdAt: 1 } as Committed)
    const { server } = await serveLog({ log, page: (messages) => [...messages].reverse() })
    const alice = open({ url: server.url, config: { history: { pageSize: 30, windowSize: 25 } } })
    alice.store.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
    await alice.until(() => alice.messages().length === 25)
    expect(alice.channel().hasOlder).toBe(true)
  })

  it('G1: one that goes silent (half-open) is left after its ping timeout', async () => {
    const { server, log } = await serveLog({}, { pingInterval: 100, pingTimeout: 100 })
    const proxy = await createTcpProxy(server.port)
    closing.push(proxy.close)
    const alice = open({ url: proxy.url })
    alice.send('1')
    await alice.untilShown(['1:sent'])
    proxy.halfOpen()
    alice.send('2')
    await alice.untilShown(['1:sent', '2:sent'])
    expect(contents(log.of('general'))).toEqual(['1', '2'])
  })

  it('G1 G2 G3: one that is killed and started again on its port under load loses and doubles nothing', async () => {
    const log = createLog()
    const start = (port: number) => openOther((io, changed) => { serveV1(io, changed, { log, capabilities: ['sync', 'ordered'] }) }, { port })
    const first = await start(0)
    const alice = open({ url: first.url })
    await alice.untilConnected()
    for (const text of texts(200)) alice.send(text)
    let server = first
    for (const left of [150, 100, 50]) {
      await alice.until(() => alice.outbox().length < left)
      await server.close()
      await alice.until(() => alice.connection().status !== 'connected')
      server = await start(first.port)
    }
    closing.push(server.close)
    await alice.untilSent()
    expect(contents(log.of('general'))).toEqual(texts(200))
    expect(alice.messages().map(({ content }) => content)).toEqual(texts(200))
    expect(alice.errors()).toEqual([])
  })
})

it('G7: a binding that throws at the loss of a connection does not keep it from coming back', async () => {
  const typing = createAction<{ readonly who: string }>('app/typing')
  const failed = (): never => { throw new Error('of the app') }
  const { server } = await serveLog()
  const alice = open({
    url: server.url,
    config: { delivery: { ackTimeoutMs: 4_000 }, ...socketBindings<{}, { typing: (payload: { readonly who: string }) => void }>()({ emits: { typing: { action: typing, failed } } }) },
  })
  await alice.untilConnected()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const reasons: string[] = []
  const listen = (reason: unknown): void => void reasons.push(String(reason))
  process.on('uncaughtException', listen)
  try {
    alice.store.dispatch(typing({ who: 'alice' }))
    for (const socket of server.io.sockets.sockets.values()) socket.conn.close()
    await alice.until(() => alice.connection().status !== 'connected')
    alice.send('hi')
    await alice.untilShown(['hi:sent'])
  } finally {
    process.off('uncaughtException', listen)
    for (const other of others) process.on('uncaughtException', other)
  }
  expect(reasons).toEqual(['Error: of the app'])
})
