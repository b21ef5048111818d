import puppeteer, { type Browser as PuppeteerBrowser, type LaunchOptions, type Page as PuppeteerPage } from 'puppeteer-core'
import type { Browser, LaunchOptions as BrowserOptions, PageKind, RawPage } from './driver'
import { createPage } from './page'
import { endGroup, folderFor } from './processes'

const SIZE = { width: 1280, height: 860 }
const CHROMIUM_FLAGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
]
const LAUNCH_TIMEOUT_MS = 60_000

/** Chromium over DevTools, Firefox over WebDriver BiDi. */
export async function launchPuppeteer(engine: 'chromium' | 'firefox', executablePath: string, { profile: kept, keepsLeftPages = false }: BrowserOptions): Promise<Browser> {
  const profile = await folderFor(engine, kept)
  const options: LaunchOptions = {
    browser: engine === 'chromium' ? 'chrome' : 'firefox',
    executablePath,
    headless: true,
    userDataDir: profile.path,
    defaultViewport: SIZE,
    timeout: LAUNCH_TIMEOUT_MS,
    ...(keepsLeftPages ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}),
    args: engine === 'chromium' ? CHROMIUM_FLAGS : [],
  }
  const browser = await puppeteer.launch(options).catch(async (error: unknown) => {
    await profile.remove()
    throw error
  })
  // Puppeteer starts browsers in a process group of their own.
  const kill = async (): Promise<void> => {
    const child = browser.process()
    if (child !== null) await endGroup(child)
    await profile.remove()
  }
  return {
    name: await browser.version(),
    newPage: async (kind = 'window') => {
      const page = await newPage(browser, kind)
      return createPage({ ...rawPage(page), expose: engine === 'chromium' ? bindIn(page) : exposeIn(page) })
    },
    kill,
    close: () => browser.close().catch(() => undefined).then(kill),
  }
}

async function newPage(browser: PuppeteerBrowser, kind: PageKind): Promise<PuppeteerPage> {
  const page = await browser.newPage({ type: kind })
  if (kind === 'window') await page.bringToFront()
  return page
}

/** The browser's own process gets each call in a few milliseconds, and what that one has written to its socket is read even when it is dead. */
const bindIn = (page: PuppeteerPage): RawPage['expose'] => async (name, hear) => {
  const tools = await page.createCDPSession()
  tools.on('Runtime.bindingCalled', (called) => { if (called.name === name) hear(called.payload) })
  await tools.send('Runtime.enable')
  await tools.send('Runtime.addBinding', { name })
}

const exposeIn = (page: PuppeteerPage): RawPage['expose'] => (name, hear) => page.exposeFunction(name, hear)

const rawPage = (page: PuppeteerPage): Omit<RawPage, 'expose'> => ({
  goto: async (url) => { await page.goto(url, { waitUntil: 'load' }) },
  reload: async () => { await page.reload({ waitUntil: 'load' }) },
  run: (expression) => page.evaluate(expression),
  async clickElement(expression) {
    const handle = await page.evaluateHandle<[], () => Element>(expression)
    await handle.click()
    await handle.dispose()
  },
  async press(text) {
    for (const [at, line] of text.split('\n').entries()) {
      if (at > 0) await page.keyboard.press('Enter')
      if (line !== '') await page.keyboard.type(line)
    }
  },
  resize: (size) => page.setViewport(size),
  screenshot: async (path) => { await page.screenshot({ path: pngPath(path) }) },
  devTools: () => page.createCDPSession(),
  close: () => page.close(),
})

const pngPath = (path: string): `${string}.png` => `${path.replace(/\.png$/, '')}.png`
