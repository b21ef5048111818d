/** As much of the W3C WebDriver protocol as the harness needs. */

export interface WebDriver {
  command(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>
  /** Runs steps that belong to one window without another window's steps in between. */
  inWindow<T>(handle: string, task: () => Promise<T>): Promise<T>
  readonly version: string
}

const SCRIPT_TIMEOUT_MS = 60_000
const PAGE_LOAD_TIMEOUT_MS = 60_000

async function request(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, method === 'POST' ? { method, body: JSON.stringify(body ?? {}) } : { method })
  const { value } = await response.json() as { value: unknown }
  if (response.ok) return value
  const { error, message } = value as { error: string; message: string }
  throw new Error(`${error}: ${message}`)
}

export async function createSession(base: string, capabilities: object): Promise<WebDriver> {
  const { sessionId, capabilities: given } = await request(`${base}/session`, 'POST', { capabilities: { alwaysMatch: capabilities } }) as
    { sessionId: string; capabilities: { browserName: string; browserVersion: string } }
  const command: WebDriver['command'] = (method, path, body) => request(`${base}/session/${sessionId}${path}`, method, body)
  await command('POST', '/timeouts', { script: SCRIPT_TIMEOUT_MS, pageLoad: PAGE_LOAD_TIMEOUT_MS })
  let last: Promise<unknown> = Promise.resolve()
  return {
    command,
    version: `${given.browserName}/${given.browserVersion}`,
    inWindow: (handle, task) => {
      const turn = last.then(async () => {
        await command('POST', '/window', { handle })
        return task()
      })
      last = turn.catch(() => undefined)
      return turn
    },
  }
}

/** Awaits the expression and tells a thrown error from a result. */
const wrapped = (expression: string): string => `
  const done = arguments[arguments.length - 1];
  (async () => (${expression}))().then(
    (value) => done({ value: value === undefined ? null : value }),
    (error) => done({ error: String(error && error.stack || error) }))`

export async function runScript(driver: WebDriver, expression: string): Promise<unknown> {
  const result = await driver.command('POST', '/execute/async', { script: wrapped(expression), args: [] })
  const { value, error } = result as { value?: unknown; error?: string }
  if (error !== undefined) throw new Error(error)
  return value
}
