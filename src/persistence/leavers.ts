import type { Writer } from './writer'

/** Users who have left this tab to somebody else, while the device refused something of theirs: they keep their locks until all is written. */
export function createLeavers(writer: Writer, isInUse: () => boolean) {
  const waiting = new Set<() => void>()
  return {
    letGo(): void {
      for (const release of waiting) release()
      waiting.clear()
    },
    /** What is refused is tried again as long as somebody is here; a write under way may be refused yet. */
    async allWritten(): Promise<void> {
      if (isInUse()) await writer.flush().catch(() => undefined)
      if (isInUse() && writer.hasUnwritten()) await new Promise<void>((resolve) => { waiting.add(resolve) })
    },
  }
}
