import { createSeededRandom } from '../../src/testing/seeded'

export const ME = 'alice'
/** Server time of the first message, in milliseconds; each later one is at least a millisecond younger, so that every system can order them. */
export const EPOCH = 1_700_000_000_000

/** A message as the server committed it. `key` is the name that the trace uses; each system maps it to its own ids. */
export interface Committed {
  readonly key: string
  readonly userId: string
  readonly seq: number
  readonly at: number
}

export type Fact =
  /** I send; `at` is my clock, which may be wrong by some seconds. */
  | { readonly kind: 'compose'; readonly key: string; readonly at: number }
  /** The answer to my send: an HTTP response or an acknowledgement, on its way independently of the socket's events. */
  | { readonly kind: 'ack'; readonly message: Committed }
  /** The socket's events, to every member, me included; more than one is a burst. */
  | { readonly kind: 'echo'; readonly messages: readonly Committed[] }
  /** `userId` has read everything up to `message`. */
  | { readonly kind: 'read'; readonly userId: string; readonly message: Committed }

/** `ordered`: the socket's events come in commit order, each once. `reordered`: they may overtake each other and come again. */
export type Family = 'ordered' | 'reordered'

export interface Trace {
  readonly seed: number
  readonly family: Family
  readonly log: readonly Committed[]
  /** The same facts in two orders that causality allows. */
  readonly orders: readonly [readonly Fact[], readonly Fact[]]
}

type Random = () => number

const below = (random: Random, limit: number): number => Math.floor(random() * limit)

function commit(random: Random): Committed[] {
  let at = EPOCH
  return Array.from({ length: 2 + below(random, 7) }, (_, i) => {
    at += 1 + below(random, 500)
    return { key: `m${i + 1}`, userId: random() < 0.5 ? ME : 'bob', seq: i + 1, at }
  })
}

/** The messages that a fact shows to be committed. */
export const messagesOf = (fact: Fact): readonly Committed[] =>
  fact.kind === 'compose' ? [] : fact.kind === 'echo' ? fact.messages : [fact.message]

/** Cuts a list into runs of one to three. */
function runsOf(log: readonly Committed[], random: Random): readonly Committed[][] {
  const runs: Committed[][] = []
  for (let at = 0; at < log.length;) {
    const run = log.slice(at, at + 1 + below(random, 3))
    runs.push(run)
    at += run.length
  }
  return runs
}

interface Lane { readonly facts: readonly Fact[]; readonly after: readonly Fact[] }

/** Runs of facts whose inner order is fixed; each begins when what it depends on has happened. */
function lanesOf(log: readonly Committed[], family: Family, random: Random): Lane[] {
  const own = log.filter(({ userId }) => userId === ME)
  // I dispatch in the order in which my messages are committed.
  const composed = own.map(({ key, at }): Fact => ({ kind: 'compose', key, at: at - 300 + below(random, 200) }))
  const composeOf = ({ key }: Committed) => composed.filter((fact) => fact.kind === 'compose' && fact.key === key)
  const acks = own.map((message): Lane => ({ facts: [{ kind: 'ack', message }], after: composeOf(message) }))
  const echo = (...messages: readonly Committed[]): Fact => ({ kind: 'echo', messages })
  const bursts = runsOf(log, random).map((run): Fact => echo(...run))
  const reads = log.filter(() => random() < 0.3).map((message): Fact => ({ kind: 'read', userId: 'bob', message }))
  const compose: Lane = { facts: composed, after: [] }
  if (family === 'ordered') {
    const events = [...bursts, ...reads]
    return [compose, ...acks, { facts: events, after: [] }]
  }
  const loose = [...log.flatMap((message) => Array.from({ length: 1 + below(random, 2) }, () => echo(message))), ...bursts.filter(() => random() < 0.3), ...reads]
  return [compose, ...acks, ...loose.map((fact): Lane => ({ facts: [fact], after: [] }))]
}

/** My message must have been sent before anything that the server ordered behind it can be heard. */
function isReady(fact: Fact, lane: Lane, done: ReadonlySet<Fact>, log: readonly Committed[], composed: ReadonlySet<string>): boolean {
  if (!lane.after.every((other) => done.has(other))) return false
  if (fact.kind === 'compose') return true
  const newest = Math.max(...messagesOf(fact).map(({ seq }) => seq))
  return log.every(({ key, userId, seq }) => userId !== ME || seq > newest || composed.has(key))
}

function interleave(lanes: readonly Lane[], log: readonly Committed[], random: Random): Fact[] {
  const left = lanes.map((lane) => ({ lane, next: 0 }))
  const order: Fact[] = []
  const done = new Set<Fact>()
  const composed = new Set<string>()
  for (;;) {
    const ready = left.flatMap((each) => {
      const fact = each.lane.facts[each.next]
      return fact && isReady(fact, each.lane, done, log, composed) ? [{ each, fact }] : []
    })
    const chosen = ready[below(random, ready.length)]
    if (!chosen) return order
    chosen.each.next++
    done.add(chosen.fact)
    if (chosen.fact.kind === 'compose') composed.add(chosen.fact.key)
    order.push(chosen.fact)
  }
}

export function createTrace(seed: number, family: Family): Trace {
  const random = createSeededRandom(`${family}:${seed}`)
  const log = commit(random)
  const lanes = lanesOf(log, family, random)
  return { seed, family, log, orders: [interleave(lanes, log, random), interleave(lanes, log, random)] }
}

export const describeFact = (fact: Fact): string =>
  fact.kind === 'compose' ? `compose ${fact.key}`
    : `${fact.kind} ${messagesOf(fact).map(({ key }) => key).join('+')}${fact.kind === 'read' ? ` by ${fact.userId}` : ''}`
