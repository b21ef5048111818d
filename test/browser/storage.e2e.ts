import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { describeIn, type Browser, type Page } from './harness'
import type { PageOptions } from './page/app'
import { serveTestPage, view, type TestPage } from './test-page'
import { createWorlds, type World } from './worlds'

const TABS = 4
const ROUNDS = 8
const WRITES = 60
const DRAIN_TIMEOUT_MS = 60_000
/** More than the first pause before a storage is looked at again, and less than a write that hangs is told after. */
const HEALED_MS = 15_000

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

describeIn('chromium', 'a storage that several tabs share', () => {
  const setUp = createWorlds()

  async function open(browser: Browser, options: PageOptions): Promise<Page> {
    const opened = await browser.newPage()
    await opened.goto(page.url(options))
    return opened
  }

  /** One tab finds all that the others have left. It may take a moment until it knows that they have ended: that it shows nothing says nothing. */
  async function drain({ server, browser, network }: World, options: PageOptions, ids: readonly string[]): Promise<void> {
    network.heal()
    const last = await open(browser, options)
    await vi.waitFor(() => expect(server.committed().map(({ id }) => id).sort()).toEqual([...ids].sort()), { timeout: DRAIN_TIMEOUT_MS, interval: 100 })
    await last.close()
  }

  it('G1: in localStorage, of which each process has its own copy, tabs that write their first at once hide nothing of each other', { retry: 0 }, async () => {
    const world = await setUp()
    const { network, browser } = world
    const ids: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      network.refuse()
      const tabs = await Promise.all(Array.from({ length: TABS }, (_, i) => open(browser, { tab: `tab-${round}-${i}`, server: network.url, storage: 'local' })))
      const sent = await Promise.all(tabs.map((tab) => tab.evaluate(sendStored, 1)))
      ids.push(...sent.flat())
      await Promise.all(tabs.map((tab) => tab.close()))
      await drain(world, { tab: `last-${round}`, server: network.url, storage: 'local' }, ids)
    }
  })

  it('G1: what is cleared in the middle of writes is stored again, and later messages too', { retry: 0 }, async () => {
    const world = await setUp()
    const { network, browser } = world
    network.refuse()
    const tabs = await Promise.all(Array.from({ length: TABS }, (_, i) => open(browser, { tab: `tab-${i}`, server: network.url })))
    const tools = await Promise.all(tabs.map((tab) => tab.devTools()))
    const writing = Promise.all(tabs.map((tab) => tab.evaluate(sendOneByOne, WRITES)))
    await tabs[0]?.waitFor(hasSent, [WRITES / 4])
    await tools[0]?.send('Storage.clearDataForOrigin', { origin: new URL(page.url({ tab: '', server: '' })).origin, storageTypes: 'indexeddb' })
    const ids = (await writing).flat()
    for (const tab of tabs) await tab.waitFor(holdsAll, [WRITES * TABS], { timeoutMs: HEALED_MS })
    for (const tab of tabs) expect(await tab.evaluate(view)).toMatchObject({ unsent: WRITES, failed: [] })
    await Promise.all(tabs.map((tab) => tab.close()))
    await drain(world, { tab: 'last', server: network.url }, ids)
  })
})

// What follows runs in the page.

async function sendStored(count: number): Promise<string[]> {
  const ids = window.app.send('one', count)
  for (const id of ids) await window.app.stored(id)
  return ids
}

async function sendOneByOne(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) for (const id of window.app.send('one', 1)) {
    ids.push(id)
    await window.app.stored(id)
  }
  return ids
}

function hasSent(count: number): boolean {
  return window.app.view().unsent >= count
}

/** The device has so many records. */
async function holdsAll(count: number): Promise<boolean> {
  const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve) => { request.onsuccess = () => resolve(request.result) })
  const db = await settled(indexedDB.open('redux-chat:chat', 1))
  const found = await settled(db.transaction('records').objectStore('records').count())
  db.close()
  return found >= count
}
