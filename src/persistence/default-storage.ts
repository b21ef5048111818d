import { createIndexedDbStorage } from './indexed-db'
import type { RecordStorage } from './record-storage'

/** A device that denies even the look at its storage: each use is refused, so that it shows as an error. */
function refusing(reason: unknown): RecordStorage {
  const refuse = () => Promise.reject(reason)
  return { load: refuse, write: refuse, adopt: refuse, clear: refuse, close: () => undefined }
}

/** IndexedDB where it exists; nothing elsewhere (Node, React Native): there an app gives its own `storage`. */
export function defaultStorage(name: string): RecordStorage | null {
  try {
    return typeof indexedDB === 'undefined' ? null : createIndexedDbStorage({ name: `redux-chat:${name}` })
  } catch (reason) {
    // Sandboxed frames and blocked site data throw on access.
    return refusing(reason)
  }
}
