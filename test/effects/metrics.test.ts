import { PerformanceObserver } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import type { MetricSample } from 'redux-chat'
import { openStore } from '../support/chat-store'

describe('metrics', () => {
  it('measure acks, the queue, batches, retries and what was dropped, and forward each sample', async () => {
    const samples: MetricSample[] = []
    const alice = openStore({ config: { onMetric: (sample) => samples.push(sample) }, world: { latencyMs: 20 } })
    alice.connect()
    await alice.advance(200)
    for (let i = 0; i < 10; i++) alice.send(`m${i}`, `c${i}`)
    expect(alice.chat.metrics.getSnapshot().queue).toMatchObject({ depth: 10, failed: 0 })
    await alice.advance(30)
    expect(alice.chat.metrics.getSnapshot().queue.oldestAgeMs).toBe(30)
    await alice.advance(200)
    alice.env.server.rejectNext({ code: 'no' })
    alice.send('failed')
    await alice.advance(200)
    alice.env.server.emitRaw('alice', 'message:new', 'nonsense')
    alice.env.network.fault({ direction: 'down', event: 'message:new', action: 'duplicate', times: 3 })
    for (let i = 0; i < 3; i++) alice.env.server.push('general', { userId: 'bob', content: 'hi' })
    await alice.advance(200)
    const snapshot = alice.chat.metrics.getSnapshot()
    expect(snapshot).toMatchObject({
      ackLatency: { p50: 40, p95: 40, p99: 40, count: 10 }, queue: { depth: 0, failed: 1 },
      invalidPayloads: 1, failures: 1, retries: 0, reconnections: 0,
    })
    expect(snapshot.duplicates).toBe(3)
    expect(snapshot.batches.max).toBeGreaterThanOrEqual(3)
    expect(alice.chat.metrics.getSnapshot()).toBe(snapshot)
    expect(new Set(samples.map(({ name }) => name))).toEqual(new Set(['ack_latency', 'batch_size', 'invalid_payload', 'duplicate', 'failed']))
  })

  it('the queue is what is unsent, whether or not anybody is connected', async () => {
    const alice = openStore()
    const depth = (): number => alice.chat.metrics.getSnapshot().queue.depth
    alice.send('before the first connect')
    expect(depth()).toBe(1)
    alice.env.network.cut()
    alice.connect()
    alice.send('while away')
    await alice.settle()
    alice.dispatch(alice.chat.actions.disconnect())
    alice.send('after a disconnect')
    expect(depth()).toBe(3)
    alice.env.network.restore()
    alice.connect()
    await alice.advance(5_000)
    expect(depth()).toBe(0)
    alice.env.network.cut()
    alice.send('left behind')
    expect(depth()).toBe(1)
    alice.dispatch(alice.chat.actions.signOut())
    expect(depth()).toBe(0)
  })

  it('the queue is as old as the oldest in it that waits, and a batch counts as the largest until a larger one', async () => {
    const alice = openStore()
    alice.connect()
    await alice.advance(1_000)
    for (let i = 0; i < 5; i++) alice.env.server.push('general', { userId: 'bob', content: 'hi' })
    await alice.advance(1_000)
    alice.env.server.push('general', { userId: 'bob', content: 'hi' })
    await alice.advance(1_000)
    alice.env.network.cut()
    alice.send('first')
    await alice.advance(5_000)
    alice.send('second')
    const { queue, batches } = alice.chat.metrics.getSnapshot()
    expect([queue.oldestAgeMs, batches.max, batches.last]).toEqual([5_000, 4, 1])
  })

  it('G8: User Timing measures reach the performance panel and are not kept in the page', async () => {
    const seen: string[] = []
    const observer = new PerformanceObserver((list) => seen.push(...list.getEntries().map(({ name }) => name)))
    observer.observe({ entryTypes: ['measure'] })
    const alice = openStore()
    alice.connect()
    for (let i = 0; i < 20; i++) alice.send(`m${i}`, `c${i}`)
    await alice.advance(100)
    await alice.settle()
    alice.send('later')
    await alice.advance(100)
    await alice.settle()
    seen.push(...observer.takeRecords().map(({ name }) => name))
    observer.disconnect()
    // Twenty acks of one moment are one mark.
    expect(alice.chat.metrics.getSnapshot().ackLatency.count).toBe(21)
    expect(seen.filter((name) => name === 'redux-chat: send to ack')).toHaveLength(2)
    expect(seen).toContain('redux-chat: apply batch')
    expect(performance.getEntriesByType('measure').filter(({ name }) => name.startsWith('redux-chat'))).toEqual([])
  })

  it('what a callback is told of is in the snapshot that it reads', async () => {
    const counts: number[] = []
    const alice = openStore({ config: {
      onMetric: ({ name }: MetricSample) => { if (name === 'ack_latency') counts.push(alice.chat.metrics.getSnapshot().ackLatency.count) },
    } })
    alice.connect()
    alice.send('hi')
    // Somebody has read one just before.
    for (let i = 0; i < 100; i++) {
      alice.chat.metrics.getSnapshot()
      await alice.advance(1)
    }
    expect(counts).toEqual([1])
  })

  it('a callback that throws harms nothing and is not swallowed', async () => {
    const uncaught: unknown[] = []
    const listen = (reason: unknown) => { uncaught.push(reason) }
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', listen)
    try {
      const alice = openStore({ config: { onMetric: () => { throw new Error('from the app') } } })
      alice.connect()
      alice.send('hi')
      await alice.advance(100)
      expect(alice.shown()).toEqual(['hi:sent'])
      expect(uncaught.length).toBeGreaterThan(0)
    } finally {
      process.off('uncaughtException', listen)
      for (const other of others) process.on('uncaughtException', other)
    }
  })
})
