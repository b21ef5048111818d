/** Whoever fails to open it has not entered: React never undoes an effect that threw. A subscriber throws when it is open already. */
function openOrClose(open: () => void, close: () => void): void {
  try {
    open()
  } catch (reason) {
    close()
    throw reason
  }
}

/** Counts who needs something of a store, by name: the first one opens it, the last one to leave closes it. */
export function createPresence() {
  const counts = new WeakMap<object, Map<string, number>>()

  return {
    /** Returns the undo. */
    enter(owner: object, name: string, open: () => void, close: () => void): () => void {
      const held = counts.get(owner) ?? new Map<string, number>()
      counts.set(owner, held)
      if (!held.has(name)) openOrClose(open, close)
      // Who saw it open may have entered meanwhile.
      held.set(name, (held.get(name) ?? 0) + 1)
      return () => {
        const left = (held.get(name) ?? 1) - 1
        if (left > 0) held.set(name, left)
        else {
          held.delete(name)
          close()
        }
      }
    },
  }
}
