import { createSeededRandom } from 'redux-chat/testing'

/** One number in [0, 1) for one decision: what is drawn for one does not depend on how many others were drawn, so that shrinking shifts nothing. */
export const draw = (seed: string | number, stream: string, index: number): number => createSeededRandom(`${seed}/${stream}/${index}`)()

/** The numbers of one stream of decisions, in turn. */
export function stream(seed: string | number, name: string): () => number {
  let index = 0
  return () => draw(seed, name, index++)
}

export const pick = <T>(values: readonly T[], at: number): T => {
  const value = values[Math.min(values.length - 1, Math.floor(at * values.length))]
  if (value === undefined) throw new Error('unable to pick: there is nothing to pick from')
  return value
}
