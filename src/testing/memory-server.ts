import { jsonBytes } from '../policy/json'
import type { CloseEvent } from '../transport/transport'
import { createMemoryLog, type MemoryLog } from './memory-log'
import { createPeers, type Peer, type Peers } from './memory-peers'
import { createProtocol, publicMark, publicRow, type Hold, type ProtocolHost, type ProtocolOptions } from './memory-protocol'
import { createScript, type Script } from './memory-script'
import type {
  AuthResult, Handshake, MemoryServer, MemoryServerOptions, ReceivedEvent, Refusal, ServerHandler, ServerLink, ServerPeer,
} from './memory-server-types'

type Options = ProtocolOptions & MemoryServerOptions & Required<Pick<MemoryServerOptions, 'authenticate'>>

const DEFAULTS: Options = {
  now: () => Date.now(),
  capabilities: ['sync', 'ordered', 'auth-refresh'],
  maxPage: 200,
  echo: 'after_ack',
  authenticate: (): AuthResult => ({ ok: true }),
  isMember: () => true,
}

/** Which capability an event needs; what needs none is part of the plan's four events. */
const NEEDS: ReadonlyMap<string, string> = new Map([
  ['message:sync', 'sync'], ['message:history', 'sync'], ['auth:refresh', 'auth-refresh'],
])

/** What the parts of one server share. */
interface ServerCore {
  options: Options
  isUp: boolean
  accepted: number
  readonly log: MemoryLog
  readonly peers: Peers
  readonly script: Script
  readonly received: ReceivedEvent[]
  readonly greeters: Set<(peer: ServerPeer) => void>
}

/** Creates an in-memory chat server; it does no I/O and has no timers. Connect to it with `createMemoryTransport`. */
export function createMemoryServer(given: MemoryServerOptions = {}): MemoryServer {
  const core: ServerCore = {
    options: { ...DEFAULTS, ...given },
    isUp: true,
    accepted: 0,
    log: createMemoryLog(),
    peers: createPeers(),
    script: createScript(),
    received: [],
    greeters: new Set(),
  }
  const host = createHost(core)
  const protocol = createProtocol(host)
  const { log, peers, script } = core

  return {
    handshake: (auth, link) => handshake(core, protocol, auth, link),
    log: log.messages,
    receipts: log.marks,
    connections: (userId) => peers.all(userId).length,
    get accepted() { return core.accepted },
    received: (event) => core.received.filter((each) => event === undefined || each.event === event),
    configure: (changes) => { core.options = { ...core.options, ...changes } },
    on: script.on,
    rejectNext: script.rejectNext,
    rejectWhile: script.rejectWhile,
    crashNext: script.crashNext,
    onConnection(listener) {
      core.greeters.add(listener)
      return () => { core.greeters.delete(listener) }
    },
    ...createVoices(core, host),
    ...createSwitches(core),
  }
}

function createHost(core: ServerCore): ProtocolHost {
  const { log, peers, script } = core
  return {
    log,
    options: () => core.options,
    authenticate: async (auth) => core.options.authenticate(auth),
    has: (capability) => has(core, capability),
    broadcast(channelId, event, payload, except) {
      for (const peer of peers.all()) {
        if (peer !== except && core.options.isMember(peer.userId, channelId)) peer.emit(event, payload)
      }
    },
    judge: script.judge,
    crashes(moment) {
      if (!script.takeCrash(moment)) return false
      endAll(core, 'transport_close')
      return true
    },
    holdsOf: (peer) => peers.find(peer)?.holds ?? new Map<string, Hold>(),
  }
}

const has = (core: ServerCore, capability: string): boolean => core.options.capabilities?.includes(capability) ?? false

const endAll = (core: ServerCore, reason: CloseEvent['reason'], userId?: string): void => {
  for (const peer of core.peers.all(userId)) core.peers.end(peer, reason)
}

type Protocol = ReadonlyMap<string, ServerHandler>

