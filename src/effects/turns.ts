import type { UnknownAction } from '@reduxjs/toolkit'
import type { Engine } from './engine'

/** One action, from before the reducers saw it until it is obeyed. */
interface Turn {
  readonly action: UnknownAction
  readonly before: unknown
  isReduced: boolean
}

export interface TurnsDeps {
  /** These change whose chat it is: the state is ahead of the connection until they are obeyed. */
  readonly switches: readonly string[]
  readonly engine: Pick<Engine, 'handle' | 'keep'>
  /** The chat's state. */
  readonly read: () => unknown
}

/**
 * Lets the reducers see an action and the engine obey it. A subscriber may dispatch another one in between: that is obeyed at once, except
 * while the chat is switched; then it is obeyed afterwards, in the order in which the reducers saw it.
 */
export function createTurns({ switches, engine, read }: TurnsDeps) {
  const isSwitch = ({ type }: UnknownAction): boolean => switches.includes(type)
  const held: Turn[] = []
  let isSwitching = false

  function reduce(next: (action: unknown) => unknown, turn: Turn): unknown {
    // What changed so far belongs to the user who is there yet.
    if (isSwitch(turn.action)) engine.keep()
    if (isSwitching) held.push(turn)
    try {
      const result = next(turn.action)
      turn.isReduced = true
      return result
    } finally {
      // A subscriber that throws does so when the reducers have seen it.
      turn.isReduced ||= read() !== turn.before
    }
  }

  function obey({ action, before, isReduced }: Turn): void {
    if (isReduced) engine.handle(action, read() !== before)
  }

  function obeyHeld(): void {
    try {
      for (let turn = held.shift(); turn; turn = held.shift()) obey(turn)
    } finally {
      if (held.length > 0) obeyHeld()
      else isSwitching = false
    }
  }

  return (next: (action: unknown) => unknown, action: UnknownAction): unknown => {
    const turn: Turn = { action, before: read(), isReduced: false }
    // Whoever is switching obeys it.
    if (isSwitching) return reduce(next, turn)
    isSwitching = isSwitch(action)
    const isPlain = !isSwitching
    try {
      return reduce(next, turn)
    } finally {
      if (isPlain) obey(turn)
      else obeyHeld()
    }
  }
}
