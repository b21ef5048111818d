export interface Witness {
  trouble(what: string): void
  life(what: 'frozen' | 'resumed' | 'restored'): void
}

const textOf = (value: unknown): string => (value instanceof Error ? value.stack ?? value.message : String(value))

/** Hears what must not happen in a page, and what the browser does with it. */
export function bearWitness({ trouble, life }: Witness): void {
  addEventListener('error', ({ message, error }) => trouble(`error: ${message} ${textOf(error)}`))
  addEventListener('unhandledrejection', ({ reason }) => trouble(`unhandled rejection: ${textOf(reason)}`))
  for (const level of ['error', 'warn'] as const) {
    const write = console[level]
    console[level] = (...args: unknown[]) => {
      trouble(`console.${level}: ${args.map(textOf).join(' ')}`)
      write(...args)
    }
  }
  document.addEventListener('freeze', () => life('frozen'))
  document.addEventListener('resume', () => life('resumed'))
  addEventListener('pageshow', ({ persisted }) => { if (persisted) life('restored') })
}
