/*
 * `npm run bench [-- <part>...] [--quick] [--guard]`: the budgets of the design as ratios to real peers, measured in the same run. Prints a
 * table and writes JSON (to BENCH_JSON, or into node_modules/.cache). Never fails, except with `--guard`: when a ratio falls through its floor.
 */
process.env['NODE_ENV'] = 'production'

import { fork, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { BUILT, bundle, CACHE } from './build'
import { check } from './guard'
import { table, type Line } from './lines'
import { PARTS } from './parts'
import type { Answer } from './worker'

const flags = process.argv.slice(2)
const isQuick = flags.includes('--quick')
const wanted = flags.filter((flag) => !flag.startsWith('--'))

const told = <T>(child: ChildProcess): Promise<T> => new Promise((resolve, reject) => {
  child.once('message', (said) => resolve(said as T))
  child.once('exit', (code) => reject(new Error(`unable to measure: the process ended with ${String(code)}`)))
})

/** A young generation that a whole round fits into makes allocations countable; the others keep Node's own. */
const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = { steps: ['--min-semi-space-size=512', '--max-semi-space-size=512'] }

async function measure(part: string, url: string): Promise<readonly Line[]> {
  const start = performance.now()
  const child = fork(`${BUILT}/worker.js`, [part, JSON.stringify({ url, isQuick, built: BUILT })], {
    execArgv: ['--expose-gc', ...NODE_FLAGS[part] ?? []],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const { lines } = await told<Answer>(child)
  process.stderr.write(`${part}: ${((performance.now() - start) / 1_000).toFixed(1)} s\n`)
  return lines
}

const unknown = wanted.find((part) => !(part in PARTS))
if (unknown !== undefined) throw new Error(`unable to measure "${unknown}": there is no such part; there are ${Object.keys(PARTS).join(', ')}`)

await bundle()
const server = fork(`${BUILT}/server.js`, [], { execArgv: [], env: { ...process.env, NODE_ENV: 'production' } })
const lines: Line[] = []
try {
  const url = `http://127.0.0.1:${await told<number>(server)}`
  for (const part of Object.keys(PARTS)) if (wanted.length === 0 || wanted.includes(part)) lines.push(...await measure(part, url))
} finally {
  server.removeAllListeners('exit')
  server.disconnect()
}

const file = process.env['BENCH_JSON'] ?? `${CACHE}/results.json`
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, `${JSON.stringify({
  at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, isQuick, lines,
}, null, 2)}\n`)
process.stdout.write(`${table(lines)}\n\n${file}\n`)
if (flags.includes('--guard')) process.exitCode = check(lines)
