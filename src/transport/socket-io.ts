import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { fieldsOf } from '../policy/json'
import { own, retryHints } from './parse'
import type { CloseEvent, Connection, ConnectionHandlers, ConnectRequest, Transport } from './transport'

/**
 * What may be set of Socket.IO's own options. Reconnection, retries, buffers and auth are the library's business;
 * `timeout` (ms, default 20,000) bounds the opening of the link, not the server's answer to the handshake.
 */
export type SocketIoTransportOptions = Partial<Pick<
  ManagerOptions,
  | 'transports' | 'path' | 'query' | 'extraHeaders' | 'withCredentials' | 'timeout' | 'parser'
  | 'closeOnBeforeunload' | 'transportOptions' | 'protocols' | 'autoUnref'
>> & {
  /** From socket.io-client 4.8: one transport after the other, where the first does not open. */
  readonly tryAllTransports?: boolean
}

/**
 * The transport port over socket.io-client. By default WebSocket only: it needs no sticky sessions and leaves nothing behind when
 * closed early; where proxies block it, pass `transports: ['websocket', 'polling'], tryAllTransports: true`.
 */
export function createSocketIoTransport(options: SocketIoTransportOptions = {}): Transport {
  return { open: (request, handlers) => openConnection(createSocket(request, options), handlers) }
}

/** A socket with a Manager of its own, which never reconnects: a Manager that is shared keeps its first caller's options. */
function createSocket({ url, auth }: ConnectRequest, options: SocketIoTransportOptions): Socket {
  const own: Partial<ManagerOptions & SocketOptions> = {
    transports: ['websocket'], ...options, auth: { ...auth }, forceNew: true, autoConnect: false, reconnection: false,
  }
  return io(url, own)
}

function openConnection(socket: Socket, handlers: ConnectionHandlers): Connection {
  let state: 'connecting' | 'open' | 'ended' = 'connecting'

  const isOpen = (): boolean => state === 'open'

  const open = (): void => {
    if (state !== 'connecting') return
    state = 'open'
    handlers.onOpen()
  }

  const release = (): void => {
    state = 'ended'
    socket.off()
    socket.offAny()
    socket.disconnect()
    // An emit on an expired link went here instead of to the engine; this socket never connects again.
    socket.sendBuffer = []
  }

  const end = (event: CloseEvent): void => {
    if (state === 'ended') return
    release()
    handlers.onClose(event)
  }

  socket.onAny((event: unknown, ...args: unknown[]) => {
    // Packets buffered before the handshake was done come just before `connect`.
    open()
    if (!isOpen()) return
    const acknowledge = typeof args.at(-1) === 'function' && args.pop() as () => void
    handlers.onEvent(String(event), args)
    if (acknowledge && isOpen()) acknowledge()
  })
  socket.on('connect', open)
  socket.on('connect_error', (error: unknown) => end(isRefusal(socket) ? rejected(error) : { reason: 'unreachable', message: String(fieldsOf(error)['message']) }))
  socket.on('disconnect', (reason: unknown) => end(closeEvent(reason, isOpen())))
  socket.connect()

  const emit: Connection['emit'] = (event, args, onAck) => {
    if (!socket.connected) return
    if (onAck === undefined) socket.emit(event, ...args)
    else socket.emit(event, ...args, (...answer: readonly unknown[]) => { if (isOpen()) onAck(...answer) })
  }

  return { emit, close: release }
}

/** A middleware's refusal ends the socket; any other `connect_error` leaves it active, waiting for a Manager that will not try again. */
const isRefusal = (socket: Socket): boolean => !socket.active

/** `code`, `retryable` and `retryAfterMs` are the server's words: each is taken only when it has the right type. */
function rejected(error: unknown): CloseEvent {
  const data = fieldsOf(fieldsOf(error)['data'])
  const code = own(data, 'code')
  return {
    reason: 'rejected',
    message: String(fieldsOf(error)['message']),
    ...(typeof code === 'string' && { code }),
    ...retryHints(data),
  }
}

const REASONS: readonly CloseEvent['reason'][] = ['server_disconnect', 'ping_timeout', 'transport_close', 'transport_error', 'parse_error']

/** A link that breaks before the handshake is done gives `disconnect` without `connect`: it never opened. */
function closeEvent(given: unknown, wasOpen: boolean): CloseEvent {
  const reason = String(given)
  const code = reason.replace('io ', '').replaceAll(' ', '_')
  const known = REASONS.find((each) => each === code) ?? 'transport_close'
  const isDeliberate = known === 'server_disconnect' || known === 'parse_error'
  return { reason: wasOpen || isDeliberate ? known : 'unreachable', message: reason }
}
