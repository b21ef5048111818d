import type { WalkReport } from './app'

/** Less than the rows that are rendered at once, so that each one is rendered when everything is walked through. */
const STEP_PX = 1_000

const frame = (): Promise<void> => new Promise((resolve) => { requestAnimationFrame(() => resolve()) })

export interface WalkOptions {
  readonly scroller: () => HTMLElement
  /** Seqs of the rows, from top to bottom. */
  readonly rowSeqs: () => readonly number[]
  /** A page that was asked for is under way. */
  readonly isLoading: () => boolean
}

/** Walks back through the list as somebody who scrolls, a step at a time, and looks whether each step's rows join on to those of the step before. */
export function createWalk({ scroller, rowSeqs, isLoading }: WalkOptions) {
  let before: readonly number[] = []
  let oldest = Infinity
  const breaks: string[] = []

  function look(): void {
    const seqs = rowSeqs()
    const [first, last] = [seqs[0], seqs.at(-1)]
    const [oldFirst, oldLast] = [before[0], before.at(-1)]
    if (first === undefined || last === undefined) return
    const isUnbroken = seqs.every((seq, at) => seq === first + at)
    const joins = oldFirst === undefined || oldLast === undefined || (first <= oldLast + 1 && last >= oldFirst - 1)
    if (!isUnbroken || !joins) breaks.push(`${oldFirst} to ${oldLast}, then ${first} to ${last}`)
    before = seqs
    oldest = Math.min(oldest, first)
  }

  return async (steps: number): Promise<WalkReport> => {
    for (let step = 0; step < steps; step++) {
      scroller().scrollTop -= STEP_PX
      // The browser tells of the scroll in the first frame, and what React makes of it is there in the second.
      await frame()
      await frame()
      while (isLoading()) await frame()
      look()
    }
    return { oldest, breaks }
  }
}
