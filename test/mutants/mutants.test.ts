import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PROPERTIES, type Witness } from './judges'
import { witnessOf } from './memory'
import { mutants } from './mutants'
import { regressions } from '../simulation/regressions'

const textOf = (file: string): string => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')
const named = (all: typeof mutants): readonly string[] => all.map(({ name, file }) => `${name} (${file})`)

/** The code of delivery, merge, persistence, tabs and session. */
const PARTS = {
  delivery: /effects\/(delivery|outcomes)|(policy|state)\/outbox/, merge: /timeline|state\/(channel|marks|messages)/,
  persistence: /persistence\/(persist|writer|edits|records|fitting|key-value)/, tabs: /persistence\/(adoption|ownership)|effects\/recovery/,
  session: /effects\/(session|renewal|token|link)/,
}

/** Those that the project was asked for by name. */
const ASKED_FOR = [
  'no requeue on disconnect', 'the lease attempt is ignored by the reducer', 'the cursor is the newest held', 'messages of the same content are one',
  'the receipt that came last wins', 'a restore renews the time budget', 'writes are not serialised', 'adoption without a claim', 'a late token is used',
]

describe('deliberate bugs', () => {
  it('each one still applies, at one place: code that moved takes its mutants along', () => {
    expect(named(mutants.filter(({ file, find }) => textOf(file).split(find).length !== 2))).toEqual([])
  })

  it('is noticed by the simulation or by a property, whose draws are known', () => {
    const isGenerated = (witness: Witness | undefined): boolean => witness?.by === 'simulation' || (witness?.by === 'property' && Number.isInteger(witness.seed))
    expect(named(mutants.filter((mutant) => !isGenerated(witnessOf(mutant))))).toEqual([])
  })

  it('there are 30 at least of delivery, merge, persistence, tabs and session, some of each, and all that were asked for', () => {
    const counts = Object.entries(PARTS).map(([part, files]) => [part, mutants.filter(({ file }) => files.test(file)).length] as const)
    expect(counts.filter(([, count]) => count < 4)).toEqual([])
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThanOrEqual(30)
    expect(ASKED_FOR.filter((wanted) => !mutants.some(({ name }) => name === wanted))).toEqual([])
  })

  it('every property and every regression that is asked is there', () => {
    expect(PROPERTIES.filter(({ file, test }) => !textOf(file).includes(test))).toEqual([])
    const saved = new Set(regressions().map(({ name }) => name))
    const plans = mutants.flatMap((mutant) => {
      const witness = witnessOf(mutant)
      return witness?.by === 'simulation' ? [witness.plan] : []
    })
    expect(plans.filter((plan) => !saved.has(plan) && !/^\d+$/.test(plan))).toEqual([])
  })
})
