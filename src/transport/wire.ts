import type { Extra, ReceiptEvent, SocketErrorBody, SocketEvents, WireMessage } from '../model'
import type { Fields } from '../policy/json'
import {
  isAbsent, own, parsed, parseMessage, parsePage, parseReceipt, parseResponse, parseSession, problemIn, toMillis, toSeq,
  type Answer, type Parsed, type ParsedPage, type ParseExtra, type SessionAnnouncement,
} from './parse'

export type ProtocolEvent = keyof SocketEvents
export type InboundEvent = 'message:new' | 'message:delivered' | 'message:read' | 'auth:expired' | 'session'
export type OutboundEvent = Exclude<ProtocolEvent, 'message:new' | 'auth:expired' | 'session'>

/** Fits a server that exists already. Everything is optional; what a mapping returns is checked like the server's own words. */
export interface ProtocolOptions {
  /** The server's names for our events. */
  readonly names?: { readonly [E in ProtocolEvent]?: string }
  /** From the server's arguments to the payload that `PROTOCOL.md` describes. */
  readonly incoming?: { readonly [E in InboundEvent]?: (...args: readonly unknown[]) => unknown }
  /** From our payload to what the server takes: an array is several arguments, anything else is the only one. */
  readonly outgoing?: { readonly [E in OutboundEvent]?: (payload: SocketEvents[E]) => {} }
  /** From the server's acknowledgement to a `SocketResponse`. `more` are its further arguments: the data of a server that answers `(error, data)`. */
  readonly ack?: (response: unknown, event: OutboundEvent, ...more: readonly unknown[]) => unknown
}

export type ServerEvent<X extends Extra> =
  | { readonly kind: 'message'; readonly message: WireMessage<X> }
  | { readonly kind: 'receipt'; readonly receipt: ReceiptEvent }
  | { readonly kind: 'session'; readonly session: SessionAnnouncement }
  | { readonly kind: 'authExpired' }

export interface WireOptions<X extends Extra> {
  readonly protocol?: ProtocolOptions | undefined
  readonly parseExtra?: ParseExtra<X> | undefined
}

const INBOUND: readonly InboundEvent[] = ['message:new', 'message:delivered', 'message:read', 'auth:expired', 'session']

/** A name that two inbound events share, or that the app binds as well (`bound`): only one of them would ever be heard. Null when all differ. */
export function inboundClash({ names = {} }: ProtocolOptions = {}, bound: readonly string[] = []): string | null {
  const all = [...INBOUND.map((event) => names[event] ?? event), ...bound]
  return all.find((name, i) => all.indexOf(name) !== i) ?? null
}

/** To a question that the app's own mapping has no words for. */
export const UNMAPPED = { error: { code: 'unmappable', message: 'protocol.outgoing could not map it', retryable: false }, unclear: 'unmapped' } as const

const unreadable = (problem: string): Answer => ({ error: { code: 'invalid_ack', message: problem, retryable: true }, unclear: 'unreadable' })

/** One event as it is sent. */
interface Emit { readonly name: string; readonly args: readonly unknown[] }

/** What came of a `message:send`. */
export type Sent = Extract<Answer, { error: SocketErrorBody }> | { readonly seq?: number; readonly createdAt?: number; readonly error?: undefined }

/** The one place where inbound data is trusted or dropped, and where names and shapes meet the server's. */
export function createWire<X extends Extra>({ protocol = {}, parseExtra }: WireOptions<X>) {
  const nameOf = (event: ProtocolEvent): string => protocol.names?.[event] ?? event
  const inbound = new Map(INBOUND.map((event) => [nameOf(event), event]))

  function parseEvent(event: InboundEvent, raw: unknown): ServerEvent<X> {
    if (event === 'auth:expired') return { kind: 'authExpired' }
    if (event === 'message:new') return { kind: 'message', message: parseMessage(raw, parseExtra) }
    if (event === 'session') return { kind: 'session', session: parseSession(raw) }
    return { kind: 'receipt', receipt: parseReceipt(event === 'message:read' ? 'read' : 'delivered', raw) }
  }

  const outbound = <E extends OutboundEvent>(event: E, payload: SocketEvents[E]): Emit => {
    const map = protocol.outgoing?.[event]
    const sent = map ? map(payload) : payload
    return { name: nameOf(event), args: Array.isArray(sent) ? sent : [sent] }
  }

  function response(event: OutboundEvent, [first, ...more]: readonly unknown[]): Answer {
    try {
      return parseResponse(protocol.ack ? protocol.ack(first, event, ...more) : first)
    } catch (reason) {
      return unreadable(problemIn(reason))
    }
  }

  return {
    /** Null when the event is not the library's own. Never throws, whatever came. */
    inbound(name: string, args: readonly unknown[]): Parsed<ServerEvent<X>> | null {
      const event = inbound.get(name)
      const map = event && protocol.incoming?.[event]
      return event ? parsed(() => parseEvent(event, map ? map(...args) : args[0])) : null
    },
    /** What we send, in the server's words. Throws what the app's mapping throws. */
    outbound,
    /** The same for what the library itself asks; null when the app's mapping throws, or gives what would throw in the socket (a cycle). */
    asked<E extends OutboundEvent>(event: E, payload: SocketEvents[E]): Emit | null {
      try {
        const asked = outbound(event, payload)
        JSON.stringify(asked.args)
        return asked
      } catch {
        return null
      }
    },
    response,
    /** The answer to the `message:send` of `id`; another one means that it is not ours. */
    sent(id: string, answer: readonly unknown[]): Sent {
      const told = response('message:send', answer)
      if (told.error) return told
      const { data } = told
      const ackId = own(data, 'id')
      const seq = toSeq(own(data, 'seq'))
      const createdAt = toMillis(own(data, 'createdAt'))
      if (!isAbsent(ackId) && ackId !== id) return unreadable('the acknowledgement names another message')
      if (seq === null) return createdAt === null ? {} : { createdAt }
      return createdAt === null ? { seq } : { seq, createdAt }
    },
    page: (data: Fields, channelId: string): Parsed<ParsedPage<X>> => parsed(() => parsePage(data, channelId, parseExtra)),
    expiresAt: (data: Fields): number | null => toMillis(own(data, 'expiresAt')),
  }
}

export type Wire<X extends Extra> = ReturnType<typeof createWire<X>>
