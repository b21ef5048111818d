/**
 * Interleaving is done here and not with tinybench: it runs one task to its end before the next, so a change of the machine's mood meets
 * one side only; most operations here change the state that the next one meets; and a clock read per call costs more than a selector.
 */
export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN

/** Microseconds per operation: by the clock, and of this process's own CPU time, which other work on the machine does not lengthen. */
export interface Sample { readonly wall: number; readonly cpu: number }

/** Starts a measurement; the returned function ends it. */
export function stopwatch(): (count: number) => Sample {
  const cpu = process.cpuUsage()
  const start = performance.now()
  return (count) => {
    const taken = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    return { wall: (taken * 1_000) / count, cpu: (user + system) / count }
  }
}

/** Times `count` calls of something that does not wait. */
export function time(count: number, task: (i: number) => void): Sample {
  const stop = stopwatch()
  for (let i = 0; i < count; i++) task(i)
  return stop(count)
}

export function timeCalls(calls: readonly (() => void)[]): Sample {
  const stop = stopwatch()
  for (const call of calls) call()
  return stop(calls.length)
}

export type Side = () => Promise<Sample> | Sample

/** Runs the sides in turn, A B A B, so that a change of the machine's mood meets all; gives each side's samples, the first (warm-up) left out. */
export async function interleave<K extends string>(rounds: number, sides: Readonly<Record<K, Side>>, warmUps = 1): Promise<Record<K, Sample[]>> {
  const names = Object.keys(sides) as K[]
  const found = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<K, Sample[]>
  for (let round = -warmUps; round < rounds; round++) {
    for (const name of names) {
      globalThis.gc?.()
      const sample = await sides[name]()
      if (round >= 0) found[name].push(sample)
    }
  }
  return found
}

export const middle = (samples: readonly Sample[]): Sample =>
  ({ wall: median(samples.map(({ wall }) => wall)), cpu: median(samples.map(({ cpu }) => cpu)) })

/** Lets everything that is due run: a macrotask, with the microtasks before it. */
export const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

/** A promise and the function that resolves it. */
export function signal(): { readonly reached: Promise<void>; readonly reach: () => void } {
  let reach: () => void = () => undefined
  const reached = new Promise<void>((resolve) => { reach = resolve })
  return { reached, reach }
}
