import { createIndexedDbStorage } from './indexed-db'
import type { RecordStorage } from './record-storage'

/** IndexedDB where it exists; nothing elsewhere (Node, React Native): there an app gives its own `storage`. */
export const defaultStorage = (name: string): RecordStorage | null =>
  typeof indexedDB === 'undefined' ? null : createIndexedDbStorage({ name: `redux-chat:${name}` })
