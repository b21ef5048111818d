const DEFAULT_TIMEOUT_MS = 4_500

export interface Watched {
  subscribe(listener: () => void): () => void
}

/** Resolves at the first change after which `holds`; rejects with a picture of what is, when that takes too long. */
export function until(watched: Watched, holds: () => boolean, picture: () => unknown = () => '', timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
  if (holds()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop()
      reject(new Error(`still not so after ${timeoutMs} ms: ${String(holds)}; ${JSON.stringify(picture())}`))
    }, timeoutMs)
    const stop = watched.subscribe(() => {
      if (!holds()) return
      clearTimeout(timer)
      stop()
      resolve()
    })
  })
}

/** Something that tests change and wait for. */
export function createWatched() {
  const listeners = new Set<() => void>()
  return {
    changed: (): void => { for (const listener of [...listeners]) listener() },
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
