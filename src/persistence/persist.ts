import type { Clock } from '../environment'
import type { Extra, OutboxEntry, OutboxState, ReadMark } from '../model'
import type { RecordStorage, UnreadableRecord } from './record-storage'
import type { TabLocks } from './tabs'
export interface RestoredOutbox<X extends Extra> {
  readonly entries: readonly OutboxEntry<X>[]
  readonly reads: { readonly [channelKey: string]: ReadMark }
  readonly unreadable: readonly UnreadableRecord[]
}
export interface OutboxPersistence<X extends Extra> {
  update(outbox: OutboxState<X>): void
  restore(userId: string): Promise<RestoredOutbox<X>>
  discard(userId: string): Promise<void>
  handle(action: unknown): void
  flush(): Promise<void>
  stop(): void
}
export interface PersistenceDeps {
  readonly key: string
  readonly storage: () => RecordStorage | null
  readonly locks: TabLocks | null
  readonly clock: Clock
  readonly random: () => number
  readonly tabId: string
  readonly report: { stored(ids: readonly string[]): void; failed(error: { code: string; message: string }): void; recovered?(): void }
}
export function createOutboxPersistence<X extends Extra>(_deps: PersistenceDeps): OutboxPersistence<X> {
  return {
    update() {}, handle() {}, stop() {},
    restore: async () => ({ entries: [], reads: {}, unreadable: [] }),
    discard: async () => {}, flush: async () => {},
  }
}
