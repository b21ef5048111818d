/**
 * Proves that the tests notice bugs: applies each mutant to a copy of the working tree and runs the guarantees against it.
 * `npm run mutants` runs all; words after it (`npm run mutants -- G6 lock`) choose those whose promise, name or file has one of them.
 * `-- --trust`: the tests have just passed without any mutant, and are not asked again.
 * `npm run mutants -- --sim` lets the simulation alone judge those of delivery, merge, persistence, tabs and session.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutants, type Mutant } from './mutants'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Run one after the other: what takes long only when nothing else has noticed. */
const SLOW = 'test/guarantees/convergence.test.ts'
const STAGES = [['test/policy', 'test/guarantees', 'test/persistence', '--exclude', SLOW], [SLOW, 'test/simulation']]
const WORKERS = 2
const TIMEOUT_MS = 300_000
const TEST_TIMEOUT_MS = 60_000

/** The test that noticed a mutant: asked first the next time, which takes seconds where all of them take a minute. */
interface Witness { readonly file: string; readonly test: string }

const MEMORY = fileURLToPath(new URL('caught-by.json', import.meta.url))
const keyOf = ({ file, name }: Mutant): string => `${file}: ${name}`
const remembered = JSON.parse(readFileSync(MEMORY, 'utf8')) as Record<string, Witness>

interface Verdict { readonly caughtBy: string | null; readonly witness?: Witness | undefined }

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message?: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** Every file that git knows or would take, as it is now. */
function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redux-chat-mutants-'))
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], { cwd: ROOT, encoding: 'utf8' })
  const deleted = new Set(execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: ROOT, encoding: 'utf8' }).split('\0'))
  for (const file of listed.split('\0')) if (file && !deleted.has(file)) cpSync(join(ROOT, file), join(folder, file))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

function mutated(folder: string, { file, find, replace, name }: Mutant): { readonly original: string; readonly text: string } {
  const original = readFileSync(join(folder, file), 'utf8')
  const found = original.split(find).length - 1
  if (found !== 1) throw new Error(`unable to apply "${name}": its text occurs ${found} times in ${file}, not once; mend test/mutants/mutants.ts`)
  return { original, text: original.replace(find, () => replace) }
}

function firstFailure(folder: string, reportFile: string): Verdict {
  let report: Report
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report
  } catch {
    return { caughtBy: 'the run itself (no report)' }
  }
  for (const { name, assertionResults } of report.testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed) return { caughtBy: failed.fullName, witness: { file: relative(folder, name), test: failed.fullName } }
  }
  return { caughtBy: report.testResults.find(({ status }) => status === 'failed')?.message?.split('\n')[0] ?? 'an uncaught error' }
}

/** What the simulation is for. */
const SIMULATED = /effects\/(delivery|outcomes|sync|session|renewal|recovery|engine|link)|state\/(outbox|channel|messages)|policy\/(outbox|timeline|status)|persistence\//
const SIM_SEEDS = 300

function runSimulation(folder: string): Promise<Verdict> {
  const args = ['--import', 'tsx', 'test/simulation/run.ts', '--seeds', String(SIM_SEEDS), '--bail', '--no-shrink']
  return run(args, folder, (output) => ({ caughtBy: /(regression|seed) \S+ broke I\d+/.exec(output)?.[0] ?? 'an uncaught error' }))
}

/** Nobody noticed when the program ends well; otherwise what `explain` makes of its output. */
function run(args: readonly string[], folder: string, explain: (output: string) => Verdict): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    // Nothing is tried twice: a test that fails has noticed.
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, CI: '' } })
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

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Who notices it, if anybody. A run that hangs is noticed too. */
async function runTests(folder: string, first?: Witness): Promise<Verdict> {
  if (bySimulation) return runSimulation(folder)
  const asked = first ? [[first.file, '-t', `^${literally(first.test)}$`]] : []
  for (const stage of [...asked, ...STAGES]) {
    const verdict = await runStage(folder, stage)
    if (verdict.caughtBy !== null) return verdict
  }
  return { caughtBy: null }
}

function runStage(folder: string, stage: readonly string[]): Promise<Verdict> {
  const report = join(folder, 'mutant-report.json')
  rmSync(report, { force: true })
  const args = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...stage, '--bail=1', '--maxWorkers=1', '--passWithNoTests',
    `--testTimeout=${TEST_TIMEOUT_MS}`, '--reporter=json', `--outputFile=${report}`]
  return run(args, folder, () => firstFailure(folder, report))
}

async function judge(folder: string, mutant: Mutant): Promise<Verdict> {
  const path = join(folder, mutant.file)
  const { original, text } = mutated(folder, mutant)
  writeFileSync(path, text)
  try {
    return await runTests(folder, remembered[keyOf(mutant)])
  } finally {
    writeFileSync(path, original)
  }
}

/** Those that are still there, in the order of the list. */
function remember(): void {
  const known = mutants.flatMap((mutant) => {
    const witness = remembered[keyOf(mutant)]
    return witness ? [[keyOf(mutant), witness]] : []
  })
  writeFileSync(MEMORY, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`)
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const isTrusting = process.argv.includes('--trust')
const bySimulation = process.argv.includes('--sim')
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const isChosen = ({ promise, name, file }: Mutant): boolean =>
  (!bySimulation || SIMULATED.test(file)) &&
  (words.length === 0 || words.some((word) => promise === word || name.includes(word) || file.includes(word)))

async function main(): Promise<number> {
  const queue = mutants.filter(isChosen)
  const folders = Array.from({ length: Math.min(WORKERS, Math.max(1, queue.length)) }, copyTree)
  const survivors: Mutant[] = []
  let caught = 0
  const work = async (folder: string): Promise<void> => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const { caughtBy, witness } = await judge(folder, mutant)
      if (witness) remembered[keyOf(mutant)] = witness
      if (caughtBy === null) survivors.push(mutant)
      else caught++
      print(`${caughtBy === null ? 'SURVIVED' : 'caught  '}  ${mutant.promise.padEnd(3)}  ${mutant.name}  [${mutant.file}]${caughtBy === null ? '' : `  <- ${caughtBy}`}`)
    }
  }
  try {
    for (const mutant of queue) mutated(folders[0] ?? '', mutant)
    const { caughtBy: broken } = isTrusting ? { caughtBy: null } : await runTests(folders[0] ?? '')
    if (broken !== null) throw new Error(`unable to judge mutants: the tests fail without any: ${broken}`)
    await Promise.all(folders.map(work))
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    remember()
  }
  print(`\n${caught} caught, ${survivors.length} survived`)
  for (const { promise, name, file } of survivors) print(`  survived: ${promise} ${name} [${file}]`)
  return survivors.length === 0 ? 0 : 1
}

process.exitCode = await main()
