import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createSeededRandom } from '../../src/testing/seeded'
import { CRASHES, CUTS, SEED } from './effort'
import { describeInBrowsers, type Page } from './harness'
import { createLedger, findFaults, NO_FAULTS } from './ledger'
import { startAckServer, type AckServer } from './start-ack-server'
import { createTcpProxy, type TcpProxy } from './tcp-proxy'
import { isDrained, reports, serveTestPage, view, type TestPage } from './test-page'

const DRAIN_TIMEOUT_MS = 90_000
/** Long enough for either side to notice a dead link, short enough that some are over before. */
const LONGEST_FAULT_MS = 2_500
const LONGEST_REST_MS = 900
const TIMEOUT_MS = 60_000 + DRAIN_TIMEOUT_MS

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

describeInBrowsers('a faulty world', ({ engine, browser }) => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => { for (const cleanup of cleanups.splice(0).reverse()) await cleanup() })

  const serve = async (isOrdered: boolean): Promise<AckServer> => {
    const server = await startAckServer({ isOrdered })
    cleanups.push(server.close)
    return server
  }
  const open = async (tab: string, url: string): Promise<Page> => {
    const opened = await browser().newPage()
    cleanups.push(opened.close)
    await opened.goto(page.url({ tab, server: url, seed: `${SEED} ${tab}` }))
    return opened
  }

  /** Everything that the tab dispatched is in the log, once, in order. */
  async function check(tab: Page, server: AckServer, title: string): Promise<void> {
    await tab.evaluate(stop)
    await tab.waitFor(isDrained, [], { timeoutMs: DRAIN_TIMEOUT_MS })
    const ledger = createLedger()
    for (const report of await tab.evaluate(reports)) ledger.hear(report)
    const sent = server.arrivals().filter(({ kind }) => kind === 'sent').length
    process.stdout.write(`${title}, ${engine}, seed ${SEED}: dispatched ${ledger.dispatched.size}, sent ${sent} times, committed ${server.committed().length}\n`)
    expect(findFaults(server.committed(), ledger.dispatched.values())).toEqual(NO_FAULTS)
    expect(server.committed()).toHaveLength(ledger.dispatched.size)
    expect(await tab.evaluate(view)).toMatchObject({ unsent: 0, failed: [] })
  }

  it.for([{ isOrdered: false }, { isOrdered: true }])(
    'G1 G2 G3: the network is cut under load, once and in order all the same (ordered server: $isOrdered)', { retry: 0, timeout: CUTS * 4_000 + TIMEOUT_MS },
    async ({ isOrdered }) => {
      const server = await serve(isOrdered)
      const network = await createTcpProxy(server.port)
      cleanups.push(network.close)
      const random = createSeededRandom(`${SEED} cuts ${engine} ${isOrdered}`)
      const tab = await open('cut', network.url)
      const counts = new Map<string, number>()
      for (let i = 0; i < Math.ceil(CUTS / 2); i++) {
        await delay(random() * LONGEST_REST_MS)
        const fault = await breakNetwork(network, random)
        counts.set(fault, (counts.get(fault) ?? 0) + 1)
      }
      await check(tab, server, `network: ${JSON.stringify(Object.fromEntries(counts))}, ordered: ${isOrdered}`)
    })

  it.for([{ isOrdered: false }, { isOrdered: true }])(
    'G1 G2 G3: the server is killed under load, also between commit and ack (ordered server: $isOrdered)', { retry: 0, timeout: CRASHES * 4_000 + TIMEOUT_MS },
    async ({ isOrdered }) => {
      const server = await serve(isOrdered)
      const random = createSeededRandom(`${SEED} crashes ${engine} ${isOrdered}`)
      const tab = await open('crash', server.url)
      const crashes = Math.ceil(CRASHES / 2)
      for (let i = 0; i < crashes; i++) {
        await delay(random() * LONGEST_REST_MS)
        if (i % 2 === 0) await server.killAtCommit()
        else await server.kill()
        await delay(random() * LONGEST_REST_MS)
        await server.start()
      }
      await check(tab, server, `server: ${crashes} kills, ${Math.ceil(crashes / 2)} of them between commit and ack, ordered: ${isOrdered}`)
    })
})

/** One accident, from its beginning to its end. */
async function breakNetwork(network: TcpProxy, random: () => number): Promise<string> {
  const kinds = ['cut', 'refuse', 'stall', 'lose'] as const
  const kind = kinds[Math.floor(random() * kinds.length)] ?? 'cut'
  network[kind]()
  if (kind !== 'cut') await delay(random() * LONGEST_FAULT_MS)
  network.heal()
  return kind
}

// What follows runs in the page.

function stop(): void {
  window.app.stop()
}
