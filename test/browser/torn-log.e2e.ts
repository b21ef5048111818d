import { appendFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { describeIn, launchBrowser, type Browser } from './harness'
import { findFaults, NO_FAULTS } from './ledger'
import { startAckServer } from './start-ack-server'
import { createTcpProxy } from './tcp-proxy'
import { isDrained, serveTestPage, view, type TestPage } from './test-page'

const COUNT = 20

/** The head of a record of 1,000 bytes: checksum, length, type. Its body was never written. */
const TORN_HEAD = Buffer.from([1, 2, 3, 4, 0xe8, 0x03, 1])

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

const logsOf = (profile: string): readonly string[] => {
  const databases = join(profile, 'Default/IndexedDB')
  const [origin = ''] = readdirSync(databases).filter((name) => name.endsWith('.leveldb'))
  return readdirSync(join(databases, origin)).filter((name) => name.endsWith('.log')).map((name) => join(databases, origin, name))
}

async function sendStored(count: number): Promise<void> {
  for (const id of window.app.send('one', count)) await window.app.stored(id)
}

describeIn('chromium', 'a log of the browser that its end has torn', () => {
  it('G1: costs nothing that was stored before or after', { retry: 0, timeout: 120_000 }, async () => {
    const server = await startAckServer({ isOrdered: false })
    const network = await createTcpProxy(server.port)
    const profile = await mkdtemp(join(tmpdir(), 'redux-chat-profile-'))
    const browsers: Browser[] = []
    const open = async (tab: string) => {
      const browser = await launchBrowser('chromium', { profile })
      browsers.push(browser)
      const tabPage = await browser.newPage()
      await tabPage.goto(page.url({ tab, server: network.url }))
      return { tabPage, kill: () => browser.kill() }
    }
    try {
      network.refuse()
      const first = await open('first')
      await first.tabPage.evaluate(sendStored, COUNT)
      await first.kill()

      const [torn = ''] = logsOf(profile)
      appendFileSync(torn, TORN_HEAD)

      const second = await open('second')
      await vi.waitFor(async () => expect(await second.tabPage.evaluate(view)).toMatchObject({ unsent: COUNT }), { timeout: 20_000 })
      await second.tabPage.evaluate(sendStored, COUNT)
      await vi.waitFor(() => expect(logsOf(profile)).not.toContain(torn), { timeout: 5_000 }).catch(() => undefined)
      await second.kill()

      network.heal()
      const last = await open('last')
      await vi.waitFor(async () => expect(await last.tabPage.evaluate(view)).toMatchObject({ status: 'connected' }), { timeout: 20_000 })
      await vi.waitFor(() => expect(server.committed()).toHaveLength(COUNT * 2), { timeout: 20_000 })
      await last.tabPage.waitFor(isDrained, [], { timeoutMs: 20_000 })
      expect(findFaults(server.committed(), [])).toEqual(NO_FAULTS)
    } finally {
      for (const browser of browsers) await browser.kill()
      await network.close()
      await server.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    }
  })
})
