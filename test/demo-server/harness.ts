import { randomUUID } from 'node:crypto'
import { io, type Socket } from 'socket.io-client'
import type { SocketErrorBody, SocketResponse } from '../../src/model'
import { createChatServer, type ChatServer, type ChatServerOptions } from '../../demo/server/create-server'
import { createIdentityProvider, LOCAL_PARTY, type IdentityProvider, type MintOptions } from '../../demo/server/identity'
import type { ProtocolClient } from '../protocol/protocol-suite'

export interface Client extends ProtocolClient {
  readonly socket: Socket
}

export interface Demo {
  readonly server: ChatServer
  readonly identity: IdentityProvider
  readonly errors: unknown[]
  token(userId: string, options?: MintOptions): Promise<string>
  connect(userId: string, options?: { token?: string; transports?: string[] }): Promise<Client>
  /** The `err.data` of a handshake that is refused. */
  refusal(auth: object): Promise<SocketErrorBody>
  post(path: string, body: object): Promise<unknown>
  /** A channel of its own, so that tests cannot meet. */
  channel(...userIds: string[]): Promise<string>
  close(): Promise<void>
}

/** The real server on a free port, in memory unless told otherwise; tokens are minted here, so that tests choose their times. */
export async function startDemo(options: ChatServerOptions = {}): Promise<Demo> {
  const identity = await createIdentityProvider(null)
  const errors: unknown[] = []
  const server = await createChatServer({
    dataDir: null, jwtKey: identity.jwtKey, authorizedParties: [LOCAL_PARTY], faults: true,
    onError: (error) => errors.push(error), ...options,
  })
  const clients = new Set<Client>()
  let lastStamp = 0
  // Distinct times, as the server's own provider gives them: /control/expire tells tokens apart by them.
  const token = async (userId: string, mint: MintOptions = {}) => {
    lastStamp = Math.max(Date.now(), lastStamp + 1)
    return (await identity.mint(userId, { issuedAt: lastStamp, ...mint })).token
  }
  const post = (path: string, body: object) => postJson(`${server.url}${path}`, body)
  return {
    server, identity, errors, token, post,
    async connect(userId, { token: given, transports = ['websocket'] } = {}) {
      const client = await connectTo(server.url, { token: given ?? await token(userId), userId }, transports)
      clients.add(client)
      return client
    },
    refusal: (auth) => refusalOf(server.url, auth),
    async channel(...userIds) {
      const channelId = `channel-${randomUUID()}`
      await post('/control/members', { channelId, userIds })
      return channelId
    },
    async close() {
      for (const client of clients) client.close()
      await server.close()
    },
  }
}

export const draft = (channelId: string, userId: string, content = 'hi', extra: object = {}) =>
  ({ id: randomUUID(), channelId, userId, content, createdAt: Date.now(), ...extra })

export async function postJson(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return response.json()
}

const open = (url: string, auth: object, transports: string[]) =>
  io(url, { auth, transports, forceNew: true, reconnection: false })

export function connectTo(url: string, auth: object, transports = ['websocket']): Promise<Client> {
  const socket = open(url, auth, transports)
  const client = wrap(socket)
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(client))
    socket.once('connect_error', reject)
  })
}

export function refusalOf(url: string, auth: object): Promise<SocketErrorBody> {
  const socket = open(url, auth, ['websocket'])
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.close()
      reject(new Error('the handshake was accepted'))
    })
    socket.once('connect_error', (error) => {
      socket.close()
      resolve((error as Error & { data: SocketErrorBody }).data)
    })
  })
}

function wrap(socket: Socket): Client {
  const arrived = new Map<string, unknown[]>()
  const waiting = new Map<string, ((payload: unknown) => void)[]>()
  socket.onAny((event: string, payload: unknown) => {
    const waiter = waiting.get(event)?.shift()
    if (waiter !== undefined) waiter(payload)
    else arrived.set(event, [...arrived.get(event) ?? [], payload])
  })
  return {
    socket,
    emit: (event, payload) => new Promise<SocketResponse<unknown>>((resolve) => { socket.emit(event, payload, resolve) }),
    on(event, listener) {
      socket.on(event, listener)
      return () => void socket.off(event, listener)
    },
    next: (event) => new Promise((resolve) => {
      const queue = arrived.get(event)
      if (queue !== undefined && queue.length > 0) resolve(queue.shift())
      else waiting.set(event, [...waiting.get(event) ?? [], resolve])
    }),
    close: () => void socket.close(),
  }
}

/** Resolves with the reason when the socket's connection ends. */
export const ended = (client: Client): Promise<string> =>
  new Promise((resolve) => { client.socket.once('disconnect', resolve) })

export function code(response: SocketResponse<unknown>): string | null {
  if (response.success) return null
  return typeof response.error === 'string' ? response.error : response.error.code
}

export function seqOf(response: SocketResponse<unknown>): number {
  if (!response.success) throw new Error(`refused: ${JSON.stringify(response.error)}`)
  return (response.data as { seq: number }).seq
}
