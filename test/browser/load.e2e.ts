import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { HISTORY, LOAD_RATE as PER_SECOND, LOAD_SECONDS } from './effort'
import { describeIn, launchBrowser, type Browser, type Page } from './harness'
import type { Mode, PageOptions } from './load/app'
import { describeBurst, describeHeap, describeWork, heapOf, profiled, typeSlowly, worked } from './load/measure'
import { startLoadServer, type LoadServer } from './load/start-server'
import { servePage, type ServedPage } from './test-page'

const SLOWDOWN = 6
const TEXT = 'typed while a thousand messages a second come in '
const KEY_PAUSE_MS = 60
/** Messages that are there before the burst. */
const HELD = 200
const TIMEOUT_MS = 60_000 + LOAD_SECONDS * 6_000
const CONTROL_TIMEOUT_MS = 10_000 + LOAD_SECONDS * 1_000

let page: ServedPage<PageOptions>
beforeAll(async () => { page = await servePage<PageOptions>('load') })
afterAll(() => page?.close())

// Only here can a test slow the processor down and collect garbage: the other engines have no such tools.
describeIn('chromium', 'under load', () => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => { for (const cleanup of cleanups.splice(0).reverse()) await cleanup() })

  async function open(history: number, options: Omit<PageOptions, 'server'>): Promise<{ server: LoadServer; tab: Page }> {
    const server = await startLoadServer({ history })
    cleanups.push(server.close)
    const browser: Browser = await launchBrowser('chromium')
    cleanups.push(browser.kill)
    const tab = await browser.newPage()
    await tab.goto(page.url({ ...options, server: server.url }))
    await tab.waitFor(isReady, [options.mode === 'chat'])
    return { server, tab }
  }

  it.for<{ mode: Mode; rate: number }>([
    { mode: 'chat', rate: SLOWDOWN }, { mode: 'chat', rate: 1 }, { mode: 'bare', rate: SLOWDOWN },
    ...(LOAD_SECONDS < 30 ? [] : [{ mode: 'slice' as const, rate: SLOWDOWN }]),
  ])(`G8: ${PER_SECOND} messages/s for ${LOAD_SECONDS} s while somebody types ($mode, processor $rate times slower)`, { retry: 0, timeout: LOAD_SECONDS * 8_000 + TIMEOUT_MS }, async ({ mode, rate }) => {
    const { server, tab } = await open(HELD, { mode })
    const tools = await tab.devTools()
    await tab.click({ role: 'textbox', name: 'Message' })
    await tools.send('Emulation.setCPUThrottlingRate', { rate })
    const count = LOAD_SECONDS * PER_SECOND
    const text = TEXT.repeat(Math.max(1, Math.floor((count * 0.9) / PER_SECOND / (TEXT.length * KEY_PAUSE_MS / 1_000))))
    await tools.send('Performance.enable')
    const before = await worked(tools)
    const begun = performance.now()
    await tab.evaluate(start)
    const [burst] = await profiled(tools, `${mode} ${rate}x`, () => Promise.all([
      server.burst({ count, perSecond: PER_SECOND }),
      delay(100).then(() => typeSlowly(tools, text, KEY_PAUSE_MS)),
    ]))
    if (mode === 'chat') await tab.waitFor(hasRow, [HELD + count], { timeoutMs: TIMEOUT_MS })
    // What a control does not manage in this time is what it shows.
    else await tab.waitFor(hasHeard, [count], { timeoutMs: CONTROL_TIMEOUT_MS }).catch(() => undefined)
    const drainedMs = performance.now() - begun
    const report = await tab.evaluate(measured)
    process.stdout.write(describeBurst(`${mode}, ${rate}x slower`, burst, drainedMs, report) + describeWork(before, await worked(tools)))
    if (mode !== 'chat') return
    expect(report).toMatchObject({ events: count, disorder: 0 })
    const seen = await tab.evaluate(view)
    // Everything came by itself: no page was asked for, and no hole is left.
    expect(burst.syncs).toBe(0)
    expect(seen).toMatchObject({
      status: 'connected', sync: 'idle', gap: false, latest: HELD + count, errors: [], typed: text,
      loaded: { last: HELD + count, isUnbroken: true }, rows: { last: HELD + count, isUnbroken: true },
    })
    await tab.type({ role: 'textbox', name: 'Message' }, '\n')
    await tab.waitFor(isSent, [text.trim()])
  })

  it('G8: one new message with 10,000 loaded renders one row', async () => {
    const loaded = 10_000
    const { server, tab } = await open(loaded, { mode: 'chat', window: String(loaded + 100), page: '1000' })
    for (let count = 2_000; count <= loaded; count += 1_000) {
      await tab.evaluate(loadOlder)
      await tab.waitFor(hasLoaded, [count])
    }
    await tab.evaluate(start)
    await server.burst({ count: 1, perSecond: 1 })
    await tab.waitFor(hasRow, [loaded + 1])
    await tab.waitFor(isRead, [loaded + 1])
    const rendered = await tab.evaluate(renders)
    process.stdout.write(`load: one new message with ${loaded} loaded: rows rendered (seq, times): ${JSON.stringify(rendered)}\n`)
    expect(rendered.map(([seq]) => seq)).toEqual([loaded + 1])
  })

  it(`G8: a history of ${HISTORY} messages is walked through in a window of 1,000`, { retry: 0, timeout: HISTORY * 12 + TIMEOUT_MS }, async () => {
    const { tab } = await open(HISTORY, { mode: 'chat' })
    const tools = await tab.devTools()
    const heaps: number[] = []
    for (let isThere = false; !isThere;) {
      const { oldest, breaks } = await tab.evaluate(walk, 100)
      heaps.push(await heapOf(tools))
      expect(breaks).toEqual([])
      const { loaded } = await tab.evaluate(view)
      expect(loaded.count).toBeLessThanOrEqual(1_000)
      expect(loaded.isUnbroken).toBe(true)
      isThere = oldest === 1
    }
    await tab.click({ role: 'button', name: 'Jump to latest' })
    await tab.waitFor(hasRow, [HISTORY])
    heaps.push(await heapOf(tools))
    process.stdout.write(describeHeap(HISTORY, heaps))
    const third = Math.floor(heaps.length / 3)
    const most = (values: readonly number[]): number => Math.max(...values)
    expect(most(heaps.slice(-third))).toBeLessThan(most(heaps.slice(0, third)) * 1.25)
  })
})

// What follows runs in the page.

const start = (): void => window.load.start()
const measured = () => window.load.report()
const view = () => window.load.view()
const renders = () => window.load.rendered()
const loadOlder = (): void => window.load.loadOlder()
const walk = (steps: number) => window.load.walk(steps)
const hasHeard = (count: number): boolean => window.load.report().events >= count
const hasRow = (seq: number): boolean => window.load.view().rows.last === seq
const hasLoaded = (count: number): boolean => window.load.view().loaded.count === count
const isSent = (content: string): boolean => window.load.contents().some((held) => held.trim() === content)
const isRead = (seq: number): boolean =>
  document.querySelector(`[data-message-id="00000000-0000-7000-8000-${String(seq).padStart(12, '0')}"]`)?.getAttribute('data-status') === 'read'

function isReady(isChat: boolean): boolean {
  const { status, sync, loaded } = window.load.view()
  return status === 'connected' && (!isChat || (sync === 'idle' && loaded.count > 0))
}
