import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { describeInBrowsers } from './harness'
import { percentile } from './ledger'
import type { Report } from './page/app'
import { isDrained, serveTestPage, view, type TestPage } from './test-page'
import { startAckServer, type AckServer } from './start-ack-server'
import { createTcpProxy, type TcpProxy } from './tcp-proxy'

const SINGLE = 200
const BURSTS = { count: 8, size: 50 }
const WAITING = 20

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

describeInBrowsers('durability', ({ engine, browser }) => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => { for (const cleanup of cleanups.splice(0).reverse()) await cleanup() })

  const serve = async (): Promise<{ server: AckServer; network: TcpProxy }> => {
    const server = await startAckServer({ isOrdered: true })
    cleanups.push(server.close)
    const network = await createTcpProxy(server.port)
    cleanups.push(network.close)
    return { server, network }
  }
  const open = async (tab: string, network: TcpProxy) => {
    const opened = await browser().newPage()
    cleanups.push(opened.close)
    await opened.goto(page.url({ tab, server: network.url }))
    return opened
  }

  // No time is asserted: the machine may be busy. The figures are printed.
  it('G1: every message becomes durable, one at a time and in bursts', async () => {
    const { server, network } = await serve()
    // Offline: an acknowledged message would leave the outbox, and nobody could see whether it had been stored.
    network.refuse()
    const tab = await open('writer', network)
    const single = waits(await tab.evaluate(sendOneByOne, SINGLE))
    const burst = waits((await tab.evaluate(sendBursts, BURSTS.count, BURSTS.size)).slice(SINGLE * 2))
    const bare = await tab.evaluate(writeBare, SINGLE)
    const line = (title: string, times: readonly number[]): string =>
      `${title} p50 ${percentile(times, 0.5).toFixed(1)} p99 ${percentile(times, 0.99).toFixed(1)} max ${Math.max(...times).toFixed(1)}`
    process.stdout.write(`durable, ms from dispatch to stored, ${browser().name}: ${line(`${SINGLE} one at a time:`, single)}; ${line(`${BURSTS.count} bursts of ${BURSTS.size}:`, burst)}; ${line(`${SINGLE} bare writes:`, bare)}\n`)
    expect([single.length, burst.length]).toEqual([SINGLE, BURSTS.count * BURSTS.size])
    expect(await tab.evaluate(view)).toMatchObject({ unsent: SINGLE + BURSTS.count * BURSTS.size, failed: [] })

    network.heal()
    await tab.waitFor(isDrained, [], { timeoutMs: 60_000 })
    expect(server.committed().map(({ content }) => content)).toEqual(Array.from({ length: SINGLE + BURSTS.count * BURSTS.size }, (_, i) => `writer one ${i + 1}`))
  })

  it('G1: a reloaded tab shows its own pending messages at once, all together', async () => {
    const { server, network } = await serve()
    network.refuse()
    const tab = await open('reloaded', network)
    const ids = (await tab.evaluate(sendOneByOne, WAITING)).flatMap((report) => (report.kind === 'dispatched' ? [report.id] : []))
    await tab.reload()
    const first = await tab.waitFor(firstRestored, [])
    process.stdout.write(`reloaded, ${engine}: ${first.ids.length} pending messages shown ${first.sinceStart.toFixed(0)} ms after the navigation began\n`)
    expect(first.ids).toEqual(ids)

    network.heal()
    await tab.waitFor(isDrained, [], { timeoutMs: 60_000 })
    expect(server.committed().map(({ id }) => id)).toEqual(ids)
  })
})

/** How long each message took from its dispatch until it showed `stored: true`. */
function waits(all: readonly Report[]): number[] {
  const dispatched = new Map(all.flatMap((report) => (report.kind === 'dispatched' ? [[report.id, report.at]] : [])))
  return all.flatMap((report) => {
    const from = report.kind === 'stored' ? dispatched.get(report.id) : undefined
    return from === undefined ? [] : [report.at - from]
  })
}

// What follows runs in the page.

async function sendOneByOne(count: number): Promise<readonly Report[]> {
  for (let i = 0; i < count; i++) for (const id of window.app.send('one', 1)) await window.app.stored(id)
  return window.app.reports
}

async function sendBursts(count: number, size: number): Promise<readonly Report[]> {
  for (let i = 0; i < count; i++) await Promise.all(window.app.send('one', size).map((id) => window.app.stored(id)))
  return window.app.reports
}

function writeBare(count: number): Promise<number[]> {
  return window.app.control(count)
}

function firstRestored(): Extract<Report, { kind: 'restored' }> | null {
  for (const report of window.app.reports) if (report.kind === 'restored') return report
  return null
}
