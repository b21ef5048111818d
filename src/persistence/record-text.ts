import { fieldsOf } from '../policy/json'
import type { StoredRecord } from './record-storage'

/** Whether a storage gave back a record; what its `data` says is read elsewhere. */
export function isRecord(value: unknown): value is StoredRecord {
  const { userId, id, tab, version, data } = fieldsOf(value)
  return [userId, id, tab].every((name) => typeof name === 'string') && typeof version === 'number' && data !== undefined
}

/** A record as a storage of texts keeps it; null for anything else, which is reported as unreadable by whoever asked, and left as it is. */
export function parseRecord(text: string): StoredRecord | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}
