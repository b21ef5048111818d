/* `npm run soak`: hours of use in minutes; whatever grows is named, and fails the run. SOAK_SCALE=0.01 for a quick one. */
process.env['NODE_ENV'] = 'production'

import type { Outcome } from './phases'
import { hasGrown, type Trend } from './samples'

const { cycles, inbound, sends } = await import('./phases')
const { mounts } = await import('./mounts')

if (!globalThis.gc) throw new Error('unable to measure the heap: run node with --expose-gc, as `npm run soak` does')

const scale = Number(process.env['SOAK_SCALE'] ?? 1)
const only = process.argv[2]
/** A heap of this size moves by half a megabyte without a leak. */
const HEAP_NOISE = 1_000_000
const STATE_NOISE = 20_000

// One event in 25 is said while the client is away and comes by catch-up: a million come live.
const phases: readonly (readonly [name: string, run: (count: number) => Promise<Outcome>, count: number])[] = [
  ['inbound', inbound, 1_050_000], ['cycles', cycles, 10_000], ['mounts', mounts, 10_000], ['sends', sends, 20_000],
]

/** What grew, or was left behind. An error may be left where bad payloads were sent. */
function problemsOf({ what, heap, state, left }: Outcome): readonly string[] {
  const { errors, ...leftovers } = left
  return [
    ...(hasGrown(heap, HEAP_NOISE) ? [`heap (${what})`] : []),
    ...(hasGrown(state, STATE_NOISE) ? [`state (${what})`] : []),
    ...(errors > 1 ? [`errors (${what}: ${errors})`] : []),
    ...Object.entries(leftovers).filter(([, count]) => count > 0).map(([name, count]) => `${name} (${what}: ${count})`),
  ]
}

const show = ({ before, after }: Trend, unit: number): string => `${(before / unit).toFixed(1)} -> ${(after / unit).toFixed(1)}`

const cells = ({ what, count, seconds, done, heap, state, left }: Outcome): readonly string[] => [
  `${count.toLocaleString('en')} ${what}`, `${seconds.toFixed(0)} s`, ...done.map((each) => each.toLocaleString('en')), show(heap, 1_000_000), show(state, 1_000),
  ...Object.values(left).map(String),
]

const HEAD = ['what', 'took', 'applied', 'connections', 'acks', 'heap MB, 2nd -> 4th quarter', 'state kB', 'timers', 'listeners', 'sockets', 'locks', 'errors', 'unsent', 'records']

function table(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n')
}

const outcomes: Outcome[] = []
for (const [name, run, count] of phases) {
  if (only === undefined || only === name) outcomes.push(await run(Math.ceil(count * scale)))
}
const problems = outcomes.flatMap(problemsOf)
process.stdout.write(`${table([HEAD, ...outcomes.map(cells)])}\n${problems.length === 0 ? 'OK' : `GREW: ${problems.join(', ')}`}\n`)
process.exitCode = problems.length === 0 ? 0 : 1
