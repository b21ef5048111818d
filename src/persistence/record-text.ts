import type { StoredRecord } from './record-storage'

const isRecord = (value: unknown): value is StoredRecord =>
  typeof value === 'object' && value !== null && 'userId' in value && typeof value.userId === 'string' && 'id' in value &&
  typeof value.id === 'string' && 'tab' in value && typeof value.tab === 'string' && 'version' in value &&
  typeof value.version === 'number' && 'data' in value

/** A record as a storage of texts keeps it; null for anything else, which is reported as unreadable by whoever asked, and left as it is. */
export function parseRecord(text: string): StoredRecord | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}
