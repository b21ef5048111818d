import { problemOf } from './problem'

/** One item too large among 10,000 is found with 14 refusals; a device that refuses more often is full. */
const MAX_REFUSALS = 20

/** The smallest first: what fits is found before the device has refused too often. */
const bySize = <T>(items: readonly T[], sizeOf: (item: T) => number): readonly T[] =>
  items.map((item) => ({ item, size: sizeOf(item) })).sort((a, b) => a.size - b.size).map(({ item }) => item)

/**
 * Writes all at once or, when the device has no room for all, in ever smaller parts. Resolves with the items that it refuses each alone while
 * it takes others, and what is larger than these; rejects with its reason when it takes none, or fails otherwise.
 */
export async function writeFitting<T>(items: readonly T[], write: (items: readonly T[]) => Promise<void>, sizeOf: (item: T) => number): Promise<readonly T[]> {
  let refusals = 0
  let taken = 0
  /** Something was taken after something no larger was refused: there is room by now. */
  let hasRoom = false
  const refused: T[] = []

  async function attempt(part: readonly T[]): Promise<void> {
    // The rest is no smaller than what was refused.
    if (refusals >= MAX_REFUSALS && taken > 0) {
      refused.push(...part)
      return
    }
    try {
      await write(part)
      taken += part.length
      hasRoom = refused.length > 0
    } catch (reason) {
      if (problemOf(reason).code === 'storage_denied' || items.length === 1) throw reason
      if (++refusals >= MAX_REFUSALS && taken === 0) throw reason
      if (part.length === 1) {
        refused.push(...part)
        return
      }
      const half = part.length >> 1
      const ordered = part === items ? bySize(items, sizeOf) : part
      await attempt(ordered.slice(0, half))
      await attempt(ordered.slice(half))
      if (refused.length === items.length) throw reason
    }
  }
  await attempt(items)
  if (hasRoom) await attempt(refused.splice(0))
  return refused
}
