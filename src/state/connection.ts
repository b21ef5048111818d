import type { ChatActions } from '../actions'
import type { ConnectionState, Extra } from '../model'
import { createHandlers } from './handlers'

export const initialConnection: ConnectionState = {
  status: 'idle',
  userId: null,
  attempt: 0,
  nextRetryAt: null,
  lastConnectedAt: null,
  reason: null,
  capabilities: [],
  maxMessageBytes: null,
  dedupWindowMs: null,
}

/** What the server can do is asked of each connection anew; its limits are believed until it names others. */
const ANEW = { capabilities: initialConnection.capabilities, attempt: 0, nextRetryAt: null }

export function createConnectionReducer<X extends Extra>({ commands, reports }: ChatActions<X>) {
  return createHandlers<ConnectionState>()
    .on(commands.connect, (state, { userId }) =>
      state.userId === userId ? state : { ...initialConnection, userId })
    .on(commands.disconnect, (state) =>
      ({ ...state, ...ANEW, status: 'idle', reason: 'disconnected' }))
    .on(commands.signOut, () => ({ ...initialConnection, reason: 'signed_out' }))
    .on(reports.connectionStarted, (state, { attempt }) =>
      ({ ...state, status: attempt === 0 ? 'connecting' : 'reconnecting', attempt, nextRetryAt: null }))
    .on(reports.connectionOpened, (state, { at }) =>
      ({ ...state, ...ANEW, status: 'connected', lastConnectedAt: at, reason: null }))
    .on(reports.connectionLost, (state, { status, reason, attempt, nextRetryAt }) =>
      ({ ...state, ...ANEW, status, reason, attempt, nextRetryAt }))
    .on(reports.sessionAnnounced, (state, { capabilities, maxMessageBytes, dedupWindowMs }) =>
      ({ ...state, capabilities, maxMessageBytes, dedupWindowMs }))
    .reduce
}
