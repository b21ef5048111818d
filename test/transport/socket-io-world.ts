import { Agent, createServer } from 'node:http'
import { connect, type AddressInfo, type NetConnectOpts, type Socket as TcpSocket } from 'node:net'
import { Server, type ServerOptions, type Socket } from 'socket.io'
import { createSocketIoTransport, type SocketIoTransportOptions } from '../../src/transport/socket-io'
import type { ContractPeer, ContractWorld } from './contract'

/** A real socket.io server on a port of its own. */
export interface SocketIoWorld extends ContractWorld {
  readonly io: Server
  /** The server's sockets, in the order of `peers`. */
  readonly sockets: readonly Socket[]
  /** Resolves once no TCP connection is left, at either end. */
  quiet(): Promise<void>
}

export async function createSocketIoWorld(options: SocketIoTransportOptions = {}): Promise<SocketIoWorld> {
  const http = createServer()
  const io = new Server(http, { path: options.path ?? '/socket.io', ...(options.parser && { parser: options.parser as ServerOptions['parser'] }) })
  const links = trackLinks()
  http.on('connection', links.add)
  const peers: ContractPeer[] = []
  const sockets: Socket[] = []
  const waiting: ((peer: ContractPeer) => void)[] = []

  io.use((socket, next) => {
    void world.guard(socket.handshake.auth).then((refusal) => {
      if (refusal === null) return next()
      const { message, ...data } = refusal
      next(Object.assign(new Error(message), { data }))
    })
  })
  io.on('connection', (socket) => {
    const peer = createPeer(socket)
    sockets.push(socket)
    peers.push(peer)
    waiting.shift()?.(peer)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))

  const agent = createTrackingAgent(links)
  const world: SocketIoWorld = {
    transport: createSocketIoTransport({ ...options, transportOptions: { websocket: { agent }, polling: { agent } } }),
    url: `http://127.0.0.1:${portOf(http.address())}`,
    io, peers, sockets,
    guard: async () => null,
    connected: () => io.sockets.sockets.size,
    nextPeer: () => new Promise((resolve) => { waiting.push(resolve) }),
    cut: () => { for (const link of links.open) link.destroy() },
    stop: () => io.close(),
    close: () => io.close(),
    quiet: links.quiet,
  }
  return world
}

function createPeer(socket: Socket): ContractPeer {
  return {
    auth: socket.handshake.auth,
    emit: (event, ...args) => { socket.emit(event, ...args) },
    on(event, handler) {
      socket.on(event, (payload: unknown, reply: unknown) => {
        handler(payload, (...answer) => { if (typeof reply === 'function') reply(...answer) })
      })
    },
    heard: (event) => new Promise((resolve) => { socket.once(event, (...args: readonly unknown[]) => resolve(args)) }),
    disconnect: () => { socket.disconnect() },
    gone: new Promise((resolve) => { socket.on('disconnect', () => resolve()) }),
  }
}

/** Both ends of every TCP connection: a client may hold on to its own after the server let go. */
interface Links {
  readonly open: ReadonlySet<TcpSocket>
  add(link: TcpSocket): void
  quiet(): Promise<void>
}

function trackLinks(): Links {
  const open = new Set<TcpSocket>()
  const onQuiet: (() => void)[] = []
  const remove = (link: TcpSocket): void => {
    open.delete(link)
    if (open.size > 0) return
    for (const resolve of onQuiet.splice(0)) resolve()
  }
  return {
    open,
    add(link) {
      open.add(link)
      link.on('close', () => remove(link))
    },
    quiet: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => { onQuiet.push(resolve) })),
  }
}

function createTrackingAgent(links: Links): Agent {
  return Object.assign(new Agent(), {
    createConnection(options: NetConnectOpts) {
      const link = connect(options)
      links.add(link)
      return link
    },
  })
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('unable to listen: the server has no port')
  return address.port
}
