import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createSeededRandom } from '../../src/testing/seeded'
import type { Arrival } from './ack-server-types'
import { SEED, TAB_ROUNDS } from './effort'
import { describeIn, type Page } from './harness'
import { createLedger, findFaults, NO_FAULTS, type Ledger } from './ledger'
import { crash, freeze } from './lifecycle'
import { isDrained, listenTo, serveTestPage, view, type TestPage } from './test-page'
import { createWorlds } from './worlds'

const DURABLE_AFTER_MS = 100
const LONGEST_LOAD_MS = 1_500
/** A tab that lives takes over five seconds after another's end, and then sends. */
const ADOPTION_TIMEOUT_MS = 60_000

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

describeIn('chromium', 'several tabs', () => {
  const setUp = createWorlds()

  it.for([{ tabs: 2 }, { tabs: 3 }])(
    'G1 G2 G3: of $tabs tabs one is killed, and exactly one that lives sends its messages', { retry: 0, timeout: TAB_ROUNDS * 60_000 + 60_000 }, async ({ tabs }) => {
      const { server, network, browser } = await setUp()
      const ledger = createLedger()
      const random = createSeededRandom(`${SEED} ${tabs} tabs`)
      const killedAt = new Map<string, number>()
      const open = async (tab: string): Promise<Page> => {
        const opened = await browser.newPage()
        await listenTo(opened, ledger.hear)
        await opened.goto(page.url({ tab, server: network.url, seed: `${SEED} ${tab}` }))
        return opened
      }
      const expected = () => [...ledger.dispatched.values()].filter(({ id, tab, at }) => ledger.stored.has(id) || (killedAt.get(tab) ?? Infinity) - at >= DURABLE_AFTER_MS)

      let adoptions = 0
      const living: { tab: string; page: Page }[] = []
      const fill = async (round: number): Promise<void> => {
        for (let i = living.length; i < tabs; i++) living.push({ tab: `tab-${round}-${i}`, page: await open(`tab-${round}-${i}`) })
      }
      await fill(0)
      for (let round = 1; round <= TAB_ROUNDS; round++) {
        // Offline in every second round, so that whole queues are left behind.
        if (round % 2 === 1) network.refuse()
        await delay(random() * LONGEST_LOAD_MS)
        const [victim] = living.splice(Math.floor(random() * living.length), 1)
        if (!victim) throw new Error('unable to kill a tab: none is open')
        killedAt.set(victim.tab, Date.now())
        await crash(victim.page)
        await delay(random() * LONGEST_LOAD_MS)
        network.heal()
        await vi.waitFor(() => expect(findFaults(server.committed(), expected().filter(({ tab }) => tab === victim.tab)).missing).toEqual([]), { timeout: ADOPTION_TIMEOUT_MS, interval: 200 })
        const heirs = heirsOf(victim.tab, ledger, server.arrivals())
        expect(heirs.size, `${[...heirs].join()} sent what ${victim.tab} left`).toBeLessThanOrEqual(1)
        adoptions += heirs.size
        await fill(round)
      }
      for (const { page: tab } of living) await tab.evaluate(stop)
      for (const { page: tab } of living) await tab.waitFor(isDrained, [], { timeoutMs: ADOPTION_TIMEOUT_MS })

      process.stdout.write(`tabs: ${tabs}, seed ${SEED}: ${killedAt.size} killed, of them ${adoptions} with messages left to send; `
        + `dispatched ${ledger.dispatched.size}, committed ${server.committed().length}\n`)
      expect(findFaults(server.committed(), expected())).toEqual(NO_FAULTS)
      expect(sentAtOnce(server.arrivals(), killedAt)).toEqual([])
      // What was committed before its tab was killed, and not acknowledged, is taken over some seconds later, and sent once more.
      for (const { page: tab } of living) {
        await vi.waitFor(async () => expect(await tab.evaluate(view)).toMatchObject({ unsent: 0, failed: [], errors: [] }), { timeout: ADOPTION_TIMEOUT_MS, interval: 200 })
      }
    })
})

describeIn('chromium', 'a frozen tab', () => {
  const setUp = createWorlds()

  it('G2 G3: with Web Locks it keeps its messages, and sends them when it wakes', { retry: 0 }, () => sleepAndWake('on'))
  it('G2 G3: without Web Locks another tab takes its messages, and it sends none of them when it wakes', { retry: 0 }, () => sleepAndWake('none'))

  async function sleepAndWake(locks: 'on' | 'none'): Promise<void> {
    const { server, network, browser } = await setUp()
    const open = async (tab: string): Promise<Page> => {
      const opened = await browser.newPage()
      await opened.goto(page.url({ tab, server: network.url, ...(locks === 'none' ? { locks } : {}) }))
      return opened
    }
    const sendersOf = (ids: readonly string[]): string[] =>
      [...new Set(server.arrivals().flatMap((arrival) => (arrival.kind === 'sent' && ids.includes(arrival.id) ? [arrival.tab] : [])))]

    network.refuse()
    const sleeper = await open('sleeper')
    const ids = await sleeper.evaluate(sendStored, 10)
    await freeze(sleeper, true)
    const awake = await open('awake')
    const own = await awake.evaluate(sendStored, 10)
    network.heal()
    await awake.waitFor(isDrained, [], { timeoutMs: ADOPTION_TIMEOUT_MS })
    expect([sendersOf(ids), sendersOf(own)]).toEqual([locks === 'none' ? ['awake'] : [], ['awake']])

    await freeze(sleeper, false)
    await sleeper.waitFor(isDrained, [], { timeoutMs: ADOPTION_TIMEOUT_MS })
    expect(sendersOf(ids)).toEqual([locks === 'none' ? 'awake' : 'sleeper'])
    const contents = server.committed().map(({ content }) => content)
    const of = (tab: string) => contents.filter((content) => content.startsWith(tab))
    for (const tab of ['sleeper', 'awake']) expect(of(tab)).toEqual(Array.from({ length: 10 }, (_, i) => `${tab} one ${i + 1}`))
  }
})

/** Messages that came from a tab while another one, which had sent them before, was still alive: by name of both. */
function sentAtOnce(arrivals: readonly Arrival[], killedAt: ReadonlyMap<string, number>): string[] {
  const senders = new Map<string, Set<string>>()
  return arrivals.flatMap((arrival) => {
    if (arrival.kind !== 'sent') return []
    const { id, tab, at } = arrival
    const before = senders.get(id) ?? new Set()
    senders.set(id, new Set([...before, tab]))
    return [...before].filter((other) => other !== tab && (killedAt.get(other) ?? Infinity) > at).map((other) => `${id} from ${tab} while ${other} lived`)
  })
}

/** The tabs that sent messages which `dead` had written. */
const heirsOf = (dead: string, { dispatched }: Ledger, arrivals: readonly Arrival[]): ReadonlySet<string> =>
  new Set(arrivals.flatMap((arrival) => (arrival.kind === 'sent' && arrival.tab !== dead && dispatched.get(arrival.id)?.tab === dead ? [arrival.tab] : [])))

// What follows runs in the page.

async function sendStored(count: number): Promise<string[]> {
  const ids = window.app.send('one', count)
  for (const id of ids) await window.app.stored(id)
  return ids
}

function stop(): void {
  window.app.stop()
}
