import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Witness } from './judges'
import type { Mutant } from './mutant'
import { mutants } from './mutants'

const FILE = fileURLToPath(new URL('caught-by.json', import.meta.url))
const keyOf = ({ file, name }: Mutant): string => `${file}: ${name}`
const remembered = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Witness>

export const witnessOf = (mutant: Mutant): Witness | undefined => remembered[keyOf(mutant)]

export const note = (mutant: Mutant, witness: Witness): void => { remembered[keyOf(mutant)] = witness }

/** Keeps those that are still in the list, in its order. */
export function save(): void {
  const known = mutants.flatMap((mutant) => {
    const witness = witnessOf(mutant)
    return witness ? [[keyOf(mutant), witness]] : []
  })
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`)
}
