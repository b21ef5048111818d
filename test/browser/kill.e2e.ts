import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createSeededRandom } from '../../src/testing/seeded'
import { KILLS, SEED } from './effort'
import { describeIn, launchBrowser, type Browser } from './harness'
import { createLedger, findFaults, NO_FAULTS, type Ledger } from './ledger'
import { startAckServer, type AckServer } from './start-ack-server'
import { createTcpProxy, type TcpProxy } from './tcp-proxy'
import { isDrained, listenTo, serveTestPage, view, type TestPage } from './test-page'

/** What the promise gives a message to become durable. */
const DURABLE_AFTER_MS = 100
/** On a machine that is too busy for that, so many bare writes to IndexedDB: one may be under way already, one is ours, one is for luck. */
const WRITES = 3
/** Counted from the start of the navigation: some kills hit a page that is still adopting. */
const LIFE_MS = { least: 200, most: 1_500 }
const LAST = 'last'
const DRAIN_TIMEOUT_MS = 90_000

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

describeIn('chromium', 'a killed browser', () => {
  it.for([{ isOrdered: false, kills: Math.floor(KILLS / 2) }, { isOrdered: true, kills: Math.ceil(KILLS / 2) }])(
    'G1 G2 G3: what was dispatched 100 ms before the end is committed once, in order (ordered server: $isOrdered, $kills kills)',
    { retry: 0, timeout: KILLS * 8_000 + DRAIN_TIMEOUT_MS + 60_000 },
    async ({ isOrdered, kills }) => {
      const server = await startAckServer({ isOrdered })
      const network = await createTcpProxy(server.port)
      const profile = await mkdtemp(join(tmpdir(), 'redux-chat-profile-'))
      const run = createRun({ server, network, profile, random: createSeededRandom(`${SEED} ${isOrdered}`) })
      try {
        for (let life = 1; life <= kills; life++) await run.live(`life-${life}`)
        await run.drain()
        process.stdout.write(`${run.summary(`ordered: ${isOrdered}, seed ${SEED}`)}\n`)
        expect(findFaults(server.committed(), run.expected())).toEqual(NO_FAULTS)
      } finally {
        await run.end()
        await network.close()
        await server.close()
        await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
      }
    })
})

interface Parts {
  readonly server: AckServer
  readonly network: TcpProxy
  readonly profile: string
  readonly random: () => number
}

/** One profile's browsers, one after the other. */
function createRun({ server, network, profile, random }: Parts) {
  const ledger: Ledger = createLedger()
  /** When each life ended, in milliseconds since the epoch. */
  const killedAt = new Map<string, number>()
  const startedAt = Date.now()
  let browser: Browser | null = null

  async function open(tab: string, seed?: string) {
    browser = await launchBrowser('chromium', { profile })
    const tabPage = await browser.newPage()
    await listenTo(tabPage, ledger.hear)
    return { tabPage, url: page.url({ tab, server: network.url, control: 'on', ...(seed === undefined ? {} : { seed }) }) }
  }

  const switchNetwork = (isOn: boolean): void => (isOn ? network.heal() : network.refuse())

  /** A browser that sends until it is killed. It begins on- or offline, and may change over. */
  async function live(tab: string): Promise<void> {
    const isOnline = random() < 0.5
    switchNetwork(isOnline)
    const { tabPage, url } = await open(tab, `${SEED} ${tab}`)
    const lifeMs = LIFE_MS.least + random() * (LIFE_MS.most - LIFE_MS.least)
    const changesAt = random() * lifeMs * 2
    // The kill may come before the page has loaded.
    tabPage.goto(url).catch(() => undefined)
    await delay(Math.min(changesAt, lifeMs))
    if (changesAt < lifeMs) switchNetwork(!isOnline)
    await delay(Math.max(0, lifeMs - changesAt))
    killedAt.set(tab, Date.now())
    await browser?.kill()
  }

  /** What the promise allows in this life. */
  const bound = (tab: string): number => Math.max(DURABLE_AFTER_MS, WRITES * ledger.slowestControl(tab, killedAt.get(tab) ?? Infinity))
  const age = ({ tab, at }: { readonly tab: string; readonly at: number }): number => (killedAt.get(tab) ?? Number.NaN) - at
  const lives = (): readonly string[] => [...killedAt.keys(), LAST]
  /** Chromium itself may lose all that an origin has stored when it is killed (a bare page shows it): what was on the device then is not ours to keep. */
  const isWiped = ({ tab }: { readonly tab: string }): boolean => ledger.wipes.some((life) => lives().indexOf(tab) < lives().indexOf(life))
  const expected = () => [...ledger.dispatched.values()]
    .filter((message) => !isWiped(message) && (age(message) >= bound(message.tab) || ledger.stored.has(message.id)))

  /** A last tab, which sends nothing of its own, finds the network whole. */
  async function drain(): Promise<void> {
    network.heal()
    const { tabPage, url } = await open(LAST)
    await tabPage.goto(url)
    const isAllThere = () => expect(findFaults(server.committed(), expected()).missing).toEqual([])
    await vi.waitFor(isAllThere, { timeout: 20_000, interval: 200 }).catch(() => undefined)
    await tabPage.waitFor(isDrained, [], { timeoutMs: DRAIN_TIMEOUT_MS })
    expect(await tabPage.evaluate(view)).toMatchObject({ failed: [], errors: [] })
  }

  function summary(title: string): string {
    const committed = new Set(server.committed().map(({ id }) => id))
    const all = [...ledger.dispatched.values()]
    const gone = all.filter(({ id }) => !committed.has(id))
    const lost = gone.filter((message) => !isWiped(message))
    const waits = all.flatMap(({ id, at }) => { const shown = ledger.stored.get(id); return shown === undefined ? [] : [shown - at] })
    const bounds = [...killedAt.keys()].map(bound)
    return `kill (${title}): ${killedAt.size} kills in ${Math.round((Date.now() - startedAt) / 1_000)} s; reported ${all.length} dispatched, `
      + `${ledger.stored.size} stored; committed ${server.committed().length}; lost ${lost.length}, of them `
      + `${lost.filter((message) => age(message) >= DURABLE_AFTER_MS).length} older than ${DURABLE_AFTER_MS} ms and ${lost.filter(({ id }) => ledger.stored.has(id)).length} shown as stored `
      + `(oldest lost: ${Math.round(Math.max(0, ...lost.map(age)))} ms); the bound was ${DURABLE_AFTER_MS} ms in ${bounds.filter((ms) => ms === DURABLE_AFTER_MS).length} lives, else up to ${Math.round(Math.max(...bounds))} ms; the browser itself lost its storage ${ledger.wipes.length} times, with ${gone.length - lost.length} messages; slowest stored ${Math.round(Math.max(0, ...waits))} ms, slowest report ${Math.round(ledger.slowest)} ms`
  }

  return { live, drain, expected, summary, end: async () => { await browser?.kill() } }
}
