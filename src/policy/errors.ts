import type { SocketErrorBody } from '../model'
import { fieldsOf } from './json'

/** What to do about an error: try again, wait for a fresh token, or give up. Decided by code, never by text. */
export type Reaction = 'retry' | 'reauthenticate' | 'fail'

const REAUTHENTICATE = new Set(['token_expired', 'token-expired', 'auth_expired', 'jwt_expired', 'unauthorized', 'unauthenticated'])

const RETRY = new Set<string | undefined>([
  'timeout', 'rate_limited', 'too_many_requests', 'unavailable', 'server_busy', 'overloaded', 'internal', 'internal_error',
  'server_error', 'out_of_order', 'disconnected',
])

/** Failures of a message that no retry helps: it can only be discarded. */
const HOPELESS = new Set(['unserialisable', 'too_large', 'signed_out'])
export const isHopeless = ({ code }: { readonly code: string }): boolean => HOPELESS.has(code)

/** How the outbox reacts to a refused message. A server that does not say `retryable` is taken at its code. */
export function reactionTo(error: SocketErrorBody): Reaction {
  if (REAUTHENTICATE.has(error.code)) return 'reauthenticate'
  return mayPass(error) ? 'retry' : 'fail'
}

/** Whether trying again helps. A refused handshake, or token, is about the credentials unless the server says so. */
export const mayPass = ({ code, retryable = RETRY.has(code) }: Partial<SocketErrorBody>): boolean => retryable

/** What was thrown, in its own words. A DOMException is no Error everywhere, and does not exist in React Native. */
export function reasonText(reason: unknown): string {
  try {
    return String(fieldsOf(reason)['message'] || reason)
  } catch {
    return 'no text'
  }
}
