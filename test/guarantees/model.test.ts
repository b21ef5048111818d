import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  apply, commit, compose, crash, createWorld, echo, emit, logOf, ME, reports, restore, write, type Tracked, type World,
} from '../support/model-world'
import { plans, runOf, schedule, type Plan } from '../support/model-steps'
import { checkAtRest, createWatch, selectUnreadCount, shownIn } from '../support/model-watch'

const RUNS = Number(process.env['MODEL_RUNS'] ?? 5_000)
/** A run of fewer is a mutation run, which plays this file a thousand times over. */
const isFull = RUNS >= 1_000

/** Shrinking tries thousands of smaller plans; this many are enough for a short trace. */
const MAX_SHRINKS = isFull ? 500 : 1
let triesAfterFailure = 0
const reached = new Map<string, number>()

function play(plan: Plan): void {
  if (triesAfterFailure > 0 && ++triesAfterFailure > MAX_SHRINKS) return
  const run = runOf(plan)
  const watch = createWatch(run)
  const trace: string[] = []
  try {
    for (const step of schedule(run, plan.picks)) {
      trace.push(step.name)
      const [kind = ''] = step.name.split(' ')
      reached.set(kind, (reached.get(kind) ?? 0) + 1)
      watch(step)
    }
    checkAtRest(run)
  } catch (error) {
    triesAfterFailure ||= 1
    throw new Error(`${String(error)}\nafter: ${trace.join(', ')}`, { cause: error })
  }
}

/** Everything about one message, in the order in which the real world begins: composed, sent, committed, and asked for. */
const PRELUDE = ['compose m0', 'emit m0', 'commit m0', 'ask newer of general']

const one: Plan = {
  channels: 1, seqs: true, pageSize: 6, copies: 0, crashes: 1, cuts: 0, picks: [],
  messages: [{ channel: 0, own: true, copies: 0, discard: false }],
  receipts: [
    { channel: 0, kind: 'delivered', userId: 'bob', place: 0, byId: false }, { channel: 0, kind: 'read', userId: 'bob', place: 0, byId: true },
  ],
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield []
  for (const [i, item] of items.entries()) {
    for (const rest of permutations([...items.slice(0, i), ...items.slice(i + 1)])) yield [item, ...rest]
  }
}

/** Plays the named facts; one whose time has not come is left out, as `schedule` does. Returns what ran. */
function playNames(names: readonly string[]): string {
  const run = runOf(one)
  const watch = createWatch(run)
  const left = [...run.steps]
  const ran: string[] = []
  for (const name of names) {
    const at = left.findIndex((step) => step.name === name && step.can(run.world))
    const [step] = at === -1 ? [] : left.splice(at, 1)
    if (!step) continue
    step.run(run.world)
    watch(step)
    ran.push(name)
  }
  checkAtRest(run)
  const rest = shownIn(run.world, 'general').map(({ status, seq }) => `${status}:${seq}`).join(' ')
  if (rest !== (ran.includes('crash') ? 'sent:1' : 'read:1')) throw new Error(`at rest: ${rest} after ${ran.join(', ')}`)
  return ran.join()
}

/** Without a crash a retry does something only between the failure and the first proof of a commit; elsewhere it is left out, as at the end. */
function isDistinct(order: readonly string[]): boolean {
  const before = order.slice(0, order.indexOf('retry m0'))
  return before.length === order.length - 1 || (before.includes('fail m0') && !before.some((name) => /^(ack|echo|page)/.test(name)))
}

const orders = (facts: readonly string[], wanted: (order: readonly string[]) => boolean = () => true): number =>
  new Set([...permutations(facts)].filter(wanted).map((order) => playNames([...PRELUDE, ...order]))).size

