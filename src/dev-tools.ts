import type { UnknownAction } from '@reduxjs/toolkit'

/** A page or burst longer than this is shown by its ends. */
const SHOWN = 10

const shorten = (list: readonly unknown[]): readonly unknown[] =>
  list.length <= SHOWN ? list : [...list.slice(0, SHOWN / 2), `... ${list.length - SHOWN} more ...`, ...list.slice(-SHOWN / 2)]

function shortenLists(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) return shorten(value)
  if (depth === 0 || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortenLists(member, depth - 1)]))
}

/**
 * For `configureStore({ devTools: chatDevTools() })`: shows long windows and pages by their ends, and leaves out the
 * bookkeeping of single emits, because DevTools becomes unusable near 11,000 records. State and actions themselves are untouched.
 * Pass the chat's `reducerPath` when it is not `chat`.
 */
export function chatDevTools(reducerPath = 'chat') {
  return {
    actionsDenylist: [`${reducerPath}/outboxStored`],
    actionSanitizer: <A extends UnknownAction>(action: A): A =>
      action.type.startsWith(`${reducerPath}/`) ? { ...action, payload: shortenLists(action.payload, 2) } : action,
    stateSanitizer: <S>(state: S): S =>
      typeof state === 'object' && state !== null && reducerPath in state
        ? { ...state, [reducerPath]: shortenLists((state as { readonly [path: string]: unknown })[reducerPath], 3) }
        : state,
  }
}
