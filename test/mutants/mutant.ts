/** One small deliberate bug: `find` occurs exactly once in `file`, and a test of `promise` has to notice `replace`. */
export interface Mutant {
  readonly name: string
  readonly promise: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

type Row = readonly [promise: string, name: string, find: string, replace: string]

export const inFile = (file: string, rows: readonly Row[]): readonly Mutant[] =>
  rows.map(([promise, name, find, replace]) => ({ promise, name, file, find, replace }))
