import { inFile, type Mutant } from '../mutant'

export const react: readonly Mutant[] = [
  ...inFile('src/react/hooks.ts', [
    ['G6', 'a list that stays over a reset stays blank', 'if (isForgotten) store.dispatch', 'if (false) store.dispatch'],
  ]),
  ...inFile('src/react/presence.ts', [
    ['G9', 'the first to leave closes for all', 'if (left > 0) held.set(name, left)', 'if (left > 99) held.set(name, left)'],
    ['G9', 'the last one to leave closes nothing', 'held.delete(name)\n          close()', 'held.delete(name)'],
  ]),
]
