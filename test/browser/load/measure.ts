import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession } from 'puppeteer-core'
import type { LoadApp } from './app'
import type { Spread } from './meter'
import type { BurstReport } from './start-server'

/** One real key after the other, whatever the page does. */
export async function typeSlowly(tools: CDPSession, text: string, pauseMs: number): Promise<void> {
  for (const key of text) {
    await tools.send('Input.dispatchKeyEvent', { type: 'keyDown', key, text: key })
    await tools.send('Input.dispatchKeyEvent', { type: 'keyUp', key })
    await delay(pauseMs)
  }
}

export async function heapOf(tools: CDPSession): Promise<number> {
  await tools.send('HeapProfiler.collectGarbage')
  return (await tools.send('Runtime.getHeapUsage')).usedSize
}

/** What the page's main thread did, in seconds: all its tasks, and of these scripts, layout and styles. */
export async function worked(tools: CDPSession): Promise<Work> {
  const { metrics } = await tools.send('Performance.getMetrics')
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0
  return { tasks: of('TaskDuration'), scripts: of('ScriptDuration'), layout: of('LayoutDuration'), styles: of('RecalcStyleDuration') }
}

export interface Work { readonly tasks: number; readonly scripts: number; readonly layout: number; readonly styles: number }

export const describeWork = (before: Work, after: Work): string =>
  `  main thread: ${(['tasks', 'scripts', 'layout', 'styles'] as const).map((kind) => `${kind} ${(after[kind] - before[kind]).toFixed(1)} s`).join(', ')}\n`

const SAMPLE_US = 500
const SHOWN = 30

/** With `PROFILE=1`, prints where the page's time went: the functions with the most of their own, in per cent of all samples. */
export async function profiled<T>(tools: CDPSession, title: string, work: () => Promise<T>): Promise<T> {
  if (process.env['PROFILE'] !== '1') return work()
  await tools.send('Profiler.enable')
  await tools.send('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  await tools.send('Profiler.start')
  const result = await work()
  const { profile } = await tools.send('Profiler.stop')
  const own = new Map<string, number>()
  for (const { hitCount = 0, callFrame: { functionName, lineNumber, url } } of profile.nodes) {
    const name = `${functionName || '(anonymous)'} ${url.split('/').at(-1)}:${lineNumber + 1}`
    own.set(name, (own.get(name) ?? 0) + hitCount)
  }
  const all = profile.samples?.length ?? 1
  const lines = [...own].sort(([, a], [, b]) => b - a).slice(0, SHOWN).map(([name, hits]) => `  ${((100 * hits) / all).toFixed(1).padStart(5)} %  ${name}`)
  process.stdout.write(`profile: ${title}, ${all} samples\n${lines.join('\n')}\n`)
  return result
}

const spread = ({ count, p50, p99, max }: Spread): string => `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms (${count})`

export function describeBurst(title: string, { late, tookMs }: BurstReport, drainedMs: number, report: ReturnType<LoadApp['report']>): string {
  const { events, commits, toRow, fromServer, longTasks, keys } = report
  return `load (${title}): ${events} events in ${Math.round(tookMs)} ms (the server was up to ${Math.round(late)} ms late), all seen after ${Math.round(drainedMs)} ms, ${commits} commits; `
    + `long tasks ${longTasks.count}, longest ${Math.round(longTasks.longest)} ms, ${Math.round(longTasks.total)} ms in all\n`
    + (toRow.count === 0 ? '' : `  event to row: ${spread(toRow)}; server to row: ${spread(fromServer)}\n`)
    + `  keys: waited ${spread(keys.waited)}; handled ${spread(keys.handled)}; painted ${spread(keys.painted)}\n`
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)

export function describeHeap(history: number, heaps: readonly number[]): string {
  const shown = heaps.filter((_, at) => at % Math.ceil(heaps.length / 12) === 0)
  return `load: walked through ${history} messages: heap after collection ${shown.map(mb).join(' ')} MB; `
    + `first ${mb(heaps[0] ?? 0)}, last ${mb(heaps.at(-1) ?? 0)}, most ${mb(Math.max(...heaps))} MB in ${heaps.length} looks\n`
}
