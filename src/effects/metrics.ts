import type { Clock, Stop } from '../environment'
import type { Extra, OutboxState } from '../model'
import { entriesIn } from '../policy/outbox'
import { shielded } from './shielded'

/** One measurement, as it happens: milliseconds for `ack_latency`, a number of messages or events otherwise. */
export interface MetricSample {
  readonly name: 'ack_latency' | 'batch_size' | 'retry' | 'reconnection' | 'duplicate' | 'invalid_payload' | 'failed'
  readonly value: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Everything since the chat was created (or `reset`). Latencies in milliseconds over the last 512 acks; null before the first. */
export interface MetricsSnapshot {
  /** From emit to acknowledgement, in milliseconds, over the last 512; `count` of all. */
  readonly ackLatency: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null; readonly count: number }
  /** Unsent messages, and the age in milliseconds of the oldest that is not failed. */
  readonly queue: { readonly depth: number; readonly failed: number; readonly oldestAgeMs: number }
  /** How many messages came into the state at once. */
  readonly batches: { readonly count: number; readonly last: number; readonly max: number; readonly mean: number }
  /** Attempts that were refused for now or timed out, and are made again. */
  readonly retries: number
  /** Connections after the first. */
  readonly reconnections: number
  /** Messages that came again, and were dropped. */
  readonly duplicates: number
  /** Payloads that could not be read, and were dropped. */
  readonly invalidPayloads: number
  /** Messages that became `failed`. */
  readonly failures: number
}

const KEPT_LATENCIES = 512

/** How exact the age of what waits is. */
const AGE_STEP_MS = 1_000

/** Acks are marked in the performance panel once per frame at most: more could not be told apart. */
const MARK_GAP_MS = 16

export interface MetricsOptions {
  readonly clock: Clock
  readonly userTiming: boolean
  readonly onMetric?: ((sample: MetricSample) => void) | undefined
}

type Counted = Exclude<MetricSample['name'], 'ack_latency' | 'batch_size'>

/** Nearest-rank percentile of a sorted list. */
const percentile = (sorted: readonly number[], rank: number): number | null =>
  sorted[Math.ceil(rank * sorted.length) - 1] ?? null

/** Shows in a browser's performance panel while it records; cleared at once, so that the page's buffer never grows. */
function mark(name: string, start: number, end: number): void {
  if (typeof performance === 'undefined' || typeof performance.measure !== 'function') return
  performance.measure(name, { start, end })
  performance.clearMeasures(name)
}

function queueOf(outboxes: Iterable<OutboxState<Extra>>, now: number): MetricsSnapshot['queue'] {
  const entries = [...outboxes].flatMap(entriesIn)
  const waiting = entries.filter((entry) => !entry.failure)
  const oldest = waiting.reduce((earliest, { message }) => Math.min(earliest, message.createdAt), now)
  return { depth: waiting.length, failed: entries.length - waiting.length, oldestAgeMs: now - oldest }
}

export function createMetrics({ clock, userTiming, onMetric }: MetricsOptions) {
  /** By the store; an empty queue keeps none in memory. */
  const outboxes = new Map<object, OutboxState<Extra>>()
  const listeners = new Set<() => void>()
  let latencies: number[] = []
  let acks = 0
  let markedAt = -Infinity
  let batches = { count: 0, last: 0, max: 0, total: 0 }
  let counts: { [name in Counted]?: number } = {}
  let snapshot: MetricsSnapshot | null = null
  let measuredAt = -Infinity

  /** What is read next is measured anew. */
  function moved(): void {
    snapshot = null
    // Whoever subscribes meanwhile is told the next time, as by a store.
    for (const listener of [...listeners]) listener()
  }

  function changed(name: MetricSample['name'], value: number): void {
    moved()
    onMetric?.({ name, value, at: clock.now() })
  }

  function measure(): MetricsSnapshot {
    measuredAt = clock.now()
    const sorted = [...latencies].sort((a, b) => a - b)
    return {
      ackLatency: { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99), count: acks },
      queue: queueOf(outboxes.values(), clock.now()),
      batches: { count: batches.count, last: batches.last, max: batches.max, mean: batches.count === 0 ? 0 : batches.total / batches.count },
      retries: counts.retry ?? 0,
      reconnections: counts.reconnection ?? 0,
      duplicates: counts.duplicate ?? 0,
      invalidPayloads: counts.invalid_payload ?? 0,
      failures: counts.failed ?? 0,
    }
  }

  return {
    count(name: Counted, by = 1): void {
      if (by <= 0) return
      counts = { ...counts, [name]: (counts[name] ?? 0) + by }
      changed(name, by)
    },
    /** `start` and `end` are monotonic milliseconds. */
    acked(start: number, end: number): void {
      latencies[acks % KEPT_LATENCIES] = end - start
      acks++
      if (userTiming && end - markedAt >= MARK_GAP_MS) mark('redux-chat: send to ack', start, (markedAt = end))
      changed('ack_latency', end - start)
    },
    batch(size: number, start: number, end: number): void {
      batches = { count: batches.count + 1, last: size, max: Math.max(batches.max, size), total: batches.total + size }
      if (userTiming) mark('redux-chat: apply batch', start, end)
      changed('batch_size', size)
    },
    queueChanged(store: object, outbox: OutboxState<Extra>): void {
      if (outbox.channels.length > 0) outboxes.set(store, outbox)
      else outboxes.delete(store)
      moved()
    },
    /** The same object until something was measured; while something waits, for a second at most, because that grows older. */
    getSnapshot(): MetricsSnapshot {
      if (snapshot && snapshot.queue.depth > 0 && Math.abs(clock.now() - measuredAt) >= AGE_STEP_MS) snapshot = null
      return (snapshot ??= measure())
    },
    /** Calls `listener` after each measurement; the undo is returned. */
    subscribe(listener: () => void): Stop {
      const safe = shielded(listener)
      listeners.add(safe)
      return () => listeners.delete(safe)
    },
    reset(): void {
      latencies = []
      acks = 0
      batches = { count: 0, last: 0, max: 0, total: 0 }
      counts = {}
      moved()
    },
  }
}

export type Metrics = ReturnType<typeof createMetrics>