describe('model: facts in any order and any multiplicity', () => {
  it(`G2 G4 G5 I2 I3 I4 I10: ${RUNS} schedules converge to what the facts say, and hold at every step`, () => {
    triesAfterFailure = 0
    fc.assert(fc.property(plans, play), { numRuns: RUNS })
    // A fact that never comes proves nothing.
    const kinds = ['compose', 'emit', 'commit', 'ack', 'echo', 'delay', 'fail', 'retry', 'discard', 'markRead', 'delivered', 'read', 'ask', 'page', 'crash', 'restore', 'cut', 'leave', 'write', 'stored']
    if (isFull) expect(kinds.filter((kind) => (reached.get(kind) ?? 0) < RUNS / 100)).toEqual([])
  }, 600_000)

  it.runIf(isFull)('G4 G5: one message, every order of eight facts', () => {
    expect(orders(['ack m0', 'echo m0', 'delay m0', 'fail m0', 'retry m0', 'delivered by bob in general', 'read by bob in general', 'page newer of general'], isDistinct)).toBe(7_056)
  }, 600_000)

  it.runIf(isFull)('G1 G2 G5: one message, every order of seven facts with a crash among them', () => {
    expect(orders(['ack m0', 'echo m0', 'fail m0', 'retry m0', 'write', 'crash', 'restore'])).toBe(253)
  }, 600_000)
})

/** Flaws that the model found. */
describe('model: pinned', () => {
  const own = (channelId = 'general'): Tracked => ({ channelId, own: true, id: '', emits: 0, onTheWire: false, committed: null })
  const start = (messages: readonly Tracked[], pageSize = 6) => {
    const world = createWorld(['general'], true, pageSize)
    messages.forEach((message, i) => compose(world, message, `m${i}`))
    return world
  }
  const ids = (world: World) => shownIn(world, 'general').map(({ id }) => id)
  const foreign = (world: World, name: string) => {
    const message: Tracked = { ...own(), own: false, id: name }
    commit(world, message, 'bob', name)
    return message.committed ?? expect.fail('not committed')
  }

  it('G2: a stored message that is restored, or adopted, after its echo is shown once', () => {
    const message = own()
    const world = start([message])
    write(world)
    emit(world, message)
    commit(world, message, ME, 'm0')
    crash(world, [message])
    if (message.committed) echo(world, message.committed)
    restore(world)
    expect(ids(world)).toEqual([message.id])
  })

  it('G3: dispatch order outlives a second crash right after the first restore', () => {
    const messages = [own(), own(), own()]
    const [first, second, third] = messages
    const world = start([])
    if (!first || !second || !third) return
    compose(world, first, 'm0')
    compose(world, second, 'm1')
    write(world)
    crash(world, messages)
    compose(world, third, 'm2')
    write(world)
    restore(world)
    crash(world, messages)
    restore(world)
    expect(ids(world)).toEqual([first.id, second.id, third.id])
  })

  it('G1: a message of mine on a page of history that came too late does not leave the view', () => {
    const message = own()
    const world = start([message])
    const early = foreign(world, 'early')
    emit(world, message)
    commit(world, message, ME, 'm0')
    const late = foreign(world, 'late')
    echo(world, late)
    echo(world, early)
    apply(world, reports.pageLoaded({
      channelId: 'general', direction: 'older', from: 3, page: { messages: logOf(world, 'general').slice(0, 2), receipts: [], latest: null, more: false },
    }))
    expect(ids(world)).toContain(message.id)
  })

  it('G1: a message of mine on a page that is skipped does not leave the view', () => {
    const message = own()
    const world = start([message])
    echo(world, foreign(world, 'first'))
    emit(world, message)
    commit(world, message, ME, 'm0')
    foreign(world, 'third')
    apply(world, reports.pageLoaded({
      channelId: 'general', direction: 'newer', from: 0, page: { messages: logOf(world, 'general').slice(0, 2), receipts: [], latest: 3, more: true },
    }))
    expect(ids(world)).toContain(message.id)
  })

  it('I10: a hole before the first message that is held is not unread: what is missing may be mine', () => {
    const world = start([])
    apply(world, reports.pageLoaded({ channelId: 'general', direction: 'newer', from: 0, page: { messages: [], receipts: [], latest: 0, more: false } }))
    const message = own()
    compose(world, message, 'm0')
    emit(world, message)
    commit(world, message, ME, 'm0')
    echo(world, foreign(world, 'theirs'))
    expect(selectUnreadCount({ chat: world.state }, 'general')).toBe(1)
  })
})
