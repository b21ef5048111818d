export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN

/** Events per second: of the clock, and of this process's own CPU time, which other work on the machine does not lengthen. */
export interface Rate { readonly wall: number; readonly cpu: number }

/** Starts a measurement; the returned function ends it. */
export function stopwatch(): (count: number) => Rate {
  const cpu = process.cpuUsage()
  const start = performance.now()
  return (count) => {
    const taken = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    return { wall: (count / taken) * 1_000, cpu: (count / (user + system)) * 1_000_000 }
  }
}

export const medianRate = (rates: readonly Rate[]): Rate => ({ wall: median(rates.map(({ wall }) => wall)), cpu: median(rates.map(({ cpu }) => cpu)) })

/** Runs the sides in turn, A B A B, so that a change of the machine's mood meets all; gives each side's median. */
export async function interleave<T>(rounds: number, sides: readonly (() => Promise<T> | T)[], middle: (values: readonly T[]) => T): Promise<T[]> {
  const found = sides.map((): T[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      globalThis.gc?.()
      const value = await side()
      // The first round warms up.
      if (round > 0) found[i]?.push(value)
    }
  }
  return found.map(middle)
}

export interface Row {
  readonly what: string
  readonly figure: string
  readonly peer: string
  readonly ratio: number
  /** The same by CPU time, where that was measured. */
  readonly cpuRatio: number | null
  readonly budget: string
  readonly met: boolean | null
}

export const table = (rows: readonly Row[]): string => {
  const cells = [
    ['what', 'figure', 'peer', 'ratio', 'by CPU', 'budget', ''],
    ...rows.map(({ what, figure, peer, ratio, cpuRatio, budget, met }) => [what, figure, peer, ratio.toFixed(ratio < 0.1 ? 5 : 2), cpuRatio?.toFixed(2) ?? '', budget, met === null ? '' : met ? 'met' : 'NOT MET']),
  ]
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n')
}

export const rate = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`
export const micros = (value: number): string => `${value.toFixed(2)} us`
