import { createIndexedDbStorage } from './indexed-db'
import type { RecordStorage } from './record-storage'

function hasIndexedDb(): boolean {
  try {
    return typeof indexedDB !== 'undefined'
  } catch {
    // Sandboxed frames and blocked site data throw on access: so does each use, which shows as an error.
    return true
  }
}

/** IndexedDB where it exists; nothing elsewhere (Node, React Native): there an app gives its own `storage`. */
export const defaultStorage = (name: string, dropped?: () => void): RecordStorage | null =>
  (hasIndexedDb() ? createIndexedDbStorage({ name: `redux-chat:${name}`, dropped }) : null)
