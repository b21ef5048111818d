import type { MemoryLog, LogMessage, NewMessage } from './memory-log'
import type { AuthResult, MemoryServerOptions, Refusal, ServerHandler, ServerPeer } from './memory-server-types'

export type ProtocolOptions = Required<Pick<MemoryServerOptions, 'now' | 'capabilities' | 'maxPage' | 'echo' | 'isMember'>>

/** What the protocol needs from the server around it. */
export interface ProtocolHost {
  readonly log: MemoryLog
  readonly options: () => ProtocolOptions
  authenticate(auth: { token: string; userId: string }): Promise<AuthResult>
  has(capability: string): boolean
  broadcast(channelId: string, event: string, payload: object, except?: ServerPeer): void
  /** Scripted refusals. */
  judge(message: SendPayload, peer: ServerPeer): Refusal | null
  /** True when the server is to crash at this moment; it has then done so. */
  crashes(moment: 'before_commit' | 'after_commit'): boolean
  /** What one connection's channels wait for: the `ordered` promise. */
  holdsOf(peer: ServerPeer): Map<string, Hold>
}

/**
 * After a retryable refusal of `id`, what follows is refused until `id` comes again. A follower that comes a second time
 * without it says that its sender is done with `id`, and ends the wait.
 */
export interface Hold {
  readonly id: string
  readonly followers: Set<string>
}

export interface SendPayload {
  readonly id: string
  readonly channelId: string
  readonly content: string
  readonly createdAt: number
  readonly userId?: string
  readonly [field: string]: unknown
}

/** The built-in handlers by event name. */
export function createProtocol(host: ProtocolHost): ReadonlyMap<string, ServerHandler> {
  return new Map<string, ServerHandler>([
    ['message:send', (payload, peer, reply) => onSend(host, payload, peer, reply)],
    ['message:delivered', (payload, peer, reply) => onReceipt(host, 'delivered', payload, peer, reply)],
    ['message:read', (payload, peer, reply) => onReceipt(host, 'read', payload, peer, reply)],
    ['message:sync', (payload, peer, reply) => onSync(host, payload, peer, reply)],
    ['message:history', (payload, peer, reply) => onHistory(host, payload, peer, reply)],
    ['auth:refresh', (payload, peer, reply) => onRefresh(host, payload, peer, reply)],
  ])
}

type Reply = (response: unknown) => void

const succeed = (reply: Reply, data: object): void => reply({ success: true, data })
const refuse = (reply: Reply, refusal: Refusal): void =>
  reply({ success: false, error: { message: refusal.code, retryable: false, ...refusal } })

const INVALID: Refusal = { code: 'invalid' }
const FORBIDDEN: Refusal = { code: 'forbidden' }

function onSend(host: ProtocolHost, payload: unknown, peer: ServerPeer, reply: Reply): void {
  if (!isSend(payload)) return refuse(reply, INVALID)
  const known = host.log.find(payload.id)
  if (known !== undefined) {
    return isSame(known, payload, peer) ? succeed(reply, ackOf(host, known)) : refuse(reply, { code: 'conflict' })
  }
  const refusal = refusalFor(host, payload, peer)
  if (refusal !== null) return refuse(reply, refusal)
  if (host.crashes('before_commit')) return
  const row = host.log.commit(rowOf(host, payload, peer))
  if (host.crashes('after_commit')) return
  announce(host, row, peer, () => succeed(reply, ackOf(host, row)))
}

function refusalFor(host: ProtocolHost, payload: SendPayload, peer: ServerPeer): Refusal | null {
  const holds = host.holdsOf(peer)
  if (mustWait(holds.get(payload.channelId), payload.id)) return { code: 'out_of_order', retryable: true }
  const refusal = isAllowed(host, payload, peer) ? host.judge(payload, peer) : FORBIDDEN
  if (refusal?.retryable === true && host.has('ordered')) holds.set(payload.channelId, { id: payload.id, followers: new Set() })
  else holds.delete(payload.channelId)
  return refusal
}

/** Without the second rule a channel whose refused message was discarded would be stuck for good. */
function mustWait(hold: Hold | undefined, id: string): boolean {
  if (hold === undefined || hold.id === id || hold.followers.has(id)) return false
  hold.followers.add(id)
  return true
}

// A payload that names somebody else is refused, not corrected: a client that sends A's message as B has a bug to show.
const isAllowed = (host: ProtocolHost, { userId, channelId }: SendPayload, peer: ServerPeer): boolean =>
  (userId === undefined || userId === peer.userId) && host.options().isMember(peer.userId, channelId)

function rowOf(host: ProtocolHost, payload: SendPayload, peer: ServerPeer): NewMessage {
  const createdAt = isPlan(host) ? payload.createdAt : host.options().now()
  return { ...payload, userId: peer.userId, createdAt }
}

const isPlan = (host: ProtocolHost): boolean => host.options().capabilities === null

function ackOf(host: ProtocolHost, { id, seq, createdAt }: LogMessage): object {
  return isPlan(host) ? { id, createdAt } : { id, seq, createdAt }
}

