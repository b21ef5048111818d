import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plan } from './plan'
import type { Outcome } from './simulate'

/** A plan that broke a promise once. It runs first from then on. */
export interface Regression {
  readonly name: string
  readonly why: string
  readonly invariant: string
  readonly plan: Plan
}

const folder = fileURLToPath(new URL('./regressions/', import.meta.url))

export const regressions = (): readonly Regression[] => readdirSync(folder).filter((file) => file.endsWith('.json')).sort()
  .map((file) => ({ ...JSON.parse(readFileSync(folder + file, 'utf8')) as Omit<Regression, 'name'>, name: file.replace(/\.json$/, '') }))

export function saveRegression({ plan, failure }: Outcome): string {
  const file = `seed-${plan.seed}.json`
  writeFileSync(folder + file, `${JSON.stringify({ why: failure?.problem, invariant: failure?.invariant, plan }, null, 1)}\n`)
  return `test/simulation/regressions/${file}`
}
