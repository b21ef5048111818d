/**
 * Proves that the tests notice bugs: applies each mutant to a copy of the working tree and asks the simulation, the properties and then the examples.
 * `npm run mutants` runs all; words after it (`npm run mutants -- G6 lock`) choose those whose promise, name or file has one of them.
 * `-- --trust`: the tests have just passed without any mutant, and are not asked again.
 * `-- --generated` lets only the simulation and the properties judge; `-- --sim` the simulation alone, of what it is for.
 */
import { rmSync } from 'node:fs'
import { askSimulation, askTests, type Verdict } from './ask'
import { EXAMPLES, literally, QUICK_PROPERTIES, SLOW_PROPERTIES, type Witness } from './judges'
import { note, save, witnessOf } from './memory'
import type { Mutant } from './mutant'
import { mutants } from './mutants'
import { copyTree, mutated, withMutant } from './trees'

const WORKERS = Number(process.env['MUTANT_WORKERS'] ?? 2)
/** What the simulation is for. */
const SIMULATED = /effects\/(delivery|outcomes|sync|session|renewal|recovery|engine|link)|state\/(outbox|channel|messages)|policy\/(outbox|timeline|status)|persistence\//

const has = (flag: string): boolean => process.argv.includes(flag)
const isSimulationOnly = has('--sim')
const isGenerated = has('--generated')
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const isChosen = ({ promise, name, file }: Mutant): boolean =>
  (!isSimulationOnly || SIMULATED.test(file)) &&
  (words.length === 0 || words.some((word) => promise === word || name.includes(word) || file.includes(word)))

type Ask = (folder: string) => Promise<Verdict>

const askWitness = (witness: Witness): Ask => (folder) => (witness.by === 'simulation'
  ? askSimulation(folder, witness.plan, 0)
  : askTests(folder, [witness.file, '-t', `^${literally(witness.test)}$`], witness.by, witness.by === 'property' ? witness.seed : undefined))

/** Generated input first, the quick ones before the slow, the examples last. */
function judges(): readonly Ask[] {
  const simulation: Ask = (folder) => askSimulation(folder)
  if (isSimulationOnly) return [simulation]
  const properties = [QUICK_PROPERTIES, SLOW_PROPERTIES].map((filter): Ask => (folder) => askTests(folder, filter, 'property'))
  const examples: Ask = (folder) => askTests(folder, EXAMPLES, 'example')
  return [...properties, simulation, ...(isGenerated ? [] : [examples])]
}

const isAsked = (witness: Witness): boolean =>
  isSimulationOnly ? witness.by === 'simulation' : !(isGenerated && witness.by === 'example')

/** A tree that has a mutant, and the same without any. */
interface Trees { readonly mutant: string; readonly clean: string }

/** A test may fail for another reason than the bug, as one that times out on a busy machine: it has noticed when it does so again, and not without the bug. */
async function hasNoticed(witness: Witness, { mutant, clean }: Trees): Promise<boolean> {
  const ask = askWitness(witness)
  return (await ask(clean)).caughtBy === null && (await ask(mutant)).caughtBy !== null
}

async function judge(trees: Trees, known?: Witness): Promise<Verdict> {
  if (known && isAsked(known)) {
    const verdict = await askWitness(known)(trees.mutant)
    if (verdict.caughtBy !== null) return verdict
  }
  for (const ask of judges()) {
    // It stops at what fails first: when that has nothing to do with the bug, it is asked once more for what stands behind.
    for (let turn = 0; turn < 2; turn++) {
      const verdict = await ask(trees.mutant)
      if (verdict.caughtBy === null) break
      if (!verdict.witness || await hasNoticed(verdict.witness, trees)) return verdict
    }
  }
  return { caughtBy: null }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** How many each kind of judge noticed, and what nobody did. */
function summary(verdicts: ReadonlyMap<Mutant, Verdict>): readonly string[] {
  const count = (kind: Witness['by']): number => [...verdicts.values()].filter(({ by }) => by === kind).length
  const survivors = [...verdicts].filter(([, { caughtBy }]) => caughtBy === null).map(([mutant]) => mutant)
  return [
    `\n${count('simulation')} by the simulation, ${count('property')} by a property, ${count('example')} by an example only, ${survivors.length} survived`,
    ...survivors.map(({ promise, name, file }) => `  survived: ${promise} ${name} [${file}]`),
  ]
}

async function checkClean(folder: string): Promise<void> {
  for (const ask of judges()) {
    const { caughtBy } = await ask(folder)
    if (caughtBy !== null) throw new Error(`unable to judge mutants: the tests fail without any: ${caughtBy}`)
  }
}

async function main(): Promise<number> {
  const queue = mutants.filter(isChosen)
  const workers = Array.from({ length: Math.min(WORKERS, Math.max(1, queue.length)) }, (): Trees => ({ mutant: copyTree(), clean: copyTree() }))
  const verdicts = new Map<Mutant, Verdict>()
  const work = async (trees: Trees): Promise<void> => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const known = witnessOf(mutant)
      const verdict = await withMutant(trees.mutant, mutant, () => judge(trees, known))
      verdicts.set(mutant, verdict)
      // One that draws its input may miss it once.
      const isWorse = verdict.by === 'example' && (known?.by ?? 'example') !== 'example'
      if (verdict.witness && !isWorse) note(mutant, verdict.witness)
      save()
      const { caughtBy, by } = verdict
      print(`${caughtBy === null ? 'SURVIVED' : 'caught  '}  ${mutant.promise.padEnd(3)}  ${mutant.name}  [${mutant.file}]${caughtBy === null ? '' : `  <- ${by}: ${caughtBy}`}`)
    }
  }
  try {
    for (const mutant of queue) mutated(workers[0]?.clean ?? '', mutant)
    if (!has('--trust')) await checkClean(workers[0]?.clean ?? '')
    await Promise.all(workers.map(work))
  } finally {
    for (const { mutant, clean } of workers) for (const folder of [mutant, clean]) rmSync(folder, { recursive: true, force: true })
  }
  for (const line of summary(verdicts)) print(line)
  return [...verdicts.values()].every(({ caughtBy }) => caughtBy !== null) ? 0 : 1
}

process.exitCode = await main()
