/* `npm run sim -- --seeds N --from S`, the saved regressions first; `--seconds T` stops after T seconds; `--save` saves what is found; `--bail` ends with the first failure; `--first NAME` begins with one seed or regression, and with `--seeds 0` asks nothing else; `--replay S` prints the whole trace of one seed; `--lines L` of a shrunk one. */
process.env['NODE_ENV'] = 'production'
import { parseArgs } from 'node:util'
import { makePlan, type Plan } from './plan'
import { regressions, saveRegression } from './regressions'
import { shrink } from './shrink'
import { simulate, simulateSeed, type Outcome } from './simulate'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '1' }, seconds: { type: 'string', default: '0' },
    first: { type: 'string' }, replay: { type: 'string' }, lines: { type: 'string', default: '40' }, shrink: { type: 'boolean', default: true },
    save: { type: 'boolean', default: false }, bail: { type: 'boolean', default: false },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const LAST_LINES = Number(values.lines)

async function explain(outcome: Outcome): Promise<void> {
  print(`seed ${outcome.plan.seed} broke ${outcome.failure?.invariant}: ${outcome.failure?.problem}`)
  if (!values.shrink) return
  const small = await shrink(outcome)
  print(`shrunk to ${small.plan.steps.length} steps, faults: ${small.plan.faults.join(' ')}`)
  for (const step of small.plan.steps) print(`  ${JSON.stringify(step)}`)
  print(`the last events of it (${small.failure?.problem}):`)
  for (const line of small.trace.slice(-LAST_LINES)) print(`  ${line}`)
  if (values.save) print(`saved as ${saveRegression(small)}`)
  print(`again: npm run sim -- --replay ${outcome.plan.seed}`)
}

async function replay(seed: number): Promise<number> {
  const outcome = await simulateSeed(seed)
  for (const line of outcome.trace) print(line)
  print(outcome.failure ? `${outcome.failure.invariant}: ${outcome.failure.problem}` : 'all promises kept')
  return outcome.failure ? 1 : 0
}

/** The plans before the seeds: the one that is asked for, and all regressions unless it is the only one. */
function pinned(first: string | undefined, seeds: number): readonly { readonly name: string; readonly plan: Plan }[] {
  const saved = regressions()
  if (first === undefined) return saved
  const asked = saved.find(({ name }) => name === first) ?? { name: first, plan: makePlan(Number(first)) }
  return seeds === 0 ? [asked] : [asked, ...saved]
}

async function many(): Promise<number> {
  const from = Number(values.from)
  const count = Number(values.seeds)
  const deadline = Number(values.seconds) > 0 ? performance.now() + Number(values.seconds) * 1_000 : Infinity
  const start = performance.now()
  const reached = new Map<string, number>()
  let [done, messages, failed] = [0, 0, 0]
  for (const { name, plan } of pinned(values.first, count)) {
    const { failure } = await simulate(plan)
    if (failure && values.bail) throw new Error(`regression ${name} broke ${failure.invariant}`)
    if (failure) print(`regression ${name} broke ${failure.invariant}: ${failure.problem}`)
    if (failure) failed++
  }
  for (; done < count && performance.now() < deadline; done++) {
    const outcome = await simulateSeed(from + done)
    messages += outcome.messages
    for (const [what, times] of outcome.reached) reached.set(what, (reached.get(what) ?? 0) + times)
    if (!outcome.failure) continue
    if (values.bail) throw new Error(`seed ${outcome.plan.seed} broke ${outcome.failure.invariant}: ${outcome.failure.problem}`)
    if (failed++ < 3) await explain(outcome)
    else print(`seed ${outcome.plan.seed} broke ${outcome.failure.invariant}: ${outcome.failure.problem.slice(0, 200)}`)
  }
  const rate = done / ((performance.now() - start) / 1_000)
  print([...reached].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, times]) => `${what} ${times}`).join(', '))
  print(`${done} seeds from ${from}, ${messages} messages, ${rate.toFixed(1)} seeds/s, ${failed} failed`)
  return failed > 0 ? 1 : 0
}

process.exitCode = values.replay === undefined ? await many() : await replay(Number(values.replay))
