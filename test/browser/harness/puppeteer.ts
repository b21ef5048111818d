import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser as PuppeteerBrowser, type KeyInput, type LaunchOptions as PuppeteerOptions, type Page as PuppeteerPage } from 'puppeteer-core'
import type { Browser, LaunchOptions, RawPage } from './driver'
import { createPage } from './page'
import { endGroup } from './processes'

const VIEWPORT = { width: 1100, height: 800 }

const ENGINES = {
  chromium: {
    browser: 'chrome',
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    ],
  },
  firefox: {
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    extraPrefsFirefox: {
      'app.update.enabled': false,
      'browser.sessionstore.resume_from_crash': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'dom.security.https_first': false,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'toolkit.startup.max_resumed_crashes': -1,
    },
  },
} as const satisfies Record<string, PuppeteerOptions>

export async function launchPuppeteer(name: 'chromium' | 'firefox', options: LaunchOptions): Promise<Browser> {
  const profile = options.profile ?? await mkdtemp(join(tmpdir(), `redux-chat-${name}-`))
  const browser = await puppeteer.launch({ ...ENGINES[name], headless: true, userDataDir: profile, defaultViewport: VIEWPORT })
  const clean = async (): Promise<void> => {
    if (options.profile === undefined) await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return {
    name,
    version: await browser.version(),
    newPage: async (url) => {
      const page = createPage(rawPage(await browser.newPage({ type: 'window' })))
      await page.goto(url)
      return page
    },
    close: async () => {
      await browser.close()
      await clean()
    },
    kill: async () => {
      await kill(browser)
      await clean()
    },
  }
}

async function kill(browser: PuppeteerBrowser): Promise<void> {
  const child = browser.process()
  if (child) await endGroup(child)
}

const rawPage = (page: PuppeteerPage): RawPage => ({
  goto: async (url) => void await page.goto(url, { waitUntil: 'load' }),
  reload: async () => void await page.reload({ waitUntil: 'load' }),
  url: async () => page.url(),
  evaluate: (expression) => page.evaluate(expression),
  find: async (expression) => {
    const element = (await page.evaluateHandle(expression)).asElement()
    return element && {
      click: () => element.click(),
      type: async (text) => {
        await element.click()
        await element.type(text)
      },
    }
  },
  press: (key) => page.keyboard.press(key as KeyInput),
  capture: () => page.screenshot(),
  setViewport: (width, height) => page.setViewport({ width, height }),
  close: () => page.close(),
})
