import type { Mutant } from '../mutant'

/** Those that no generated input shows: what they break is one place, one number or one word, and an example names it. */
export const byExample: readonly Mutant[] = []
