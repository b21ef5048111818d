import type { DefaultEventsMap, ExtendedError, Server, Socket } from 'socket.io'
import type { Identity } from './auth'
import { handlers, type Peer, type Services } from './handlers'
import { createOrderedChannels } from './ordered'
import { Refusal, refusalBody, refuseForGood, succeed, toRefusal } from './refusal'
import { handshakeSchema, parse } from './schemas'
import { createTokenClock, type TokenClock } from './session'

export interface SocketData {
  identity: Identity
  channelIds: string[]
  clock?: TokenClock
}

export type ChatIo = Server<Record<string, (...args: unknown[]) => void>, DefaultEventsMap, DefaultEventsMap, SocketData>
export type ChatSocket = Parameters<Parameters<ChatIo['use']>[0]>[0] & Socket

export interface SocketOptions {
  readonly graceMs: number
  readonly dedupWindowMs: number
  readonly onError: (error: unknown) => void
  /** Keeps the database open until `work` has settled. */
  readonly track: (work: Promise<void>) => void
}

/** Requests of one socket under way, and channels held: beyond these it is not a chat client. */
const MAX_PENDING = 2_000
const MAX_CHANNELS_BUSY = 1_000

export const roomOf = (channelId: string): string => `channel:${channelId}`

export function serveSockets(io: ChatIo, services: Services, options: SocketOptions): void {
  io.use((socket, next) => options.track(judge(socket, next, services, options)))
  io.on('connection', (socket) => welcome(socket, services, options))
}

async function judge(
  socket: ChatSocket, next: (error?: ExtendedError) => void, services: Services, { onError }: SocketOptions,
): Promise<void> {
  let error: ExtendedError | undefined
  try {
    if (!await admit(socket, services)) return
  } catch (thrown) {
    error = rejection(thrown, onError)
  }
  next(error)
}

/** Settles who the socket is; resolves to false when the demo pretends that the server is down for this user. */
async function admit(socket: ChatSocket, { authenticate, members, faults }: Services): Promise<boolean> {
  const { token, userId } = parseHandshake(socket.handshake.auth)
  const identity = await authenticate(token)
  if (identity.userId !== userId) throw refuseForGood('unauthorized', 'unable to connect: the token belongs to another user')
  if (faults.isDown(userId)) {
    socket.conn.close()
    return false
  }
  await members.welcome(userId)
  socket.data = { identity, channelIds: await members.channelsOf(userId) }
  return true
}

function parseHandshake(auth: unknown): { token: string; userId: string } {
  try {
    return parse(handshakeSchema, auth)
  } catch {
    throw refuseForGood('unauthorized', 'unable to connect: the handshake needs auth { token, userId }')
  }
}

function rejection(thrown: unknown, onError: (error: unknown) => void): ExtendedError {
  if (!(thrown instanceof Refusal)) onError(thrown)
  const refusal = toRefusal(thrown)
  return Object.assign(new Error(refusal.message), { data: refusalBody(refusal) })
}

function welcome(socket: ChatSocket, services: Services, options: SocketOptions): void {
  const { identity, channelIds } = socket.data
  const clock = createTokenClock({
    expiresAt: identity.expiresAt,
    graceMs: options.graceMs,
    onExpired: () => socket.emit('auth:expired', { code: 'token_expired' }),
    onGraceOver: () => socket.disconnect(true),
  })
  socket.data.clock = clock
  socket.on('disconnect', clock.stop)
  void socket.join(channelIds.map(roomOf))
  const ordered = createOrderedChannels()
  const peer: Peer = { userId: identity.userId, ordered, clock, join: (channelId) => socket.join(roomOf(channelId)) }
  listen(socket, peer, services, options)
  socket.emit('session', {
    capabilities: ['sync', 'ordered', 'auth-refresh'],
    maxMessageBytes: services.maxMessageBytes,
    dedupWindowMs: options.dedupWindowMs,
    tokenExpiresAt: identity.expiresAt,
  })
}

/** Every event enters here, known or not: nothing that a client sends can throw past this function. */
function listen(socket: ChatSocket, peer: Peer, services: Services, options: SocketOptions): void {
  let pending = 0
  socket.onAny((event: string, ...args: unknown[]) => {
    if (++pending > MAX_PENDING || peer.ordered.size() > MAX_CHANNELS_BUSY) return void socket.disconnect(true)
    const work = answer(event, args, peer, services, options).finally(() => { pending-- })
    options.track(work)
  })
}

async function answer(event: string, args: unknown[], peer: Peer, services: Services, { onError }: SocketOptions): Promise<void> {
  const last = args[args.length - 1]
  const acknowledge = (response: object): void => { if (typeof last === 'function') last(response) }
  const payload = typeof args[0] === 'function' ? undefined : args[0]
  try {
    const handler = handlers.get(event)
    if (handler === undefined) throw refuseForGood('unknown_event', 'unable to answer: this server does not know the event')
    const response = succeed(await handler(services, peer, payload))
    if (event === 'message:send') acknowledgeSend(services, peer, () => acknowledge(response))
    else acknowledge(response)
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) onError(thrown)
    acknowledge({ success: false, error: refusalBody(toRefusal(thrown)) })
  }
}

function acknowledgeSend({ faults }: Services, { userId }: Peer, acknowledge: () => void): void {
  const plan = faults.ackPlan(userId)
  if (plan === 'drop') return
  if (plan.delayMs === 0) acknowledge()
  else setTimeout(acknowledge, plan.delayMs).unref()
}
