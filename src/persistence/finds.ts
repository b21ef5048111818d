import type { Extra } from '../model'
import type { UnreadableRecord } from './record-storage'
import { recordKey, type RecordEdit, type RestoredOutbox } from './records'

/** What looks found on the device, and what that says of writing there. */
export function createFinds() {
  /** Records of newer code, or that cannot be read: nothing is written in their place. */
  const untouchable = new Set<string>()
  /** On the device, and not shown yet: it needs not be written. */
  const unshown = new Set<string>()

  return {
    /** Tells which of the unreadable ones are new. What is `shown` is known better than what broke on the device. */
    note<X extends Extra>(userId: string, { entries, unreadable }: RestoredOutbox<X>, shown: readonly string[]): readonly UnreadableRecord[] {
      const keyOf = (id: string): string => recordKey({ userId, id })
      const fresh = unreadable.filter(({ id }) => !untouchable.has(keyOf(id)))
      for (const { id } of unreadable) if (!shown.includes(id)) untouchable.add(keyOf(id))
      for (const { message: { id } } of entries) {
        unshown.add(id)
        untouchable.delete(keyOf(id))
      }
      return fresh
    },
    isWritable: (edit: RecordEdit): boolean => untouchable.size === 0 || !untouchable.has(recordKey(edit)),
    /** Whether it stood on the device before it was shown, as it is now. */
    shows: (id: string): boolean => unshown.delete(id),
    purged: (): void => untouchable.clear(),
    left: (): void => unshown.clear(),
  }
}
