import type { Clock } from '../environment'
import type { CloseEvent, Connection, Transport } from '../transport/transport'
import { createSwitchboard, type Fault, type FaultRule } from './memory-faults'
import { createLink, type Link, type NetworkMode } from './memory-link'
import type { MemoryServer } from './memory-server-types'

/** The network between one tab and the server, with its switches. */
export interface Network {
  /** Connections break with `transport_close`, what is under way is lost, new ones are `unreachable`, until `restore()`. */
  cut(): void
  /** Nothing arrives any more, in either direction, and nobody is told. Connections of that time stay dead after `restore()`. */
  halfOpen(): void
  /** New connections work again; the server notices which half-open ones their clients gave up. */
  restore(): void
  /** Breaks what is connected, once; new connections work. */
  drop(): void
  /** The page died: its connections are gone and nothing of it is called again. */
  kill(): void
  /** Switches a fault on. */
  fault(rule: FaultRule): Fault
  /** Stops every fault and delivers what they hold; `restore()` besides. */
  heal(): void
  readonly mode: NetworkMode
  /** Connections that are open now, as the client sees it. */
  readonly open: number
  /** Connections that are connecting now, as the client sees it. */
  readonly connecting: number
  /** Connections that ever opened. */
  readonly opened: number
  /** Calls of `open` ever. */
  readonly attempts: number
}

export interface MemoryTransport extends Transport {
  readonly network: Network
}

export interface MemoryTransportOptions {
  /** Needed for latency and delays only; default: real timers. */
  readonly clock?: Pick<Clock, 'monotonic' | 'setTimer'>
  /** Draws latencies from a range; default `Math.random`. */
  readonly random?: () => number
  /** One way, in milliseconds; default 0: a microtask. Packets of one direction never overtake each other. */
  readonly latencyMs?: number | { readonly min: number; readonly max: number }
}

const REAL_CLOCK: Pick<Clock, 'monotonic' | 'setTimer'> = {
  monotonic: () => performance.now(),
  setTimer(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
}

/** The transport port over an in-memory server: payloads are copied as Socket.IO would, and everything is asynchronous. */
export function createMemoryTransport(server: MemoryServer, options: MemoryTransportOptions = {}): MemoryTransport {
  const { clock = REAL_CLOCK, random = Math.random, latencyMs = 0 } = options
  const latency = typeof latencyMs === 'number' ? () => latencyMs : () => latencyMs.min + random() * (latencyMs.max - latencyMs.min)
  const faults = createSwitchboard()
  const links = new Set<Link>()
  let mode: NetworkMode = 'up'
  let opened = 0
  let attempts = 0

  const open: Transport['open'] = (request, handlers): Connection => {
    attempts += 1
    const link = createLink({
      server, clock, latency, faults, request, handlers,
      mode: () => mode,
      onOpened: () => { opened += 1 },
      onGone: () => { links.delete(link) },
    })
    links.add(link)
    return link.connection
  }

  const each = (act: (link: Link) => void): void => { for (const link of [...links]) act(link) }
  const count = (state: Link['state']): number => [...links].filter((link) => link.state === state).length
  const breakAll = (): void => each((link) => link.break(BROKEN))

  const restore = (): void => {
    mode = 'up'
    each((link) => link.restored())
  }

  const network: Network = {
    cut() {
      mode = 'cut'
      breakAll()
    },
    halfOpen() {
      mode = 'half_open'
      each((link) => link.silence())
    },
    restore,
    drop: breakAll,
    kill: () => each((link) => link.kill()),
    fault: faults.fault,
    heal() {
      restore()
      faults.heal()
    },
    get mode() { return mode },
    get open() { return count('open') },
    get connecting() { return count('connecting') },
    get opened() { return opened },
    get attempts() { return attempts },
  }
  return { open, network }
}

const BROKEN: CloseEvent = { reason: 'transport_close', message: 'the network was cut' }
