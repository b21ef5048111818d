import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isProperty, SIM_SEEDS, type Witness } from './judges'

const TIMEOUT_MS = 300_000
const TEST_TIMEOUT_MS = 60_000

/** `caughtBy`, for people: null when nobody noticed. `witness`: whom to ask first the next time. */
export interface Verdict { readonly caughtBy: string | null; readonly by?: Witness['by']; readonly witness?: Witness }

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message?: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** Nobody noticed when the program ends well; otherwise what `explain` makes of its output. A run that hangs is noticed too. */
function run(args: readonly string[], folder: string, explain: (output: string) => Verdict, env: NodeJS.ProcessEnv = {}): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    // Nothing is tried twice: a test that fails has noticed.
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, CI: '', ...env } })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => { output += String(chunk) })
    child.stderr.on('data', (chunk: Buffer) => { output += String(chunk) })
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, TIMEOUT_MS)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      resolve(code === 0 ? { caughtBy: null } : signal ? { caughtBy: 'a run that does not end' } : explain(output))
    })
  })
}

/** The plan that is named first, then the regressions and as many seeds. */
export async function askSimulation(folder: string, first: string | null = null, seeds = SIM_SEEDS): Promise<Verdict> {
  const args = ['--import', 'tsx', 'test/simulation/run.ts', '--seeds', String(seeds), '--bail', '--no-shrink', ...(first === null ? [] : ['--first', first])]
  const verdict = await run(args, folder, (output) => {
    const [said = null, plan] = /(?:regression|seed) (\S+) broke I\d+/.exec(output) ?? []
    return plan === undefined ? { caughtBy: `an uncaught error: ${output.slice(-200)}` } : { caughtBy: said, witness: { by: 'simulation', plan } }
  })
  return verdict.caughtBy === null ? verdict : { ...verdict, by: 'simulation' }
}

function firstFailure(folder: string, reportFile: string, seed: number): Verdict {
  let report: Report
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report
  } catch {
    return { caughtBy: 'the run itself (no report)' }
  }
  for (const { name, assertionResults } of report.testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (!failed) continue
    const found = { file: relative(folder, name), test: failed.fullName }
    return { caughtBy: found.test, witness: isProperty(found) ? { by: 'property', ...found, seed } : { by: 'example', ...found } }
  }
  return { caughtBy: report.testResults.find(({ status }) => status === 'failed')?.message?.split('\n')[0] ?? 'an uncaught error' }
}

/** The tests that `filter` chooses, until the first one fails. `by`: what they are, should the run end without naming one. `seed`: of what properties draw. */
export async function askTests(folder: string, filter: readonly string[], by: Witness['by'], seed = randomInt(2 ** 31)): Promise<Verdict> {
  const report = join(folder, 'mutant-report.json')
  rmSync(report, { force: true })
  const args = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...filter, '--bail=1', '--maxWorkers=1', '--passWithNoTests',
    `--testTimeout=${TEST_TIMEOUT_MS}`, '--reporter=json', `--outputFile=${report}`]
  const verdict = await run(args, folder, () => firstFailure(folder, report, seed), { PROPERTY_SEED: String(seed) })
  return verdict.caughtBy === null ? verdict : { ...verdict, by: verdict.witness?.by ?? by }
}
