import type { UnknownAction } from '@reduxjs/toolkit'
import { isFields } from './policy/json'

/** A page or burst longer than this is shown by its ends. */
const SHOWN = 10

const shorten = (list: readonly unknown[]): readonly unknown[] =>
  list.length <= SHOWN ? list : [...list.slice(0, SHOWN / 2), `... ${list.length - SHOWN} more ...`, ...list.slice(-SHOWN / 2)]

/** Chunks as the one list that they are. */
const readable = (value: unknown): unknown => (Array.isArray(value) ? shorten(value.flat()) : value)

const eachMember = (value: unknown, change: (member: unknown) => unknown): unknown =>
  isFields(value) ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, change(member)])) : value

/** A table as the dictionary that it is. */
const dictionary = (table: unknown, change: (member: unknown) => unknown): unknown =>
  Array.isArray(table) ? Object.fromEntries(table.flat().map(([key, value]) => [key, change(value)])) : table

function readableChat(chat: unknown): unknown {
  if (!isFields(chat) || !isFields(chat['outbox'])) return chat
  return {
    ...chat,
    messages: dictionary(chat['messages'], (channel) => eachMember(channel, readable)),
    outbox: { ...chat['outbox'], channels: dictionary(chat['outbox']['channels'], readable) },
  }
}

/**
 * For `configureStore({ devTools: chatDevTools() })`: shows channels and queues by their names, long windows and pages by their ends, and
 * leaves out the notes of what is stored (`outboxStored`), because DevTools becomes unusable near 11,000 records. State and actions themselves are
 * untouched. Pass the chat's `reducerPath` when it is not `chat`.
 */
export function chatDevTools(reducerPath = 'chat') {
  return {
    actionsDenylist: [`${reducerPath}/outboxStored`],
    actionSanitizer: <A extends UnknownAction>(action: A): A => {
      if (!action.type.startsWith(`${reducerPath}/`)) return action
      return { ...action, payload: eachMember(action['payload'], (member) => (isFields(member) ? eachMember(member, readable) : readable(member))) }
    },
    stateSanitizer: <S>(state: S): S =>
      isFields(state) && reducerPath in state ? { ...state, [reducerPath]: readableChat(state[reducerPath]) } : state,
  }
}
