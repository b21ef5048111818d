import type { Committed } from './ack-server-types'
import type { Report } from './page/app'

type Dispatched = Extract<Report, { kind: 'dispatched' }>

/** What a promise of the kind "exactly once, in order" can be broken by; empty lists when it is kept. */
export interface Faults {
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  /** Of one tab and channel, but not in the order of their dispatch; or a hole in the server's own numbers. */
  readonly disordered: readonly string[]
}

export const NO_FAULTS: Faults = { missing: [], doubled: [], disordered: [] }

export interface Ledger {
  hear(report: Report): void
  readonly dispatched: ReadonlyMap<string, Dispatched>
  /** When each message first showed `stored: true`, in whatever tab. */
  readonly stored: ReadonlyMap<string, number>
  /** The longest that a bare write of this tab took until `end`, the unfinished one included. */
  slowestControl(tab: string, end: number): number
  /** Tabs that found less than earlier ones had written without the library: the browser itself has lost the device's storage. */
  readonly wipes: readonly string[]
  /** The longest that a report was under way, in milliseconds. */
  readonly slowest: number
}

/** All that the pages said. */
export function createLedger(): Ledger {
  const dispatched = new Map<string, Dispatched>()
  const stored = new Map<string, number>()
  const controls = new Map<string, Map<number, { from: number; to: number | null }>>()
  const wipes: string[] = []
  let durable = 0
  let slowest = 0

  /** Opening counts as the first, number 0: the library has to open its database too. */
  function hearControl({ tab, n, at }: { readonly tab: string; readonly n: number; readonly at: number }): void {
    const writes = controls.get(tab) ?? new Map<number, { from: number; to: number | null }>()
    controls.set(tab, writes)
    const begun = writes.get(n)
    writes.set(n, begun ? { ...begun, to: at } : { from: at, to: null })
  }

  const isDone = ({ tab, n }: { readonly tab: string; readonly n: number }): boolean => typeof controls.get(tab)?.get(n)?.to === 'number'

  function hearFound({ tab, n, at }: Extract<Report, { kind: 'found' }>): void {
    hearControl({ tab, n: 0, at })
    if (n < durable) wipes.push(tab)
    durable = n
  }

  return {
    dispatched,
    stored,
    wipes,
    slowestControl: (tab, end) => Math.max(0, ...[...(controls.get(tab)?.values() ?? [])].map(({ from, to }) => (to ?? end) - from)),
    get slowest() { return slowest },
    hear(report) {
      slowest = Math.max(slowest, Date.now() - report.at)
      if (report.kind === 'dispatched') dispatched.set(report.id, report)
      else if (report.kind === 'stored') stored.set(report.id, Math.min(report.at, stored.get(report.id) ?? Infinity))
      else if (report.kind === 'control') {
        hearControl(report)
        if (isDone(report)) durable = report.n
      } else if (report.kind === 'opening') hearControl({ ...report, n: 0 })
      else if (report.kind === 'found') hearFound(report)
    },
  }
}

/** Compares the server's log with the messages that have to be in it; whatever else a page sent is held to the same order. */
export function findFaults(log: readonly Committed[], expected: Iterable<Dispatched>): Faults {
  const ids = new Set<string>()
  const doubled: string[] = []
  const disordered: string[] = []
  const last = new Map<string, number>()
  const rises = (line: string, n: number, what: string): void => {
    if (n <= (last.get(line) ?? 0)) disordered.push(`${what} after ${last.get(line)}`)
    last.set(line, n)
  }
  for (const { id, content, channelId, seq } of log) {
    if (ids.has(id)) doubled.push(content)
    ids.add(id)
    const [tab = '', channel = '', n] = content.split(' ')
    rises(`${tab} ${channel}`, Number(n), content)
    rises(`seq of ${channelId}`, seq, `${content} (seq ${seq})`)
  }
  const missing = [...expected].filter(({ id }) => !ids.has(id)).map(({ tab, channel, n }) => `${tab} ${channel} ${n}`)
  return { missing, doubled, disordered }
}

/** The p-th percentile of some numbers, p from 0 to 1. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN
}
