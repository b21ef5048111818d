import { vi } from 'vitest'

/** Collects what is thrown on purpose as an uncaught error, which would end the test. Undone by `vi.unstubAllGlobals()`. */
export function collectUncaught(): readonly unknown[] {
  const thrown: unknown[] = []
  vi.stubGlobal('queueMicrotask', (task: () => void) => {
    try {
      task()
    } catch (reason) {
      thrown.push(reason)
    }
  })
  return thrown
}
