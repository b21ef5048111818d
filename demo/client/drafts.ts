/** What is written and not sent yet, by channel: whoever looks into another channel finds it when they are back. */
export function createDrafts() {
  const listeners = new Set<() => void>()
  const texts = new Map<string, string>()

  return {
    of: (channelId: string): string => texts.get(channelId) ?? '',
    set(channelId: string, text: string): void {
      texts.set(channelId, text)
      for (const listener of listeners) listener()
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
