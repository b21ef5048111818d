/*
 * `npm run bench [-- <part>...] [--quick] [--guard]`: the budgets of the design as ratios to real peers, measured in the same run. Prints a
 * table and writes JSON (to BENCH_JSON, or into node_modules/.cache). A figure never fails it, except with `--guard`: when it falls through
 * its floor. A part that breaks, or that is not done in time, is named and does fail it; the others are measured all the same.
 */
process.env['NODE_ENV'] = 'production'

import { fork, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { BUILT, bundle, CACHE, ROOT } from './build'
import { check } from './guard'
import { table, type Line } from './lines'
import { PARTS } from './parts'
import type { Answer } from './worker'

const flags = process.argv.slice(2)
const isQuick = flags.includes('--quick')
const wanted = flags.filter((flag) => !flag.startsWith('--'))

/** What one part may take before it is ended: much more than it does take, on a busy machine too. */
const MOST_MS = isQuick ? 120_000 : 900_000

/** The first thing that a child says. One that says nothing is ended, so that a peer that is slower than expected never hangs the run. */
const told = <T>(child: ChildProcess, mostMs: number): Promise<T> => new Promise((resolve, reject) => {
  const limit = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`not done within ${mostMs / 1_000} s`))
  }, mostMs)
  child.once('message', (said) => {
    clearTimeout(limit)
    resolve(said as T)
  })
  child.once('exit', (code, signal) => {
    clearTimeout(limit)
    reject(new Error(`the process ended with ${String(code ?? signal)}`))
  })
})

/** A young generation that a whole round fits into makes allocations countable; the others keep Node's own. */
const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = { steps: ['--min-semi-space-size=512', '--max-semi-space-size=512'] }

const seconds = (start: number): string => `${((performance.now() - start) / 1_000).toFixed(1)} s`

async function measure(part: string, url: string): Promise<readonly Line[]> {
  const start = performance.now()
  process.stderr.write(`${part}: `)
  const child = fork(`${BUILT}/worker.js`, [part, JSON.stringify({ url, isQuick, root: ROOT, built: BUILT })], {
    execArgv: ['--expose-gc', ...NODE_FLAGS[part] ?? []],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  try {
    const { lines } = await told<Answer>(child, MOST_MS)
    process.stderr.write(`${seconds(start)}\n`)
    return lines
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(`FAILED after ${seconds(start)}: ${reason}\n`)
    failed.push(`${part}: ${reason}`)
    return []
  }
}

const unknown = wanted.find((part) => !(part in PARTS))
if (unknown !== undefined) throw new Error(`unable to measure "${unknown}": there is no such part; there are ${Object.keys(PARTS).join(', ')}`)

const failed: string[] = []
const began = performance.now()
await bundle()
process.stderr.write(`bundles: ${seconds(began)}\n`)
const server = fork(`${BUILT}/server.js`, [], { execArgv: [], env: { ...process.env, NODE_ENV: 'production' } })
const lines: Line[] = []
try {
  const url = `http://127.0.0.1:${await told<number>(server, MOST_MS)}`
  for (const part of Object.keys(PARTS)) if (wanted.length === 0 || wanted.includes(part)) lines.push(...await measure(part, url))
} finally {
  server.removeAllListeners('exit')
  server.disconnect()
}
process.stderr.write(`in all: ${seconds(began)}\n`)

const file = process.env['BENCH_JSON'] ?? `${CACHE}/results.json`
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, `${JSON.stringify({
  at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, isQuick, failed, lines,
}, null, 2)}\n`)
process.stdout.write(`${table(lines)}\n\n${file}\n`)
for (const reason of failed) process.stdout.write(`unable to measure ${reason}\n`)
if (failed.length > 0) process.exitCode = 1
if (flags.includes('--guard')) process.exitCode = Math.max(check(lines, wanted.length === 0), failed.length > 0 ? 1 : 0)