function announce(host: ProtocolHost, row: LogMessage, peer: ServerPeer, acknowledge: () => void): void {
  const { echo } = host.options()
  if (echo !== 'before_ack') acknowledge()
  host.broadcast(row.channelId, 'message:new', publicRow(host, row), echo === 'none' ? peer : undefined)
  if (echo === 'before_ack') acknowledge()
}

/** The row as clients see it: a server of the plan has no `seq`. */
export function publicRow(host: Pick<ProtocolHost, 'options'>, row: LogMessage): object {
  if (host.options().capabilities !== null) return row
  const { seq: _seq, ...rest } = row
  return rest
}

/** A member's watermark as clients see it: by message id where there is no `seq`. */
export function publicMark(
  host: Pick<ProtocolHost, 'options' | 'log'>, kind: 'delivered' | 'read', channelId: string, userId: string,
): object {
  const seq = host.log.marks(channelId, userId)[kind]
  const place = host.options().capabilities === null ? { messageId: host.log.messages(channelId)[seq - 1]?.id } : { seq }
  return { channelId, userId, ...place }
}

function onReceipt(host: ProtocolHost, kind: 'delivered' | 'read', payload: unknown, peer: ServerPeer, reply: Reply): void {
  if (!isRecord(payload) || typeof payload['channelId'] !== 'string') return refuse(reply, INVALID)
  const { channelId, seq, messageId } = payload
  if (!host.options().isMember(peer.userId, channelId)) return refuse(reply, FORBIDDEN)
  const reached = typeof seq === 'number' ? seq : typeof messageId === 'string' ? host.log.find(messageId)?.seq : undefined
  if (reached === undefined) return refuse(reply, INVALID)
  if (host.log.raise(kind, channelId, peer.userId, reached)) {
    host.broadcast(channelId, `message:${kind}`, publicMark(host, kind, channelId, peer.userId), peer)
  }
  succeed(reply, {})
}

function onSync(host: ProtocolHost, payload: unknown, peer: ServerPeer, reply: Reply): void {
  const request = pageRequest(host, payload, 'after', peer, reply)
  if (request === null) return
  const { channelId, limit } = request
  const messages = host.log.after(channelId, Math.max(0, request.from ?? 0), limit)
  const latest = host.log.messages(channelId).length
  const last = messages[messages.length - 1]?.seq ?? latest
  succeed(reply, { messages, receipts: host.log.receipts(channelId), latest, more: last < latest })
}

function onHistory(host: ProtocolHost, payload: unknown, peer: ServerPeer, reply: Reply): void {
  const request = pageRequest(host, payload, 'before', peer, reply)
  if (request === null) return
  const messages = host.log.before(request.channelId, request.from ?? Number.MAX_SAFE_INTEGER, request.limit)
  succeed(reply, { messages, more: (messages[0]?.seq ?? 1) > 1 })
}

interface PageRequest {
  readonly channelId: string
  readonly from: number | null
  readonly limit: number
}

function pageRequest(
  host: ProtocolHost, payload: unknown, field: 'after' | 'before', peer: ServerPeer, reply: Reply,
): PageRequest | null {
  if (!isRecord(payload) || typeof payload['channelId'] !== 'string') {
    refuse(reply, INVALID)
    return null
  }
  const { channelId, limit, [field]: from } = payload
  if (!host.options().isMember(peer.userId, channelId)) {
    refuse(reply, FORBIDDEN)
    return null
  }
  const { maxPage } = host.options()
  const size = typeof limit === 'number' && limit >= 1 ? Math.min(limit, maxPage) : maxPage
  return { channelId, from: typeof from === 'number' ? from : null, limit: size }
}

function onRefresh(host: ProtocolHost, payload: unknown, peer: ServerPeer, reply: Reply): void {
  if (!isRecord(payload) || typeof payload['token'] !== 'string') return refuse(reply, INVALID)
  void host.authenticate({ token: payload['token'], userId: peer.userId }).then((result) => {
    if ('code' in result) refuse(reply, result)
    else succeed(reply, { expiresAt: result.expiresAt ?? null })
  })
}

type PayloadRecord = { readonly [field: string]: unknown; readonly channelId: string }

function isRecord(value: unknown): value is PayloadRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSend(value: unknown): value is SendPayload {
  return isRecord(value) && typeof value['id'] === 'string' && value['id'] !== '' && typeof value['channelId'] === 'string'
    && typeof value['content'] === 'string' && typeof value['createdAt'] === 'number'
}

/** True when it is the same message once more: same sender, same body. */
function isSame(known: LogMessage, payload: SendPayload, peer: ServerPeer): boolean {
  return known.userId === peer.userId && bodyOf(known) === bodyOf(payload)
}

function bodyOf(message: { readonly [field: string]: unknown }): string {
  const { seq: _seq, createdAt: _createdAt, userId: _userId, ...body } = message
  return JSON.stringify(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)))
}
