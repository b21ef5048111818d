import { orderOf, type RecordEdit } from './records'
import type { Writer } from './writer'

/** A removal that a user asked for. */
interface Owed {
  /** Of what has this `order` or a lower one: no clock that is set back turns that round. */
  readonly upTo: number
  /** While one is under way. */
  readonly removal: Promise<void> | null
}

/** What the device refuses to remove is removed before its user sees anything of it again. */
export function createDiscards(writer: Writer) {
  const owed = new Map<string, Owed>()

  /** Removes all that is stored for a user, of every tab, up to the highest `order` of when that was asked for. */
  async function discard(userId: string, upTo: number): Promise<void> {
    // Of what waits to be removed nobody knows how old it is: it is removed all the same.
    const isMeant = ({ record }: RecordEdit): boolean => record?.userId === userId && !(orderOf(record) > upTo)
    const removal = writer.instead(isMeant, (target) => target.clear(userId, upTo), () => false)
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
      if (!left) return
      // Its user is here: what the device refuses is tried again from now on.
      writer.revive()
      await (left.removal ?? discard(userId, left.upTo))
    },
  }
}
