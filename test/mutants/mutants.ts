import { effects } from './list/effects'
import { persistence } from './list/persistence'
import { policy } from './list/policy'
import { react } from './list/react'
import { state } from './list/state'
import { wire } from './list/wire'
import type { Mutant } from './mutant'

/** Each of them is noticed by the simulation or by a property. */
export const mutants: readonly Mutant[] = [...policy, ...state, ...effects, ...persistence, ...react, ...wire]
