import { reasonText } from '../policy/errors'
import { fieldsOf } from '../policy/json'
import type { RecordStorage } from './record-storage'

export interface StorageProblem {
  readonly code: 'storage_quota' | 'storage_denied' | 'storage_failed' | 'storage_slow'
  readonly message: string
}

const CODES: { readonly [errorName: string]: StorageProblem['code'] } = {
  QuotaExceededError: 'storage_quota', NS_ERROR_DOM_QUOTA_REACHED: 'storage_quota',
  SecurityError: 'storage_denied', InvalidStateError: 'storage_denied', NotAllowedError: 'storage_denied',
}

export const problem = (code: StorageProblem['code'], reason: string): StorageProblem =>
  ({ code, message: `unable to keep unsent messages on this device: ${reason}; they are sent while this page is open` })

export const problemOf = (reason: unknown): StorageProblem => problem(CODES[String(fieldsOf(reason)['name'])] ?? 'storage_failed', reasonText(reason))

/** Of a device that refuses in the middle of a change: nobody may take it for one that has done nothing. */
export const inDoubt = (reason: unknown): Error => new Error(reasonText(reason))

/** Of a device that gives a part of what it holds, and refuses the rest: busy with something else, it mostly gives all of it soon. */
export class RefusedInPartError extends Error {
  constructor(reason: unknown) {
    super(reasonText(reason))
  }
}

export const tooLarge = (id: string): StorageProblem => problem('storage_quota', `the message ${id} is too large for the room that is left`)

/** In place of a storage that cannot be opened: it refuses all that it is asked for, and the next use opens it anew. */
export function refusing(reason: unknown): RecordStorage {
  const refuse = () => Promise.reject(reason)
  return { load: refuse, write: refuse, adopt: refuse, clear: refuse, close: refuse }
}
