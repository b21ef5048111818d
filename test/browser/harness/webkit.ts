import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, Page, RawPage } from './driver'
import { createPage } from './page'
import { endGroup, folderFor, freePort, startLogged, type LoggedProcess } from './processes'
import { asFields, openSession, type WebDriverSession } from './webdriver'
import { startDisplay } from './xvfb'

export interface WebKitPrograms {
  readonly driver: string
  /** MiniBrowser, WebKitGTK's own small browser. */
  readonly binary: string
}

const START_TIMEOUT_MS = 30_000
const ELEMENT_KEY = 'element-6066-11e4-a52e-4f735466cecf'
const ENTER_KEY = '\uE007'

/** WebKitGTK on a virtual screen. Each driver process has one session; its windows share one storage, in memory only. */
export async function launchWebKit({ driver, binary }: WebKitPrograms): Promise<Browser> {
  const home = await folderFor('webkit')
  const stops: (() => Promise<void>)[] = [home.remove]
  const kill = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    const display = await startDisplay()
    stops.push(display.close)
    const port = await freePort()
    // Its own home: caches and settings of the user who runs the tests stay out of it.
    const env = { DISPLAY: display.name, HOME: home.path, XDG_RUNTIME_DIR: home.path, GDK_BACKEND: 'x11', GTK_A11Y: 'none', NO_AT_BRIDGE: '1' }
    const webDriver = startLogged(driver, [`--port=${port}`, '--host=local'], env)
    stops.push(() => endGroup(webDriver.child))
    const baseUrl = `http://127.0.0.1:${port}`
    await until(() => fetch(`${baseUrl}/status`).then((response) => response.ok, () => false), webDriver)
    const session = await openSession(baseUrl, {
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary, args: ['--automation'] },
    })
    const close = async (): Promise<void> => {
      await session.alone(() => session.request('DELETE', '')).catch(() => undefined)
      await kill()
    }
    return { name: session.name, newPage: await createWindows(session), close, kill }
  } catch (error) {
    await kill()
    throw error
  }
}

async function until<T>(ask: () => Promise<T>, { child, output }: LoggedProcess): Promise<NonNullable<T>> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    const value = await ask()
    if (value) return value
    await delay(20)
  }
  throw new Error(`unable to start WebKit: ${output() || 'no answer in time'}`)
}

/** The window that the session began with stays open: the session ends with its last window. */
async function createWindows(session: WebDriverSession): Promise<() => Promise<Page>> {
  const first = String(await session.request('GET', '/window'))
  return () => session.inWindow(first, async () => {
    const { handle } = asFields(await session.request('POST', '/window/new', { type: 'window' }))
    return createPage(rawPage(session, String(handle)))
  })
}

function rawPage(session: WebDriverSession, handle: string): RawPage {
  const send = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> =>
    session.inWindow(handle, () => session.request(method, path, body))
  return {
    goto: async (url) => { await send('POST', '/url', { url }) },
    reload: async () => { await send('POST', '/refresh') },
    run: async (expression) => readOutcome(await send('POST', '/execute/async', { script: outcomeOf(expression), args: [] })),
    clickElement: (expression) => session.inWindow(handle, async () => {
      const element = asFields(await session.request('POST', '/execute/sync', { script: `return ${expression}`, args: [] }))[ELEMENT_KEY]
      await session.request('POST', `/element/${String(element)}/click`)
    }),
    press: (text) => session.inWindow(handle, async () => {
      const element = asFields(await session.request('GET', '/element/active'))[ELEMENT_KEY]
      await session.request('POST', `/element/${String(element)}/value`, { text: text.replaceAll('\n', ENTER_KEY) })
    }),
    resize: async (size) => { await send('POST', '/window/rect', size) },
    screenshot: async (path) => writeFile(path, Buffer.from(String(await send('GET', '/screenshot')), 'base64')),
    expose: () => Promise.reject(new Error('unable to hear the page: WebKit offers that only over WebDriver BiDi')),
    devTools: () => Promise.reject(new Error('unable to open the developer tools: WebKit has none that speak the DevTools protocol')),
    close: async () => { await send('DELETE', '/window') },
  }
}

const outcomeOf = (expression: string): string => `
  const done = arguments[arguments.length - 1]
  new Promise((resolve) => resolve(${expression})).then((value) => done({ value }), (error) => done({ error: String(error) }))`

function readOutcome(outcome: unknown): unknown {
  const { value, error } = asFields(outcome)
  if (error !== undefined) throw new Error(String(error))
  return value
}
