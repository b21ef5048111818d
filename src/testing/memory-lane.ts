import type { Clock, Stop } from '../environment'
import type { Packet, Switchboard } from './memory-faults'

/** One direction of one connection: first in, first out, unless a fault says otherwise. */
export interface Lane {
  /** Sends a packet through the faults. */
  send(packet: Packet): void
  /** Sends what no fault touches: the opening and the end. */
  sendSafely(deliver: () => void): void
  /** Forgets what is under way. */
  clear(): void
}

export interface LaneOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>
  readonly latency: () => number
  readonly faults: Switchboard
  /** Asked on arrival: false loses the packet. */
  readonly isLive: () => boolean
  /** A fault broke the connection. */
  readonly onCut: () => void
}

export function createLane({ clock, latency, faults, isLive, onCut }: LaneOptions): Lane {
  const timers = new Set<Stop>()
  let lastDue = 0
  let parked: (() => void) | null = null

  const arrive = (deliver: () => void) => () => { if (isLive()) deliver() }

  // Without latency a packet travels in a microtask, so that settling microtasks settles the network.
  const later = (delayMs: number, task: () => void): void => {
    if (delayMs <= 0) return queueMicrotask(task)
    const stop = clock.setTimer(delayMs, () => {
      timers.delete(stop)
      task()
    })
    timers.add(stop)
  }

  const inOrder = (deliver: () => void): void => {
    const now = clock.monotonic()
    lastDue = Math.max(lastDue, now + latency())
    later(lastDue - now, arrive(deliver))
  }

  const sendSafely = (deliver: () => void): void => {
    inOrder(deliver)
    if (parked === null) return
    inOrder(parked)
    parked = null
  }

  const send = (packet: Packet): void => {
    const strike = faults.strike(packet)
    if (strike === null) return sendSafely(packet.deliver)
    const { action } = strike
    if (action === 'drop') return
    if (action === 'cut') return onCut()
    if (action === 'hold') return strike.hold(() => later(0, arrive(packet.deliver)))
    if (action === 'reorder') return park(packet.deliver)
    if (action !== 'duplicate') return later(latency() + action.delayMs, arrive(packet.deliver))
    sendSafely(packet.deliver)
    sendSafely(packet.deliver)
  }

  const park = (deliver: () => void): void => {
    if (parked !== null) sendSafely(deliver)
    else parked = deliver
  }

  const clear = (): void => {
    for (const stop of timers) stop()
    timers.clear()
    parked = null
  }

  return { send, sendSafely, clear }
}
