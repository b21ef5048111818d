import { problemOf } from './problem'

/** One item too large among 10,000 is found with 14 refusals; a device that refuses more often is full. */
const MAX_REFUSALS = 20

/**
 * Writes all at once or, when the device has no room for all, in ever smaller parts. Resolves with the items that it refuses each alone while
 * it takes others; rejects with its reason when it takes none, refuses too often, or fails otherwise.
 */
export async function writeFitting<T>(items: readonly T[], write: (items: readonly T[]) => Promise<void>): Promise<readonly T[]> {
  let refusals = 0

  async function attempt(part: readonly T[]): Promise<readonly T[]> {
    try {
      await write(part)
      return []
    } catch (reason) {
      if (problemOf(reason).code !== 'storage_quota' || ++refusals > MAX_REFUSALS || items.length === 1) throw reason
      if (part.length === 1) return part
      const half = part.length >> 1
      const refused = [...await attempt(part.slice(0, half)), ...await attempt(part.slice(half))]
      if (refused.length === items.length) throw reason
      return refused
    }
  }
  return attempt(items)
}
