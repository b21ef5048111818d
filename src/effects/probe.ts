import type { Audience } from './audience'

/** Of a question to the middleware, which it swallows. */
export const probeType = (path: string): string => `${path}/probe`

/**
 * Asks whether the middleware of a chat is in a store, and for its audience. How that is joined is not told by what the middleware returns, because
 * one before it may return something else; nor in the question, where RTK's check finds what cannot be serialised.
 */
export const questionOf = (path: string) => ({ type: probeType(path), asked: {} })

type Question = ReturnType<typeof questionOf>

const answers = new WeakMap<object, Audience['join']>()

export function answer(question: object, { join }: Audience): null {
  const { asked } = question as Partial<Question>
  if (asked) answers.set(asked, join)
  return null
}

export const answerTo = ({ asked }: Question): Audience['join'] | undefined => answers.get(asked)
