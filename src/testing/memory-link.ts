import type { CloseEvent, Connection, ConnectionHandlers, ConnectRequest } from '../transport/transport'
import { createLane, type Lane, type LaneOptions } from './memory-lane'
import type { Handshake, MemoryServer, ServerLink, ServerSocket } from './memory-server-types'
import { cloneOverWire } from './wire-clone'

export type NetworkMode = 'up' | 'cut' | 'half_open'

/** One connection with both its ends, as the network sees it. */
export interface Link {
  readonly connection: Connection
  /** The client's view. */
  readonly state: 'connecting' | 'open' | 'ended'
  /** Both ends lose it; the client is told, `unreachable` when it was not open yet. */
  break(close: CloseEvent): void
  /** From now on nothing arrives, for good. */
  silence(): void
  /** The network is back: a server that still held what its client had given up lets it go. */
  restored(): void
  /** The client vanished without a word; nothing of it is called again. */
  kill(): void
}

export interface LinkOptions extends Pick<LaneOptions, 'clock' | 'latency' | 'faults'> {
  readonly server: MemoryServer
  readonly request: ConnectRequest
  readonly handlers: ConnectionHandlers
  readonly mode: () => NetworkMode
  readonly onOpened: () => void
  /** Both ends are done with it. */
  readonly onGone: () => void
}

const REFUSED: CloseEvent = { reason: 'unreachable', message: 'the network is cut' }

export function createLink(options: LinkOptions): Link {
  const { server, request, handlers, mode } = options
  let state: Link['state'] = 'connecting'
  let isBroken = false
  let isSilent = mode() === 'half_open'
  let socket: ServerSocket | null = null

  const lane = (isLive: () => boolean): Lane =>
    createLane({ ...options, isLive: () => !isBroken && !isSilent && isLive(), onCut: () => breakLink(CUT) })
  // What the client sent before it closed still arrives; what the server sends to a closed client does not.
  const up = lane(() => true)
  const down = lane(() => state !== 'ended')

  const loseServer = (): void => {
    socket?.lost()
    socket = null
    options.onGone()
  }

  const finish = (close: CloseEvent): void => {
    if (state === 'ended') return
    state = 'ended'
    up.clear()
    down.clear()
    loseServer()
    handlers.onClose(close)
  }

  const breakLink = (close: CloseEvent): void => {
    if (isBroken) return
    isBroken = true
    up.clear()
    down.clear()
    socket?.lost()
    const seen: CloseEvent = state === 'open' ? close : { ...close, reason: 'unreachable' }
    if (state === 'ended') loseServer()
    else queueMicrotask(() => finish(seen))
  }

  const serverLink: ServerLink = {
    deliver(event, args) {
      const acknowledge = args.at(-1)
      const asks = typeof acknowledge === 'function'
      const copy = cloneOverWire(asks ? args.slice(0, -1) : args)
      down.send({ direction: 'down', event, payload: copy[0], deliver: () => {
        handlers.onEvent(event, copy)
        if (asks && state === 'open') up.sendSafely(() => void acknowledge())
      } })
    },
    end: (close) => down.sendSafely(() => finish(close)),
  }

  const opened = (): void => {
    state = 'open'
    options.onOpened()
    handlers.onOpen()
  }

  const answer = (handshake: Handshake): void => {
    if ('refused' in handshake) return down.sendSafely(() => finish(handshake.refused))
    if (state === 'ended' || isBroken) return handshake.socket.lost()
    socket = handshake.socket
    down.sendSafely(opened)
    socket.start()
  }

  const emit: Connection['emit'] = (event, given, onAck) => {
    if (state !== 'open') return
    const args = cloneOverWire(given)
    const acknowledge = onAck === undefined ? () => {} : once(onAck)
    const reply = once((...answer: readonly unknown[]) => {
      if (onAck === undefined) return
      const copy = cloneOverWire(answer)
      down.send({ direction: 'ack', event, payload: copy[0], deliver: () => acknowledge(...copy) })
    })
    up.send({ direction: 'up', event, payload: args[0], deliver: () => socket?.receive(event, args, reply) })
  }

  const close = (): void => {
    if (state === 'ended') return
    state = 'ended'
    down.clear()
    if (!isSilent) up.sendSafely(loseServer)
    else if (mode() === 'up') loseServer()
  }

  if (mode() === 'cut') queueMicrotask(() => breakLink(REFUSED))
  up.send({
    direction: 'connect',
    event: 'connect',
    payload: request.auth,
    deliver: () => void server.handshake({ ...request.auth }, serverLink).then(answer),
  })

  return {
    connection: { emit, close },
    get state() { return state },
    break: breakLink,
    silence: () => { isSilent = true },
    restored: () => { if (isSilent && state === 'ended') loseServer() },
    kill() {
      state = 'ended'
      isBroken = true
      up.clear()
      down.clear()
      loseServer()
    },
  }
}

const CUT: CloseEvent = { reason: 'transport_close', message: 'the connection was cut' }

function once<A extends readonly unknown[]>(task: (...args: A) => void): (...args: A) => void {
  let isDone = false
  return (...args) => {
    if (isDone) return
    isDone = true
    task(...args)
  }
}
