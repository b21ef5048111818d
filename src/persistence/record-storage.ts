import type { Json } from '../model'

/**
 * One durable record: an unsent message (`kind: 'entry'`) or an unconfirmed read watermark (`kind: 'read'`).
 * `version` is that of the code that wrote it; `data` is what that version understands.
 */
export interface StoredRecord {
  readonly userId: string
  /** The message id, or `read:` + channel key. Unique per user. */
  readonly id: string
  /** The tab that owns it: only that tab writes or sends it while it lives. */
  readonly tab: string
  readonly version: number
  readonly data: Json | object
}

/** A record that was found but could not be understood, or that the device refuses to read; it stays in the storage as it is. */
export interface UnreadableRecord {
  readonly id: string
  readonly reason: 'corrupt' | 'newer_version' | 'refused'
}

export interface LoadedRecords {
  readonly records: readonly StoredRecord[]
  readonly unreadable: readonly UnreadableRecord[]
}

export interface RecordChange {
  /** New records. */
  readonly put: readonly StoredRecord[]
  /** Records that were written before: each is left alone when another tab owns it by now. */
  readonly update?: readonly StoredRecord[]
  readonly remove: readonly { readonly userId: string; readonly id: string }[]
}

/** The port to the device's storage. Every method rejects with an Error when the device refuses. */
export interface RecordStorage {
  /** After so long every other tab sees what was written. 0, the default: at once. */
  readonly spreadMs?: number
  /** All records of one user, of every tab. */
  load(userId: string): Promise<LoadedRecords>
  /** All of the change or nothing; durable when it resolves, with the ids of the updates that were left alone. */
  write(change: RecordChange): Promise<readonly string[]>
  /** Gives those of the records `ids` that still belong to `from` to `tab`, in one transaction; resolves with what it gave. */
  adopt(userId: string, from: string, tab: string, ids: readonly string[]): Promise<readonly StoredRecord[]>
  /**
   * Removes every record of one user, or of all; of one user those with a higher `order` than `upTo` stay. One that can remove a part alone, and
   * rejects for the rest, is asked again until all of it is gone.
   */
  clear(userId?: string, upTo?: number): Promise<void>
  close(): void
}
