/** Points at which the heap is looked at; the first quarter is warm-up. */
const SAMPLES = 40

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/** The second quarter of a run and its last one. */
export interface Trend { readonly before: number; readonly after: number }

const trendOf = (values: readonly number[]): Trend => {
  const quarter = Math.max(1, Math.floor(values.length / 4))
  return { before: mean(values.slice(quarter, quarter * 2)), after: mean(values.slice(-quarter)) }
}

/** Grown means by both measures: more than 3 %, and more than the noise. */
export const hasGrown = ({ before, after }: Trend, noise: number): boolean => after - before > noise && after > before * 1.03

const nextTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

/** Looks at the heap after a collection, and at the state's size, at even distances of a run of `total` steps. */
export function createSampler(total: number, stateBytes: () => number) {
  const every = Math.max(1, Math.floor(total / SAMPLES))
  const heap: number[] = []
  const state: number[] = []
  return {
    async at(step: number): Promise<void> {
      if (step % every !== 0) return
      await nextTurn()
      globalThis.gc?.()
      heap.push(process.memoryUsage().heapUsed)
      state.push(stateBytes())
    },
    trends: (): { readonly heap: Trend; readonly state: Trend } => ({ heap: trendOf(heap), state: trendOf(state) }),
  }
}
