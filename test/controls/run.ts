/* `npm run controls [traces]`: the same traces on our reducer and on other people's code, under one checker. */
import { checkTrace, describeViolation, INVARIANTS, type Invariant, type Violation } from './check'
import { mattermost } from './mattermost'
import { ours } from './ours'
import { stream } from './stream'
import type { System } from './systems'
import { createTrace, type Family, type Trace } from './trace'

const TRACES = Number(process.argv[2] ?? 1_000)
const families: readonly Family[] = ['ordered', 'reordered']
const write = (line: string): void => void process.stdout.write(`${line}\n`)

interface Tally { readonly count: number; readonly seed: number; readonly shortest: Violation }

/** Counts the violated traces of each invariant; keeps the first seed and the shortest run that shows it. */
function tally(system: System, traces: readonly Trace[]): ReadonlyMap<Invariant, Tally> {
  const found = new Map<Invariant, Tally>()
  for (const trace of traces) {
    for (const violation of checkTrace(system, trace)) {
      const { count = 0, seed = trace.seed, shortest = violation } = found.get(violation.invariant) ?? {}
      const isShorter = violation.facts.length < shortest.facts.length
      found.set(violation.invariant, { count: count + 1, seed, shortest: isShorter ? violation : shortest })
    }
  }
  return found
}

function report(system: System, family: Family, traces: readonly Trace[]): number {
  const found = tally(system, traces)
  const counts = INVARIANTS.map((invariant) => String(found.get(invariant)?.count ?? 0).padStart(15))
  write(`${system.name.padEnd(24)}${family.padEnd(10)}${String(traces.length).padStart(7)}${counts.join('')}`)
  for (const [invariant, { seed, shortest }] of found) {
    examples.push(`${system.name}, ${family}, ${invariant}: first seed ${seed}; shortest: ${describeViolation(shortest)}`)
  }
  return [...found.values()].reduce((sum, { count }) => sum + count, 0)
}

const examples: string[] = []
const totals = new Map<string, number>()
write(`${'system'.padEnd(24)}${'socket'.padEnd(10)}${'traces'.padStart(7)}${INVARIANTS.map((name) => name.padStart(15)).join('')}`)
for (const family of families) {
  const traces = Array.from({ length: TRACES }, (_, seed) => createTrace(seed, family))
  for (const system of [ours, mattermost, stream]) totals.set(system.name, (totals.get(system.name) ?? 0) + report(system, family, traces))
}
write(`\n${examples.join('\n')}`)

const isOursClean = totals.get(ours.name) === 0
const showsSomething = [mattermost, stream].some(({ name }) => (totals.get(name) ?? 0) > 0)
if (!isOursClean) write('\nredux-chat violates an invariant')
if (!showsSomething) write('\nno control violates anything: the checker shows nothing')
process.exitCode = isOursClean && showsSomething ? 0 : 1
