/** The part of W3C WebDriver that the WebKit driver needs. */
export interface WebDriverSession {
  readonly name: string
  request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>
  /** Commands go to one current window: this runs `work` alone, with that window as the current one. */
  inWindow<T>(handle: string, work: () => Promise<T>): Promise<T>
  /** Runs `work` alone, whatever window is current. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

const REQUEST_TIMEOUT_MS = 30_000

export async function openSession(baseUrl: string, capabilities: object): Promise<WebDriverSession> {
  const created = await request(`${baseUrl}/session`, 'POST', { capabilities: { alwaysMatch: capabilities } })
  const { sessionId, capabilities: { browserName, browserVersion } } = readSession(created)
  const send: WebDriverSession['request'] = (method, path, body) => request(`${baseUrl}/session/${sessionId}${path}`, method, body)
  let turn: Promise<unknown> = Promise.resolve()
  let current: string | null = null

  const alone: WebDriverSession['alone'] = (work) => {
    const mine = turn.then(work, work)
    turn = mine.catch(() => undefined)
    return mine
  }
  return {
    name: `${browserName}/${browserVersion}`,
    request: send,
    alone,
    inWindow: (handle, work) => alone(async () => {
      if (current !== handle) await send('POST', '/window', { handle })
      current = handle
      return work()
    }),
  }
}

async function request(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(method === 'POST' ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) } : {}),
  })
  const { value } = asFields(await response.json())
  if (response.ok) return value
  const { error, message } = asFields(value)
  throw new Error(`unable to ${method} ${new URL(url).pathname}: ${String(error)}: ${String(message)}`)
}

export const asFields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}

function readSession(value: unknown) {
  const { sessionId, capabilities } = asFields(value)
  const { browserName, browserVersion } = asFields(capabilities)
  if (typeof sessionId !== 'string') throw new Error('unable to open a WebDriver session: the driver gave no id')
  return { sessionId, capabilities: { browserName: String(browserName), browserVersion: String(browserVersion) } }
}
