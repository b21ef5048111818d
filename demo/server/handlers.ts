import type { Authenticate } from './auth'
import type { Faults } from './faults'
import type { MemberStore, WatermarkKind } from './members'
import type { OrderedChannels } from './ordered'
import type { RateLimiter } from './rate-limit'
import { forbidden, refuseForGood } from './refusal'
import { historySchema, markSchema, parse, refreshSchema, sendSchema, syncSchema } from './schemas'
import type { TokenClock } from './session'
import type { MessageStore, NewMessage } from './store'

/** What the handlers work with; one per server. */
export interface Services {
  readonly messages: MessageStore
  readonly members: MemberStore
  readonly limiter: RateLimiter
  readonly faults: Faults
  readonly authenticate: Authenticate
  readonly maxMessageBytes: number
  /** To every socket of every member, the sender's own included. */
  readonly broadcast: (channelId: string, event: string, payload: object) => void
}

/** The socket that asks: whom it speaks for is settled by its token alone. */
export interface Peer {
  readonly userId: string
  readonly ordered: OrderedChannels
  readonly clock: TokenClock
  join(channelId: string): Promise<void> | void
}

/** Resolves to the ack's data; rejects with a `Refusal`. */
export type Handler = (services: Services, peer: Peer, payload: unknown) => Promise<object>

export const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['message:send', send],
  ['message:delivered', (services, peer, payload) => mark(services, peer, 'delivered', payload)],
  ['message:read', (services, peer, payload) => mark(services, peer, 'read', payload)],
  ['message:sync', sync],
  ['message:history', history],
  ['auth:refresh', refresh],
])

async function send(services: Services, peer: Peer, payload: unknown): Promise<object> {
  const message = toNewMessage(payload, peer, services.maxMessageBytes)
  return peer.ordered.run(message.channelId, message.id, async () => {
    await services.limiter.consume(peer.userId)
    services.faults.beforeCommit(peer.userId)
    return commitAndAnnounce(services, message)
  })
}

/** The ack is sent after this: what it says is already durable. */
export async function commitAndAnnounce(services: Services, message: NewMessage): Promise<object> {
  const { message: stored, isNew } = await services.messages.commit(message)
  if (isNew) services.broadcast(stored.channelId, 'message:new', stored)
  return { id: stored.id, seq: stored.seq, createdAt: stored.createdAt }
}

function toNewMessage(payload: unknown, peer: Peer, maxBytes: number): NewMessage {
  const { id, channelId, userId, content, createdAt, seq: _seq, ...extra } = parse(sendSchema, payload)
  // Refused rather than corrected: a client that sends A's message as B has a bug, and nobody should see its result.
  if (userId !== undefined && userId !== peer.userId) throw forbidden('unable to send: the message belongs to another user')
  if (Buffer.byteLength(JSON.stringify(payload)) > maxBytes) {
    throw refuseForGood('too_large', `unable to send: the message is larger than ${maxBytes} bytes`)
  }
  return { id, channelId, userId: peer.userId, content, createdAt, extra }
}

async function mark({ members, broadcast }: Services, peer: Peer, kind: WatermarkKind, payload: unknown): Promise<object> {
  const { channelId, seq, messageId } = parse(markSchema, payload)
  await members.assertMember(channelId, peer.userId)
  const reached = seq ?? (messageId === undefined ? null : await members.seqOf(channelId, messageId))
  if (reached === null) throw refuseForGood('not_found', 'unable to mark: the channel has no such message')
  const watermark = await members.raise(kind, channelId, peer.userId, reached)
  if (watermark.advanced) broadcast(channelId, `message:${kind}`, { channelId, userId: peer.userId, seq: watermark.seq })
  return { seq: watermark.seq }
}

async function sync({ messages, members }: Services, peer: Peer, payload: unknown): Promise<object> {
  const { channelId, after, limit } = parse(syncSchema, payload)
  await members.assertMember(channelId, peer.userId)
  // Before the page is read: what is committed in between comes as `message:new`, perhaps twice, but never not at all.
  await peer.join(channelId)
  const page = await messages.pageAfter(channelId, after, limit)
  return { ...page, receipts: await members.watermarks(channelId) }
}

async function history({ messages, members }: Services, peer: Peer, payload: unknown): Promise<object> {
  const { channelId, before, limit } = parse(historySchema, payload)
  await members.assertMember(channelId, peer.userId)
  return messages.pageBefore(channelId, before ?? null, limit)
}

async function refresh({ authenticate }: Services, peer: Peer, payload: unknown): Promise<object> {
  const { token } = parse(refreshSchema, payload)
  const { userId, expiresAt } = await authenticate(token)
  if (userId !== peer.userId) throw refuseForGood('unauthorized', 'unable to refresh: the token belongs to another user')
  peer.clock.renew(expiresAt)
  return { expiresAt }
}
