import type { Extra, ReceiptEvent, SocketEvents, SocketResponse, WireMessage } from '../model'
import type { Fields } from '../policy/json'
import {
  bad, good, isAbsent, mapped, own, parseMessage, parsePage, parseReceipt, parseResponse, parseSession, toMillis, toSeq,
  type Parsed, type ParsedPage, type ParseExtra, type SessionAnnouncement,
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
  /** From our payload to what the server takes. */
  readonly outgoing?: { readonly [E in OutboundEvent]?: (payload: SocketEvents[E]) => object }
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

/** A name that two inbound events share: only one of them would ever be heard. Null when all differ. */
export function inboundClash({ names = {} }: ProtocolOptions = {}): string | null {
  const all = INBOUND.map((event) => names[event] ?? event)
  return all.find((name, i) => all.indexOf(name) !== i) ?? null
}

/** The one place where inbound data is trusted or dropped, and where names and shapes meet the server's. */
export function createWire<X extends Extra>({ protocol = {}, parseExtra }: WireOptions<X>) {
  const nameOf = (event: ProtocolEvent): string => protocol.names?.[event] ?? event
  const inbound = new Map(INBOUND.map((event) => [nameOf(event), event]))

  function parseEvent(event: InboundEvent, raw: unknown): Parsed<ServerEvent<X>> {
    if (event === 'auth:expired') return good({ kind: 'authExpired' })
    if (event === 'message:new') return mapped(parseMessage(raw, parseExtra), (message) => ({ kind: 'message', message }))
    if (event === 'session') return mapped(parseSession(raw), (session) => ({ kind: 'session', session }))
    return mapped(parseReceipt(event === 'message:read' ? 'read' : 'delivered', raw), (receipt) => ({ kind: 'receipt', receipt }))
  }

  const outbound = <E extends OutboundEvent>(event: E, payload: SocketEvents[E]): { readonly name: string; readonly payload: object } => {
    const map = protocol.outgoing?.[event]
    return { name: nameOf(event), payload: map ? map(payload) : payload }
  }

  return {
    /** Null when the event is not the library's own. Never throws, whatever came. */
    inbound(name: string, args: readonly unknown[]): Parsed<ServerEvent<X>> | null {
      const event = inbound.get(name)
      if (!event) return null
      try {
        const map = protocol.incoming?.[event]
        return parseEvent(event, map ? map(...args) : args[0])
      } catch {
        return bad('protocol.incoming could not map it')
      }
    },
    /** The server's name and payload for what we send. Throws what the app's mapping throws. */
    outbound,
    /** The same for what the library itself asks; null when the app's mapping throws, or gives what would throw in the socket (a cycle). */
    asked<E extends OutboundEvent>(event: E, payload: SocketEvents[E]): ReturnType<typeof outbound> | null {
      try {
        const asked = outbound(event, payload)
        JSON.stringify(asked.payload)
        return asked
      } catch {
        return null
      }
    },
    response(event: OutboundEvent, [response, ...more]: readonly unknown[]): Parsed<SocketResponse<Fields>> {
      try {
        return parseResponse(protocol.ack ? protocol.ack(response, event, ...more) : response)
      } catch {
        return bad('protocol.ack could not map it')
      }
    },
    /** What an accepted `message:send` tells; a wrong id means that the answer is not ours. */
    sendAck(id: string, data: Fields): Parsed<{ readonly seq?: number; readonly createdAt?: number }> {
      const ackId = own(data, 'id')
      const seq = toSeq(own(data, 'seq'))
      const createdAt = toMillis(own(data, 'createdAt'))
      if (!isAbsent(ackId) && ackId !== id) return bad('the acknowledgement names another message')
      if (seq === null) return good(createdAt === null ? {} : { createdAt })
      return good(createdAt === null ? { seq } : { seq, createdAt })
    },
    page: (data: Fields, channelId: string): Parsed<ParsedPage<X>> => parsePage(data, channelId, parseExtra),
    expiresAt: (data: Fields): number | null => toMillis(own(data, 'expiresAt')),
  }
}

export type Wire<X extends Extra> = ReturnType<typeof createWire<X>>
