import type { Browser, Page } from './harness'

/** What the demo puts on `window` for the curious and for tests. */
declare global {
  interface Window {
    __demo: {
      readonly store: { getState(): unknown; subscribe(listener: () => void): () => void }
      readonly chat: {
        readonly selectors: {
          selectConnection(state: unknown): { readonly status: string }
          selectMessages(state: unknown, channelId: string): readonly { readonly id: string; readonly content: string; readonly status: string; readonly stored?: boolean; readonly seq?: number }[]
          selectChannel(state: unknown, channelId: string): { readonly hasNewer: boolean }
        }
      }
    }
  }
}

export interface Shown {
  readonly id: string
  readonly status: string
  readonly text: string
}

const LOG = '[role="log"]'
/** Reconnection has five attempts, a second and more apart: whatever waits for it needs longer than a click does. */
export const RECONNECT_TIMEOUT_MS = 30_000

/** Somebody at the demo's page: what they do and what they see. */
export interface Person {
  readonly page: Page
  say(text: string): Promise<void>
  press(button: string): Promise<void>
  flip(control: 'Network' | 'Drop acks'): Promise<void>
  /** A button that belongs to one message. */
  pressAt(text: string, button: 'Retry' | 'Discard' | 'Edit'): Promise<void>
  /** Waits until the message is there with one of the statuses; `status` null: with any. */
  sees(text: string, statuses?: readonly string[]): Promise<Shown>
  seesNo(text: string): Promise<void>
  /** The messages on the page that contain the text, from top to bottom. */
  shown(part: string): Promise<Shown[]>
  /** Waits until exactly these are on the page, in this order, among those that contain `part`. */
  seesExactly(part: string, texts: readonly string[]): Promise<void>
  connection(status: string): Promise<void>
  /** Waits until the connection is lost, whatever the library makes of it by then. */
  cutOff(): Promise<void>
  /** Waits until everything unsent is kept on the device. */
  stored(count: number): Promise<void>
}

export async function open(browser: Browser, url: string, user: string): Promise<Person> {
  const page = await browser.newPage()
  await page.goto(`${url}/?user=${user}`)
  const person = createPerson(page)
  await person.connection('connected')
  return person
}

function createPerson(page: Page): Person {
  const sees: Person['sees'] = (text, statuses = []) =>
    page.waitFor(findMessage, [text, statuses], { timeoutMs: RECONNECT_TIMEOUT_MS })
  return {
    page,
    sees,
    async say(text) {
      await page.type({ role: 'textbox', name: 'Message' }, text)
      await page.click({ role: 'button', name: 'Send' })
      await sees(text)
    },
    press: (name) => page.click({ role: 'button', name }),
    flip: (name) => page.click({ role: 'switch', name }),
    async pressAt(text, name) {
      const { id } = await sees(text)
      await page.click({ role: 'button', name, within: `${LOG} [data-message-id="${id}"]` })
    },
    seesNo: async (text) => { await page.waitFor(isAbsent, [text]) },
    shown: (part) => page.evaluate(listMessages, part),
    async seesExactly(part, texts) {
      try {
        await page.waitFor(isExactly, [part, texts], { timeoutMs: RECONNECT_TIMEOUT_MS })
      } catch (error) {
        throw new Error(`unable to see exactly ${JSON.stringify(texts)}: ${JSON.stringify(await page.evaluate(describePage, part))}`, { cause: error })
      }
    },
    connection: async (status) => { await page.waitFor(hasConnection, [status], { timeoutMs: RECONNECT_TIMEOUT_MS }) },
    cutOff: async () => { await page.waitFor(isCutOff, []) },
    stored: async (count) => { await page.waitFor(isStored, [count]) },
  }
}

// What follows runs in the page: each function stands alone.

function findMessage(text: string, statuses: readonly string[]): Shown | null {
  for (const element of document.querySelectorAll<HTMLElement>('[role="log"] [data-message-id]')) {
    const { messageId: id = '', status = '' } = element.dataset
    if (element.textContent?.includes(text) && (statuses.length === 0 || statuses.includes(status))) return { id, status, text }
  }
  return null
}

function isAbsent(text: string): boolean {
  return ![...document.querySelectorAll('[role="log"] [data-message-id]')].some((element) => element.textContent?.includes(text))
}

function listMessages(part: string): Shown[] {
  return [...document.querySelectorAll<HTMLElement>('[role="log"] [data-message-id]')]
    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    .map((element) => ({ id: element.dataset['messageId'] ?? '', status: element.dataset['status'] ?? '', text: element.textContent ?? '' }))
    .filter(({ text }) => text.includes(part))
}

function isExactly(part: string, texts: readonly string[]): boolean {
  const found = [...document.querySelectorAll('[role="log"] [data-message-id]')]
    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    .map((element) => element.textContent ?? '').filter((text) => text.includes(part))
  return found.length === texts.length && texts.every((text, at) => found[at]?.includes(text))
}

function describePage(part: string): object {
  const { chat, store } = window.__demo
  const state = store.getState()
  const shown = [...document.querySelectorAll('[role="log"] [data-message-id]')].map((element) => element.textContent ?? '')
  return {
    connection: chat.selectors.selectConnection(state),
    messages: chat.selectors.selectMessages(state, 'general').map(({ content, status }) => [content, status]).slice(-10),
    shown: shown.filter((text) => text.includes(part)),
  }
}

function hasConnection(status: string): boolean {
  const { chat, store } = window.__demo
  return chat.selectors.selectConnection(store.getState()).status === status
}

function isCutOff(): boolean {
  const { chat, store } = window.__demo
  return chat.selectors.selectConnection(store.getState()).status !== 'connected'
}

function isStored(count: number): boolean {
  const { chat, store } = window.__demo
  return chat.selectors.selectMessages(store.getState(), 'general').filter(({ stored }) => stored === true).length === count
}
