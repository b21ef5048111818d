import type { TestPage } from '../test-page'
import { play } from './operations'
import { findViolations, type Seen } from './oracle'
import { bringToRest, settle } from './rest'
import { within } from './trace'
import { createWorld, type Engine, type World } from './world'

export interface Outcome {
  /** Figures, in one line. */
  readonly summary: string
  /** Empty when all promises were kept. */
  readonly violations: readonly string[]
  readonly trace: readonly string[]
}

/** A round that has not ended by then never will. */
const ROUND_MS = 150_000
const BEGIN_MS = 60_000
const END_MS = 30_000
export const ROUND_TIMEOUT_MS = BEGIN_MS + ROUND_MS + END_MS + 10_000

/** One seed's round. One that cannot be played to its end is broken too, and says where it stands. */
export async function playRound(id: string, engine: Engine, page: TestPage): Promise<Outcome> {
  const startedAt = Date.now()
  const world = await within(BEGIN_MS, () => `the start of the server and the browser for ${id}`, createWorld(id, engine, page))
  const outcome = (seen: Seen | null, violations: readonly string[]): Outcome =>
    ({ summary: summarise(world, seen, Date.now() - startedAt), violations, trace: world.trace.lines() })
  let result: Outcome
  try {
    const seen = await within(ROUND_MS, () => `the round, which stands at "${world.trace.last()}"`, toTheEnd(world))
    result = outcome(seen, findViolations(world, seen))
  } catch (error) {
    result = outcome(null, [`unable to finish the round at "${world.trace.last()}": ${textOf(error)}`, ...world.troubles])
  }
  const problem = await within(END_MS, () => 'the end of the browser, the network and the server', world.close()).then(() => [], (error: unknown) => [textOf(error)])
  return { ...result, violations: [...result.violations, ...problem] }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.stack ?? error.message : String(error))

async function toTheEnd(world: World): Promise<Seen> {
  await play(world)
  await bringToRest(world)
  return settle(world)
}

function summarise({ title, ledger, server, lives, trace }: World, seen: Seen | null, ms: number): string {
  const log = server.committed()
  const committed = new Set(log.map(({ id }) => id))
  const gone = [...ledger.dispatched.keys()].filter((id) => !committed.has(id))
  return `monkey ${title}: ${trace.lines().length} lines of trace in ${Math.round(ms / 1_000)} s; dispatched ${ledger.dispatched.size}, stored ${ledger.stored.size}, committed ${log.length}, `
    + `gone before they were stored ${gone.filter((id) => !ledger.stored.has(id)).length}; sent by more than one tab ${sentByMany(server.arrivals())}; `
    + `pages frozen ${lives.frozen}, brought back as they were ${lives.restored}; ${seen?.hasRetried ? 'the user retried what was taken over' : 'nothing was left to the user'}`
}

function sentByMany(arrivals: ReturnType<World['server']['arrivals']>): number {
  const senders = new Map<string, Set<string>>()
  for (const arrival of arrivals) {
    if (arrival.kind === 'sent') senders.set(arrival.id, (senders.get(arrival.id) ?? new Set()).add(arrival.tab))
  }
  return [...senders.values()].filter(({ size }) => size > 1).length
}
