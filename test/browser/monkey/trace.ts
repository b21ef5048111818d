/** What was done in a round, and when: printed when it fails. */
export interface Trace {
  say(what: string): void
  /** What was said last: where a round that does not end stands. */
  last(): string
  lines(): readonly string[]
}

export function createTrace(): Trace {
  const startedAt = Date.now()
  const lines: string[] = []
  let last = 'the beginning'
  return {
    say(what) {
      last = what
      lines.push(`${String(Date.now() - startedAt).padStart(6)} ${what}`)
    },
    last: () => last,
    lines: () => lines,
  }
}

/** Rejects when the work takes longer. */
export async function within<T>(ms: number, what: () => string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`unable to end within ${ms} ms: ${what()}`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
