import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInBrowsers, launchBrowser } from './harness'

const HTML = `<!doctype html><title>self-test</title>
<label>Message <textarea></textarea></label>
<button type="button" aria-label="Send" onclick="window.sent = document.querySelector('textarea').value">&gt;</button>
<button type="button" role="switch" aria-checked="false" onclick="this.setAttribute('aria-checked', 'true')">Network</button>
<script>document.querySelector('textarea').addEventListener('keydown', (event) => { if (event.key === 'Enter') window.entered = true })</script>`

const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(HTML))
let url: string

beforeAll(async () => {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

describeInBrowsers('harness', ({ engine, browser: current, itNeeds }) => {
  beforeAll(() => console.log(`${engine}: ${current().name}`))

  it('clicks and types by role and name', async () => {
    const page = await current().newPage()
    await page.goto(url)
    await page.type({ role: 'textbox', name: 'Message' }, 'Grüße, 1 < 2\n')
    await page.click({ role: 'button', name: 'Send' })
    expect(await page.evaluate<string>('window.sent.trim()')).toBe('Grüße, 1 < 2')
    expect(await page.evaluate<boolean>('window.entered === true')).toBe(true)
    await page.click({ role: 'switch', name: 'Network' })
    expect(await page.evaluate<string>('document.querySelector("[role=switch]").getAttribute("aria-checked")')).toBe('true')
    await page.close()
  })

  it('keeps IndexedDB and sessionStorage through a reload, and shares the first between windows', async () => {
    const page = await current().newPage()
    await page.goto(url)
    await page.evaluate(write, 'kept')
    await page.reload()
    expect(await page.evaluate(read)).toBe('kept')
    expect(await page.evaluate(() => sessionStorage.getItem('tab'))).toBe('kept')
    const other = await current().newPage()
    await other.goto(url)
    expect(await other.evaluate(read)).toBe('kept')
    await other.close()
    await page.close()
  })

  it('both windows are visible and online, with Web Locks', async () => {
    const pages = [await current().newPage(), await current().newPage()]
    for (const page of pages) await page.goto(url)
    for (const page of pages) {
      expect(await page.evaluate(() => [document.visibilityState, navigator.onLine, isSecureContext, 'locks' in navigator]))
        .toEqual(['visible', true, true, true])
    }
    for (const page of pages) await page.close()
  })

  it('says what it waited for', async () => {
    const page = await current().newPage()
    await page.goto(url)
    await expect(page.waitFor((wanted) => document.title === wanted, ['never'], { timeoutMs: 200 })).rejects.toThrow(/document\.title.*never/)
    await page.close()
  })

  itNeeds('kept profile', 'a killed browser finds its storage again', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'redux-chat-profile-'))
    try {
      const first = await launchBrowser(engine, { profile })
      const page = await first.newPage()
      await page.goto(url)
      await page.evaluate(write, 'kept')
      await first.kill()
      const second = await launchBrowser(engine, { profile })
      const again = await second.newPage()
      await again.goto(url)
      expect(await again.evaluate(read)).toBe('kept')
      await second.close()
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    }
  })
})

function write(value: string): Promise<void> {
  sessionStorage.setItem('tab', value)
  return new Promise((resolve, reject) => {
    const open = indexedDB.open('self-test', 1)
    open.onupgradeneeded = () => open.result.createObjectStore('values')
    open.onerror = () => reject(open.error)
    open.onsuccess = () => {
      const transaction = open.result.transaction('values', 'readwrite')
      transaction.objectStore('values').put(value, 'key')
      transaction.oncomplete = () => { open.result.close(); resolve() }
    }
  })
}

function read(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open('self-test', 1)
    open.onerror = () => reject(open.error)
    open.onsuccess = () => {
      const request = open.result.transaction('values').objectStore('values').get('key')
      request.onsuccess = () => { open.result.close(); resolve(request.result) }
      request.onerror = () => reject(request.error)
    }
  })
}
