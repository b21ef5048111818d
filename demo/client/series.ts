const KEPT = 60

/** The last values of something, oldest first. */
export function createSeries() {
  const listeners = new Set<() => void>()
  let values: readonly number[] = []

  return {
    add(value: number): void {
      values = [...values, value].slice(-KEPT)
      for (const listener of listeners) listener()
    },
    getSnapshot: (): readonly number[] => values,
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
