import type { Mutant } from '../mutant'

/** Those that an example notices, and no generated input of the usual number of runs: each is a hole. */
export const byExample: readonly Mutant[] = []
