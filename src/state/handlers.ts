import type { UnknownAction } from '@reduxjs/toolkit'

/** An action creator, seen only as what names an action and types its payload. */
export interface Creator<P> {
  readonly type: string
  readonly match: (action: unknown) => action is { type: string; payload: P }
}

/** What `creator.match` tells, for what is known to be an action: RTK's own walks the prototypes each time. */
export const isOf = <P>(creator: Creator<P>, action: UnknownAction): action is { type: string; payload: P } =>
  action.type === creator.type

/**
 * A reducer as a table from action to pure function: one lookup per action, no draft, no copy.
 * (RTK's createReducer runs Immer, which costs more than the whole change on the message path.)
 */
export function createHandlers<S, C = undefined>() {
  const table = new Map<string, (state: S, action: UnknownAction, context: C) => S>()
  const handlers = {
    on<P>(creator: Creator<P>, change: (state: S, payload: P, context: C) => S) {
      table.set(creator.type, (state, action, context) =>
        isOf(creator, action) ? change(state, action.payload, context) : state)
      return handlers
    },
    reduce(state: S, action: UnknownAction, context: C): S {
      const change = table.get(action.type)
      return change ? change(state, action, context) : state
    },
  }
  return handlers
}
