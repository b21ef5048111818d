/** In milliseconds. */
export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface MeterReport {
  readonly events: number
  /** Events whose seq was not one above that of the one before. */
  readonly disorder: number
  /** Changes of the list's DOM. */
  readonly commits: number
  /** From the event, as the socket.io client hands it over, to the commit of its row or of a later one. */
  readonly toRow: Spread
  /** From the server's emit (by the wall clock, 1 ms fine) to the same. */
  readonly fromServer: Spread
  /** Tasks over 50 ms. */
  readonly longTasks: { readonly count: number; readonly longest: number; readonly total: number }
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (rank: number): number => sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

interface Waiting {
  readonly seq: number
  readonly arrivedAt: number
  readonly sentAt: number
}

export function createMeter() {
  let waiting: Waiting[] = []
  let [events, disorder, commits, lastSeq] = [0, 0, 0, 0]
  let toRow: number[] = []
  let fromServer: number[] = []
  let tasks: number[] = []
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) tasks.push(duration) }).observe({ type: 'longtask' })

  return {
    arrived(seq: number, sentAt: number): void {
      events++
      if (lastSeq !== 0 && seq !== lastSeq + 1) disorder++
      lastSeq = seq
      waiting.push({ seq, sentAt, arrivedAt: performance.now() })
    },
    /** The newest row is this one: all before it are covered by this commit, though some were never a row. */
    committed(newest: number): void {
      commits++
      const left = waiting.findIndex(({ seq }) => seq > newest)
      const [now, wall] = [performance.now(), Date.now()]
      for (const { arrivedAt, sentAt } of waiting.splice(0, left === -1 ? waiting.length : left)) {
        toRow.push(now - arrivedAt)
        fromServer.push(wall - sentAt)
      }
    },
    /** Where nothing is shown. */
    ignore(): void { waiting = [] },
    start(): void {
      [events, disorder, commits] = [0, 0, 0]
      waiting = []
      toRow = []
      fromServer = []
      tasks = []
    },
    report: (): MeterReport => ({
      events, disorder, commits, toRow: spreadOf(toRow), fromServer: spreadOf(fromServer),
      longTasks: { count: tasks.length, longest: Math.max(0, ...tasks), total: tasks.reduce((sum, ms) => sum + ms, 0) },
    }),
  }
}

export type Meter = ReturnType<typeof createMeter>
