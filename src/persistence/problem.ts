import { fieldsOf } from '../policy/json'

export interface StorageProblem {
  readonly code: 'storage_quota' | 'storage_denied' | 'storage_failed' | 'storage_slow'
  readonly message: string
}

const CODES: { readonly [errorName: string]: StorageProblem['code'] } = {
  QuotaExceededError: 'storage_quota', NS_ERROR_DOM_QUOTA_REACHED: 'storage_quota',
  SecurityError: 'storage_denied', InvalidStateError: 'storage_denied', NotAllowedError: 'storage_denied',
}

export const problemOf = (reason: unknown): StorageProblem => {
  // A DOMException is no Error everywhere, and does not exist in React Native.
  const { name, message = reason } = fieldsOf(reason)
  return {
    code: CODES[String(name)] ?? 'storage_failed',
    message: `unable to keep unsent messages on this device: ${String(message)}; they are sent while this page is open`,
  }
}
