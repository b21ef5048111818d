import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInBrowsers, launchBrowser, type Page } from './harness'

const HTML = `<!doctype html><meta charset="utf-8"><title>harness</title>
<form><label>Message <input role="textbox" aria-label="Message"></label>
<button disabled>Send</button><button type="button" hidden>Send twice</button></form>
<ul role="log"></ul><a href="/second">second page</a><p id="where"></p>
<script>
const input = document.querySelector('input'), send = document.querySelector('button')
document.querySelector('#where').textContent = location.pathname
input.addEventListener('input', () => { send.disabled = input.value === '' })
document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const line = document.createElement('li')
  line.textContent = input.value
  document.querySelector('ul').append(line)
  input.value = ''
})
const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open('harness', 1)
  request.onupgradeneeded = () => request.result.createObjectStore('notes')
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error)
})
window.save = async (key, value) => {
  const transaction = (await opened).transaction('notes', 'readwrite', { durability: 'strict' })
  transaction.objectStore('notes').put(value, key)
  await new Promise((resolve, reject) => { transaction.oncomplete = resolve; transaction.onerror = () => reject(transaction.error) })
}
window.load = async (key) => {
  const request = (await opened).transaction('notes').objectStore('notes').get(key)
  return new Promise((resolve) => { request.onsuccess = () => resolve(request.result) })
}
</script>`

declare global {
  interface Window {
    save(key: string, value: unknown): Promise<void>
    load(key: string): Promise<unknown>
  }
}

let site = ''
const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(HTML))

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  site = `http://localhost:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

describeInBrowsers('the browser harness', ({ engine, browser, itNeeds }) => {
  const withPage = async (run: (page: Page) => Promise<void>): Promise<void> => {
    const page = await browser().newPage(`${site}/first`)
    await run(page)
    await page.close()
  }

  it('navigates, reloads and follows links', () => withPage(async (page) => {
    expect(await page.text('#where')).toBe('/first')
    await page.click({ css: 'a', text: 'second' })
    await page.waitUntil(() => location.pathname === '/second')
    await page.reload()
    expect(await page.text('#where')).toBe('/second')
    await page.goto(`${site}/third`)
    expect(await page.url()).toBe(`${site}/third`)
  }))

  it('types with real keys and clicks once the button is enabled', () => withPage(async (page) => {
    await page.type('[aria-label="Message"]', 'first line')
    await page.click({ css: 'button', text: 'Send' })
    await page.waitFor({ css: '[role="log"] li', text: 'first line' })
    await page.type('[aria-label="Message"]', 'second')
    await page.press('Enter')
    await page.waitFor({ css: 'li', text: 'second' })
    expect(await page.evaluate(() => document.querySelectorAll('li').length)).toBe(2)
  }))

  it('evaluates functions, expressions and promises, and passes errors on', () => withPage(async (page) => {
    expect(await page.evaluate((a: number, b: { readonly c: number }) => a + b.c, 1, { c: 2 })).toBe(3)
    expect(await page.evaluate('Promise.resolve({ deep: [1, null, "x"] })')).toEqual({ deep: [1, null, 'x'] })
    await expect(page.evaluate(() => { throw new Error('from the page') })).rejects.toThrow('from the page')
  }))

  it('names what it waited for and what the page showed', () => withPage(async (page) => {
    await expect(page.click('#nowhere', { timeoutMs: 200 })).rejects.toThrow(/unable to see #nowhere within 200 ms: .*first/s)
    await expect(page.waitFor({ css: 'button', text: 'Send twice' }, { timeoutMs: 200 })).rejects.toThrow('Send twice')
  }))

  it('keeps IndexedDB over a reload and shares it between windows', () => withPage(async (page) => {
    await page.evaluate((value: string) => window.save('note', value), 'kept')
    await page.reload()
    expect(await page.evaluate(() => window.load('note'))).toBe('kept')
    await withPage(async (other) => expect(await other.evaluate(() => window.load('note'))).toBe('kept'))
  }))

  it('has Web Locks, which two windows share', () => withPage(async (page) => {
    await page.evaluate(() => new Promise<void>((held) => {
      void navigator.locks.request('tab', () => new Promise(() => held()))
    }))
    await withPage(async (other) => {
      const isFree = await other.evaluate(() => navigator.locks.request('tab', { ifAvailable: true }, (lock) => lock !== null))
      expect(isFree).toBe(false)
    })
  }))

  it('works in two windows at once, each with its own sessionStorage', async () => {
    const [ann, bob] = await Promise.all([browser().newPage(`${site}/ann`), browser().newPage(`${site}/bob`)])
    const enter = async (page: Page, name: string): Promise<void> => {
      await page.evaluate((who: string) => sessionStorage.setItem('who', who), name)
      await page.type('[aria-label="Message"]', `${name} was here`)
      await page.press('Enter')
      await page.waitFor({ css: 'li', text: name })
    }
    await Promise.all([enter(ann, 'ann'), enter(bob, 'bob')])
    expect(await ann.evaluate(() => sessionStorage.getItem('who'))).toBe('ann')
    expect(await bob.evaluate(() => document.querySelector('li')?.textContent)).toBe('bob was here')
    await Promise.all([ann.close(), bob.close()])
  })

  it('runs timers and animation frames in a window behind another', () => withPage(async (behind) => withPage(async (front) => {
    await front.waitFor('#where')
    expect(await behind.evaluate(() => new Promise((resolve) => { setTimeout(() => resolve(document.visibilityState), 10) }))).toBe('visible')
  })))

  it('takes pictures and narrows the window', () => withPage(async (page) => {
    await page.setViewport(420, 800)
    await page.waitUntil(() => innerWidth <= 460)
    const path = `.shots/harness-${engine}.png`
    await page.screenshot(path)
    expect((await readFile(path)).subarray(1, 4).toString()).toBe('PNG')
  }))

  itNeeds('kept profile', 'finds its storage again after the browser was killed', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'redux-chat-profile-'))
    const first = await launchBrowser(engine, { profile })
    const page = await first.newPage(site)
    await page.evaluate(() => window.save('note', 'before the crash'))
    await first.kill()
    const second = await launchBrowser(engine, { profile })
    const again = await second.newPage(site)
    expect(await again.evaluate(() => window.load('note'))).toBe('before the crash')
    await second.close()
    await rm(profile, { recursive: true, force: true })
  })
})
