export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN

/** Runs the sides in turn, A B A B, so that a change of the machine's mood meets all; gives each side's median. */
export async function interleave(rounds: number, sides: readonly (() => Promise<number> | number)[]): Promise<number[]> {
  const found = sides.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      globalThis.gc?.()
      const value = await side()
      // The first round warms up.
      if (round > 0) found[i]?.push(value)
    }
  }
  return found.map(median)
}

export interface Row {
  readonly what: string
  readonly figure: string
  readonly peer: string
  readonly ratio: number
  readonly budget: string
  readonly met: boolean | null
}

export const table = (rows: readonly Row[]): string => {
  const cells = [
    ['what', 'figure', 'peer', 'ratio', 'budget', ''],
    ...rows.map(({ what, figure, peer, ratio, budget, met }) => [what, figure, peer, ratio.toFixed(2), budget, met === null ? '' : met ? 'met' : 'NOT MET']),
  ]
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n')
}

export const perSecond = (count: number, ms: number): number => (count / ms) * 1_000
export const rate = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`
export const micros = (value: number): string => `${value.toFixed(2)} us`
