import { orderOf, type RecordEdit } from './records'
import type { Writer } from './writer'

/** A removal that a user asked for. */
interface Owed {
  /** Of what has this `order` or a lower one: no clock that is set back turns that round. */
  readonly upTo: number
  /** While one is under way. */
  readonly removal: Promise<void> | null
}

/** What the device refuses to remove is removed before its user sees anything of it again. `keepShown`: a discard is about what was there when it was asked for. */
export function createDiscards(writer: Writer, keepShown: (userId: string) => void) {
  const owed = new Map<string, Owed>()

  /** Removes all that is stored for a user, of every tab, up to the highest `order` of when that was asked for. */
  async function discard(userId: string, upTo: number): Promise<void> {
    const isMeant = (edit: RecordEdit): boolean => edit.userId === userId && !(edit.record && orderOf(edit.record) > upTo)
    const removal = writer.instead(isMeant, (target) => target.clear(userId, upTo), ({ record }) => record === null)
    owed.set(userId, { upTo, removal })
    await removal.finally(() => { if (owed.get(userId)?.removal === removal) owed.set(userId, { upTo, removal: null }) })
    // One that was asked for since is still to come, and may be refused.
    if (owed.get(userId)?.removal === null) owed.delete(userId)
  }

  return {
    discard,
    isOwed: (userId: string): boolean => owed.has(userId),
    /** Removes what is owed. What was sent since one that is under way was asked for is none of its business. */
    async settle(userId: string): Promise<void> {
      const left = owed.get(userId)
      if (left) await (left.removal ?? discard(userId, left.upTo).finally(() => keepShown(userId)))
    },
  }
}
