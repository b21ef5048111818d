import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession } from 'puppeteer-core'
import { createSeededRandom } from '../../../src/testing/seeded'
import { launchBrowser, type Browser, type Page } from '../harness'
import { createLedger, type Ledger } from '../ledger'
import type { Report } from '../page/app'
import { startAckServer, type AckServer } from '../start-ack-server'
import { createTcpProxy, type TcpProxy } from '../tcp-proxy'
import { listenTo, type TestPage } from '../test-page'
import { createTrace, within, type Trace } from './trace'

export type Engine = 'chromium' | 'firefox'

export interface Tab {
  readonly name: string
  readonly page: Page
  /** Chromium only. */
  readonly tools: CDPSession | null
  user: string
  isSignedIn: boolean
  isFrozen: boolean
  /** At another page, from which it may come back. */
  isAway: boolean
  /** Resolves when it has loaded, or has not. */
  loading: Promise<void>
}

/** What a round is played in: all of it drawn from its seed. */
export interface World {
  readonly title: string
  readonly engine: Engine
  readonly hasTwoUsers: boolean
  readonly random: () => number
  pick<T>(list: readonly T[]): T | undefined
  readonly server: AckServer
  readonly network: TcpProxy
  readonly ledger: Ledger
  /** What the pages reported as trouble. */
  readonly troubles: readonly string[]
  /** How often the browser stopped a page or brought one back as it was, or a user left one. */
  readonly lives: { frozen: number; resumed: number; restored: number; left: number }
  /** Lives of pages that had to let others have their messages, and went on. */
  readonly interrupted: ReadonlySet<string>
  readonly trace: Trace
  readonly tabs: Tab[]
  /** A new tab, which sends at random; whether or not it has loaded by then. */
  open(): Promise<void>
  /** A new one, loaded, which only watches. */
  openLast(user: string): Promise<Tab>
  /** Of the same origin, without the library. */
  readonly blank: string
  /** Where a tab sends from, once more. */
  urlOf(tab: Pick<Tab, 'name' | 'user'>): string
  drop(tab: Tab): void
  /** What may fail in a page that is going, stopped or dead: told in the trace, and no more. */
  attempt(work: Promise<unknown>, ms?: number): Promise<void>
  close(): Promise<void>
}

const ATTEMPT_MS = 15_000
const LONGEST_LOAD_MS = 400
const PAUSES_MS = [25, 60, 60, 150]

export async function createWorld(id: string, engine: Engine, page: TestPage): Promise<World> {
  const random = createSeededRandom(`${id} ${engine}`)
  const hasTwoUsers = createSeededRandom(`${id} users`)() < 0.5
  const isOrdered = random() < 0.5
  const keepsLeftPages = random() < 0.5
  const server = await startAckServer({ isOrdered })
  const network = await createTcpProxy(server.port)
  const browser: Browser = await launchBrowser(engine, { keepsLeftPages: keepsLeftPages && engine === 'chromium' })
  const ledger = createLedger()
  const trace = createTrace()
  const troubles: string[] = []
  const lives = { frozen: 0, resumed: 0, restored: 0, left: 0 }
  const interrupted = new Set<string>()
  const tabs: Tab[] = []
  let made = 0

  function hear(report: Report): void {
    ledger.hear(report)
    if (report.kind === 'trouble') troubles.push(`${report.tab}: ${report.what}`)
    if (report.kind !== 'life') return
    lives[report.what] += 1
    if (report.what === 'left' || report.what === 'restored') interrupted.add(report.tab)
  }

  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]

  const urlOf: World['urlOf'] = ({ name, user }) => page.url({
    tab: name, server: network.url, seed: `${id} ${name}`, user, pause: pick(PAUSES_MS) ?? 60, ...(random() < 0.15 ? { beforeunload: 'send' } : {}),
  })

  async function newTab(name: string, user: string, kind: 'tab' | 'window'): Promise<Tab> {
    const opened = await browser.newPage(kind)
    await listenTo(opened, hear)
    const tab: Tab = {
      name, user, page: opened, tools: engine === 'chromium' ? await opened.devTools() : null, isSignedIn: true, isFrozen: false, isAway: false,
      loading: Promise.resolve(),
    }
    tabs.push(tab)
    return tab
  }

  const attempt: World['attempt'] = (work, ms = ATTEMPT_MS) =>
    within(ms, trace.last, work).then(() => undefined, (error: unknown) => trace.say(`  ! ${String(error).slice(0, 160)}`))

  return {
    title: `${id}, ${engine}, ordered: ${isOrdered}, users: ${hasTwoUsers ? 2 : 1}, left pages kept: ${keepsLeftPages}`,
    engine, hasTwoUsers, random, pick, server, network, ledger, troubles, lives, interrupted, trace, tabs, blank: page.blank, urlOf, attempt,
    async open() {
      const user = hasTwoUsers ? pick(['alice', 'alice', 'bob']) ?? 'alice' : 'alice'
      const tab = await newTab(`t${++made}`, user, pick(['tab', 'window'] as const) ?? 'tab')
      tab.loading = attempt(tab.page.goto(urlOf(tab)))
      if (random() < 0.5) await tab.loading
      else await delay(random() * LONGEST_LOAD_MS)
    },
    async openLast(user) {
      const tab = await newTab(`last-${user}`, user, 'window')
      await tab.page.goto(page.url({ tab: tab.name, server: network.url, user }))
      return tab
    },
    drop: (tab) => { tabs.splice(tabs.indexOf(tab), 1) },
    async close() {
      await browser.kill()
      await network.close()
      await server.close()
    },
  }
}

/** Those that a user could use now. */
export const usable = ({ tabs }: World): readonly Tab[] => tabs.filter(({ isFrozen, isAway }) => !isFrozen && !isAway)
