import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, RawPage } from './driver'
import { createPage } from './page'
import { endGroup } from './processes'
import { createSession, runScript, type WebDriver } from './webdriver'
import { startDisplay, type Display } from './xvfb'

export const WEBKIT_DRIVER = '/usr/bin/WebKitWebDriver'
const START_TIMEOUT_MS = 20_000
const POLL_MS = 50
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

/** Code points that WebDriver gives to keys without a character. */
const KEYS: Readonly<Record<string, string>> = {
  Backspace: '\uE003', Tab: '\uE004', Enter: '\uE007', Escape: '\uE00C', Space: ' ', End: '\uE010', Home: '\uE011',
  ArrowLeft: '\uE012', ArrowUp: '\uE013', ArrowRight: '\uE014', ArrowDown: '\uE015', Delete: '\uE017',
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

export async function launchWebKit(miniBrowser: string): Promise<Browser> {
  const display = await startDisplay()
  const port = await freePort()
  const child = spawn(WEBKIT_DRIVER, [`--port=${port}`], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, DISPLAY: display.name, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1', LIBGL_ALWAYS_SOFTWARE: '1', WEBKIT_DISABLE_DMABUF_RENDERER: '1' },
  })
  try {
    const driver = await connect(`http://127.0.0.1:${port}`, child, miniBrowser)
    return createBrowser(driver, child, display)
  } catch (error) {
    await endGroup(child)
    await display.close()
    throw error
  }
}

async function connect(base: string, child: ChildProcess, binary: string): Promise<WebDriver> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!await fetch(`${base}/status`).then((answer) => answer.ok, () => false)) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`unable to start ${WEBKIT_DRIVER}: no answer at ${base}`)
    await pause(POLL_MS)
  }
  return createSession(base, {
    browserName: 'MiniBrowser',
    'webkitgtk:browserOptions': { binary, args: ['--automation'] },
  })
}

function createBrowser(driver: WebDriver, child: ChildProcess, display: Display): Browser {
  const stop = async (): Promise<void> => {
    await endGroup(child)
    await display.close()
  }
  return {
    name: 'webkit',
    version: driver.version,
    newPage: async (url) => {
      const { handle } = await driver.command('POST', '/window/new', { type: 'window' }) as { handle: string }
      const page = createPage(rawPage(driver, handle))
      await page.goto(url)
      return page
    },
    close: async () => {
      await driver.command('DELETE', '')
      await stop()
    },
    kill: stop,
  }
}

function rawPage(driver: WebDriver, handle: string): RawPage {
  const here = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> =>
    driver.inWindow(handle, () => driver.command(method, path, body))
  return {
    goto: async (url) => void await here('POST', '/url', { url }),
    reload: async () => void await here('POST', '/refresh'),
    url: async () => String(await here('GET', '/url')),
    evaluate: (expression) => driver.inWindow(handle, () => runScript(driver, expression)),
    find: async (expression) => {
      const element = await driver.inWindow(handle, () => runScript(driver, expression)) as Record<string, string> | null
      const id = element?.[ELEMENT]
      return id === undefined ? null : {
        click: async () => void await here('POST', `/element/${id}/click`),
        type: async (text) => {
          await here('POST', `/element/${id}/click`)
          await here('POST', `/element/${id}/value`, { text })
        },
      }
    },
    press: async (key) => {
      const value = KEYS[key] ?? key
      const actions = [{ type: 'keyDown', value }, { type: 'keyUp', value }]
      await here('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
    },
    capture: async () => Buffer.from(String(await here('GET', '/screenshot')), 'base64'),
    setViewport: async (width, height) => void await here('POST', '/window/rect', { width, height }),
    close: async () => void await here('DELETE', '/window'),
  }
}
