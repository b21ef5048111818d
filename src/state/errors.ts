import type { ChatActions } from '../actions'
import type { ChatError, Extra } from '../model'
import { isHopeless } from '../policy/errors'
import { createHandlers } from './handlers'

/** The oldest errors make room for new ones. */
export const MAX_ERRORS = 50

export type ErrorsState = readonly ChatError[]

export const initialErrors: ErrorsState = []

const isRepeat = (a: ChatError, b: ChatError): boolean =>
  a.type === b.type && a.code === b.code && a.channelId === b.channelId && a.messageId === b.messageId && (a.type !== 'emit_failed' || a.message === b.message)

/**
 * A repetition of the newest error raises its count instead of filling the list; what it says now counts. So does one of any failed emit: an app may have
 * two that fail by turns.
 */
function add(state: ErrorsState, error: ChatError | undefined): ErrorsState {
  if (!error) return state
  const repeated = (error.type === 'emit_failed' ? state : state.slice(-1)).find((each) => isRepeat(each, error))
  if (!repeated) return [...state, error].slice(-MAX_ERRORS)
  return [...state.filter((each) => each !== repeated), { ...error, id: repeated.id, count: (repeated.count ?? 1) + (error.count ?? 1) }]
}

/** Less what is mended; the same list when nothing is. */
export const without = (state: ErrorsState, isGone: (error: ChatError) => boolean): ErrorsState =>
  state.some(isGone) ? state.filter((error) => !isGone(error)) : state

const ofMessage = (id: string) => ({ messageId }: ChatError): boolean => messageId === id

export function createErrorsReducer<X extends Extra>({ commands, reports }: ChatActions<X>) {
  return createHandlers<ErrorsState, string | null>()
    .on(reports.errorReported, (state, { error }) => add(state, error))
    .on(reports.connectionLost, (state, { error }) => add(state, error))
    .on(reports.messageFailed, (state, { error }) => add(state, error))
    .on(reports.syncFailed, (state, { error }) => add(state, error))
    // What is mended is no error any more.
    .on(reports.messageAcked, (state, { id }) => without(state, ofMessage(id)))
    .on(reports.pageLoaded, (state, { channelId }) => without(state, (error) => error.type === 'sync_failed' && error.channelId === channelId))
    .on(commands.discardMessage, (state, { id }) => without(state, ofMessage(id)))
    // A retry that cannot help changes nothing.
    .on(commands.retryMessage, (state, { id }) => without(state, (error) => ofMessage(id)(error) && !isHopeless(error)))
    .on(commands.retryAllFailed, (state) => without(state, (error) => error.messageId !== undefined && !isHopeless(error)))
    .on(commands.dismissError, (state, { id }) => without(state, (error) => error.id === id))
    .on(commands.clearErrors, () => initialErrors)
    .on(commands.signOut, () => initialErrors)
    // They tell of their user's channels and messages.
    .on(commands.connect, (state, { userId }, before) => (before === null || before === userId ? state : initialErrors))
    .reduce
}