async function handshake(core: ServerCore, protocol: Protocol, auth: ServerPeer['auth'], link: ServerLink): Promise<Handshake> {
  if (!core.isUp) return { refused: UNREACHABLE }
  const result = await core.options.authenticate(auth)
  if ('code' in result) return { refused: rejection(result) }
  if (!core.isUp) return { refused: UNREACHABLE }
  core.accepted += 1
  const peer = core.peers.create(`connection-${core.accepted}`, auth, link)
  return {
    socket: {
      start: () => start(core, peer, result.expiresAt),
      receive: (event, args, reply) => receive(core, protocol, peer, event, args, reply),
      lost: () => { core.peers.forget(peer) },
    },
  }
}

function start(core: ServerCore, peer: Peer, tokenExpiresAt: number | undefined): void {
  core.peers.open(peer)
  for (const greet of [...core.greeters]) greet(peer)
  const { capabilities, maxMessageBytes, dedupWindowMs } = core.options
  if (capabilities !== null) peer.emit('session', { capabilities, maxMessageBytes, dedupWindowMs, tokenExpiresAt })
}

type Reply = (...answer: readonly unknown[]) => void

function receive(core: ServerCore, protocol: Protocol, peer: Peer, event: string, args: readonly unknown[], reply: Reply): void {
  const { options, peers, received, script } = core
  if (!peers.isOpen(peer)) return
  if (isTooLarge(args, options.maxMessageBytes)) return peers.end(peer, 'transport_close')
  const [payload] = args
  received.push({ event, payload, args, userId: peer.userId, peerId: peer.id, at: options.now() })
  const need = NEEDS.get(event)
  const builtIn = need === undefined || has(core, need) ? protocol.get(event) : undefined
  const handler = script.handler(event) ?? builtIn
  handler?.(payload, peer, (...answer) => { if (peers.isOpen(peer)) reply(...answer) })
}

/** What a test lets the server say by itself. */
function createVoices(core: ServerCore, host: ProtocolHost): Pick<MemoryServer, 'push' | 'pushReceipt' | 'emitRaw' | 'expireAuth'> {
  const { log, peers } = core
  let pushed = 0
  const emitRaw: MemoryServer['emitRaw'] = (userId, event, ...args) => {
    for (const peer of peers.all(userId)) peer.emit(event, ...args)
  }
  return {
    emitRaw,
    expireAuth: (userId, code = 'token_expired') => emitRaw(userId, 'auth:expired', { code }),
    push(channelId, message) {
      pushed += 1
      const row = log.commit({ createdAt: core.options.now(), ...message, id: message.id ?? pushedId(pushed), channelId })
      host.broadcast(channelId, 'message:new', publicRow(host, row))
      return row
    },
    pushReceipt(kind, channelId, userId, seq = log.messages(channelId).length) {
      if (!log.raise(kind, channelId, userId, seq)) return
      host.broadcast(channelId, `message:${kind}`, publicMark(host, kind, channelId, userId))
    },
  }
}

function createSwitches(core: ServerCore): Pick<MemoryServer, 'disconnectAll' | 'stop' | 'start' | 'restart'> {
  const stop = (): void => {
    core.isUp = false
    endAll(core, 'transport_close')
  }
  return {
    stop,
    start: () => { core.isUp = true },
    disconnectAll: (reason = 'server_disconnect', userId) => endAll(core, reason, userId),
    restart({ keepLog = true, keepIds = true } = {}) {
      stop()
      if (!keepLog) core.log.clear()
      if (!keepIds) core.log.forgetIds()
      core.isUp = true
    },
  }
}

const UNREACHABLE: CloseEvent = { reason: 'unreachable', message: 'the server does not listen' }

function rejection({ code, message = code, retryable, retryAfterMs }: Refusal): CloseEvent {
  return {
    reason: 'rejected', message, code,
    ...(retryable === undefined ? {} : { retryable }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

function isTooLarge(args: readonly unknown[], limit: number | undefined): boolean {
  return limit !== undefined && jsonBytes(args) > limit
}

/** A valid UUID v7 of the first second of the epoch: it never meets an id that a client makes. */
const pushedId = (count: number): string => `00000000-0001-7000-8000-${count.toString(16).padStart(12, '0')}`
