import { createHash } from 'node:crypto'
import { FAULT_STEPS } from './faults'
import { createWatch, require, Violation, type Watch } from './invariants'
import { makePlan, type Plan, type Slot } from './plan'
import { checkRest, checkTeardown, isAtRest, unrest } from './rest'
import { LIFE_STEPS } from './steps'
import { createWorld, type Sabotage, type World } from './world'

/** Virtual time in which everything must have drained once all has healed: the longest pauses of delivery and storage, and then some. */
const DRAIN_MS = 300_000
/** Longer than Socket.IO's ping interval and timeout. */
const HEARTBEAT_MS = 46_000
const MAX_EVENTS = 60_000

export interface Outcome {
  readonly plan: Plan
  readonly failure: { readonly invariant: string; readonly problem: string } | null
  readonly trace: readonly string[]
  readonly hash: string
  readonly reached: ReadonlyMap<string, number>
  readonly messages: number
}

const STEPS = { ...LIFE_STEPS, ...FAULT_STEPS }

/** Runs until `until`, one event after the other, with a look at everything after each. */
async function run(world: World, watch: Watch, until: number, isDone: () => boolean = () => false): Promise<void> {
  const { clock } = world
  await clock.flush()
  watch.check()
  for (let events = 0; clock.nextDue !== null && clock.nextDue <= until && !isDone(); events++) {
    require(events < MAX_EVENTS, 'I15', () => 'too many events: something goes round in circles')
    await clock.advance(Math.max(0, clock.nextDue - clock.monotonic()))
    watch.check()
  }
  if (clock.monotonic() < until && !isDone()) await clock.advance(until - clock.monotonic())
}

function perform(world: World, plan: Plan, index: number): void {
  const step = plan.steps[index]
  if (!step) return
  world.log(`-- ${step.kind} ${step.slot}`)
  world.reach(step.kind)
  STEPS[step.kind as keyof typeof STEPS]?.(world, step)
}

/** All faults end, everybody comes back, and each account gets one fresh tab. */
function heal(world: World): void {
  world.log('-- heal')
  for (const end of [...world.endings]) end()
  for (const { disk } of world.browsers.values()) disk.heal()
  world.server.start()
  for (const tab of world.living) tab.env.network.heal()
  for (const { name, accounts } of world.browsers.values()) {
    for (const [i, userId] of [...accounts].entries()) {
      // The page that was there stays in the background: only its slot goes to the fresh one.
      world.open(`${name}${i + 1}` as Slot, userId)
    }
  }
  for (const tab of world.living) {
    const userId = tab.userId()
    if (userId !== null) world.signIn(tab, userId)
  }
}

async function teardown(world: World, watch: Watch): Promise<void> {
  for (const tab of world.living) tab.store.dispatch(tab.chat.actions.signOut())
  await run(world, watch, world.clock.monotonic() + 10_000)
  checkTeardown(world)
}

async function live(world: World, watch: Watch): Promise<void> {
  const { plan, clock } = world
  world.open('a1')
  world.open('b1')
  for (const [i, step] of plan.steps.entries()) {
    await run(world, watch, Math.max(step.at, clock.monotonic()))
    perform(world, plan, i)
    watch.check()
  }
  heal(world)
  // A link that died unnoticed is noticed by its heartbeat; then what it missed is caught up.
  await run(world, watch, clock.monotonic() + HEARTBEAT_MS)
  await run(world, watch, clock.monotonic() + DRAIN_MS, () => isAtRest(world))
  require(isAtRest(world), 'I15', () => `did not drain: ${unrest(world)}`)
  // What is still on its way (a removal of a record, a receipt) arrives.
  await run(world, watch, clock.monotonic() + 5_000)
  require(isAtRest(world), 'I15', () => `did not stay at rest: ${unrest(world)}`)
  checkRest(world, watch)
  await teardown(world, watch)
}

/** Runs one plan; a broken promise, a throw or an unhandled rejection ends it. */
export async function simulate(plan: Plan, sabotage: Sabotage = {}): Promise<Outcome> {
  const world = createWorld(plan, sabotage)
  const watch = createWatch(world)
  let failure: Outcome['failure'] = null
  const unhandled = (reason: unknown): void => { failure ??= { invariant: 'I7', problem: `unhandled rejection: ${String(reason)}` } }
  process.on('unhandledRejection', unhandled)
  try {
    await live(world, watch)
  } catch (reason) {
    failure = reason instanceof Violation
      ? { invariant: reason.invariant, problem: reason.problem }
      : { invariant: 'I7', problem: `it threw: ${reason instanceof Error ? reason.stack : String(reason)}` }
  } finally {
    process.off('unhandledRejection', unhandled)
    for (const tab of [...world.living]) world.end(tab)
  }
  const hash = createHash('sha256').update(world.lines.join('\n')).digest('hex').slice(0, 16)
  return { plan, failure, trace: world.lines, hash, reached: world.reached, messages: world.ledger.composed.size }
}

export const simulateSeed = (seed: number): Promise<Outcome> => simulate(makePlan(seed))
