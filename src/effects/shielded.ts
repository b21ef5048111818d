/** An app's callback (if it gave one), or a subscriber of its store, may throw without harm to the chat: its error surfaces as an uncaught one of its own. */
export function shielded<A extends readonly unknown[]>(callback: ((...args: A) => void) | undefined) {
  return (...args: A): void => {
    try {
      callback?.(...args)
    } catch (reason) {
      // Not ours to swallow, and not ours to die of.
      queueMicrotask(() => { throw reason })
    }
  }
}
