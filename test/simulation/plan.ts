import { draw, pick, stream } from './draw'

/** Everything that can go wrong. Each seed switches some of it on. */
export const FAULTS = [
  'cut', 'half_open', 'dropped', 'offline', 'lost_ack', 'duplicate', 'late_ack', 'slow_network',
  'server_stop', 'crash_before_commit', 'crash_after_commit', 'rejection', 'retry_after', 'token_expires', 'token_fails', 'hostile', 'foreign_id',
  'disk_slow', 'disk_quota', 'disk_hang', 'disk_closed', 'disk_lies', 'disk_corrupt', 'disk_newer', 'disk_evicted',
  'crash', 'reload', 'browser_kill', 'freeze', 'freeze_unlocked', 'bfcache', 'hidden', 'no_locks', 'sleep', 'wall_jump',
  'sign_out', 'sign_out_discard', 'other_user', 'reconnect', 'small_window', 'not_ordered', 'echo_first',
  'disk_full', 'short_budget',
] as const
export type FaultName = typeof FAULTS[number]

export const SLOTS = ['a1', 'a2', 'a3', 'b1', 'b2'] as const
export type Slot = typeof SLOTS[number]
export const browserOf = (slot: Slot): string => slot.slice(0, 1)
export const USER_OF: { readonly [browser: string]: string } = { a: 'alice', b: 'bob' }
export const CHANNELS = ['general', '__proto__'] as const

/** One thing that happens, `at` milliseconds after the start. `u` and `v` in [0, 1) are its details. */
export interface Step {
  readonly at: number
  readonly kind: string
  readonly slot: Slot
  readonly u: number
  readonly v: number
}

export interface Plan {
  readonly seed: number
  readonly faults: readonly FaultName[]
  readonly steps: readonly Step[]
}

/** What people do, without any fault. */
const LIFE = ['send', 'send', 'send', 'send', 'burst', 'read', 'open_channel', 'close_channel', 'older', 'retry', 'discard', 'push', 'push', 'open', 'receipt']

/** Faults that are a setting of the whole run and not something that happens. */
const SETTINGS: ReadonlySet<string> = new Set<FaultName>(['no_locks', 'small_window', 'not_ordered', 'echo_first', 'slow_network', 'short_budget'])

const SPAN_MS = 60_000

/** The plan of one seed: which faults, and what happens when. */
export function makePlan(seed: number): Plan {
  const next = stream(seed, 'plan')
  const rate = pick([0, 0.1, 0.25, 0.5], next())
  const faults = FAULTS.filter((_, i) => draw(seed, 'fault', i) < rate)
  const happening = faults.filter((name) => !SETTINGS.has(name))
  const count = 8 + Math.floor(next() * 40)
  const steps = Array.from({ length: count }, (_, i): Step => {
    const of = (name: string): number => draw(seed, `step/${name}`, i)
    const isFault = happening.length > 0 && of('fault') < 0.4
    return {
      at: Math.floor(of('at') * SPAN_MS), slot: pick(SLOTS, of('slot') ** 1.5), u: of('u'), v: of('v'),
      kind: isFault ? pick(happening, of('which')) : pick(LIFE, of('kind')),
    }
  })
  return { seed, faults, steps: steps.sort((a, b) => a.at - b.at) }
}

/** The plan without one fault. */
export const without = (plan: Plan, fault: FaultName): Plan =>
  ({ ...plan, faults: plan.faults.filter((name) => name !== fault), steps: plan.steps.filter(({ kind }) => kind !== fault) })
