/** Which way a packet goes: a handshake, an event from or to the client, or the answer to the client's event. */
export type PacketDirection = 'connect' | 'up' | 'down' | 'ack'

/**
 * What happens to a packet. `drop`: it never arrives. `hold`: it waits for `release()`, others overtake it. `duplicate`: it arrives twice.
 * `reorder`: it arrives right behind the next packet of its lane. `cut`: it is lost and its connection breaks (a `connect` is refused as
 * unreachable). `{ delayMs }`: it arrives that much later, others overtake it.
 * TCP neither drops nor reorders one packet of a living connection: on `up` and `down`, these model a server that does.
 */
export type FaultAction = 'drop' | 'hold' | 'duplicate' | 'reorder' | 'cut' | { readonly delayMs: number }

export interface FaultRule {
  readonly direction: PacketDirection
  /** Default: every event. For an `ack`, the event that it answers. */
  readonly event?: string
  /** Looks at the first argument, or the response of an `ack`. Default: every one. */
  readonly match?: (payload: unknown) => boolean
  readonly action: FaultAction
  /** How many packets it strikes; default: all until `stop()`. */
  readonly times?: number
}

/** A fault that was switched on. */
export interface Fault {
  /** Packets struck so far. */
  readonly hits: number
  /** Packets held now. */
  readonly held: number
  /** Delivers what it holds, in order; later packets are still held. */
  release(): void
  /** Strikes no more. What it holds stays held until `release()`. */
  stop(): void
}

export interface Packet {
  readonly direction: PacketDirection
  readonly event: string
  readonly payload: unknown
  readonly deliver: () => void
}

/** A struck packet's action, and where a held one goes. */
export interface Strike {
  readonly action: FaultAction
  hold(deliver: () => void): void
}

/** The faults of one network. The oldest rule that matches strikes. */
export interface Switchboard {
  fault(rule: FaultRule): Fault
  strike(packet: Packet): Strike | null
  /** Stops every fault and delivers what they hold. */
  heal(): void
}

interface LiveRule {
  readonly rule: FaultRule
  readonly handle: Fault
  take(): Strike
  matches(packet: Packet): boolean
}

export function createSwitchboard(): Switchboard {
  let rules: LiveRule[] = []
  return {
    fault(rule) {
      const live = createRule(rule)
      rules.push(live)
      return live.handle
    },
    strike: (packet) => rules.find((live) => live.matches(packet))?.take() ?? null,
    heal() {
      for (const { handle } of rules) {
        handle.stop()
        handle.release()
      }
      rules = []
    },
  }
}

function createRule(rule: FaultRule): LiveRule {
  let left = rule.times ?? Infinity
  let hits = 0
  let held: (() => void)[] = []
  const handle: Fault = {
    get hits() { return hits },
    get held() { return held.length },
    release() {
      const waiting = held
      held = []
      for (const deliver of waiting) deliver()
    },
    stop: () => { left = 0 },
  }
  return {
    rule,
    handle,
    matches: (packet) => left > 0 && rule.direction === packet.direction
      && (rule.event === undefined || rule.event === packet.event) && (rule.match?.(packet.payload) ?? true),
    take() {
      left -= 1
      hits += 1
      return { action: rule.action, hold: (deliver) => { held.push(deliver) } }
    },
  }
}
