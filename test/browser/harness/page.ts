import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { InPage, Page, RawElement, RawPage, Target, WaitOptions } from './driver'

const TIMEOUT_MS = 20_000
const POLL_MS = 40
const SHOWN_TEXT = 600

/** Errors that mean "the page moved on before anything was done": the step is tried again. */
const TRANSIENT = [
  'context was destroyed', 'Cannot find context', 'context with specified id', 'detached', 'not clickable',
  'stale element', 'no such element', 'not interactable', 'no such frame', 'no such node', 'javascript error: Page',
  'Inspected target navigated', 'DiscardedBrowsingContext', 'AbortError', 'actor destroyed', 'unloaded',
]

export const isTransient = (error: unknown): boolean =>
  TRANSIENT.some((part) => String(error).toLowerCase().includes(part.toLowerCase()))

const expressionOf = (task: InPage<never, unknown>, args: readonly unknown[]): string =>
  typeof task === 'string' ? task : `(${task})(...${JSON.stringify(args)})`

/** Runs in the page. */
function locate(css: string, text: string | null): Element | null {
  const shows = (element: Element): boolean => {
    if (!element.checkVisibility({ visibilityProperty: true })) return false
    if (text === null) return true
    const words = `${element.textContent} ${element.getAttribute('aria-label') ?? ''} ${element.getAttribute('title') ?? ''}`
    return words.includes(text)
  }
  return [...document.querySelectorAll(css)].find(shows) ?? null
}

/** Runs in the page: the element, once it can be used. */
const USABLE = `((element) => element && !element.matches(':disabled, [aria-disabled="true"]') ? element : null)`

const located = (target: Target): string =>
  typeof target === 'string' ? expressionOf(locate as never, [target, null]) : expressionOf(locate as never, [target.css, target.text])

const describe = (target: Target): string =>
  typeof target === 'string' ? target : `${target.css} with the text "${target.text}"`

/** Adds waiting, and errors that tell what the page showed instead. */
export function createPage(raw: RawPage): Page {
  const until = async <T>(what: string, step: () => Promise<T>, options: WaitOptions = {}): Promise<T> => {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const result = await step().catch(ignoreTransient)
      if (result) return result
      if (Date.now() > deadline) throw new Error(`unable to see ${what} within ${timeoutMs} ms: ${await picture(raw)}`)
      await pause(POLL_MS)
    }
  }
  const use = (target: Target, verb: (element: RawElement) => Promise<void>, options?: WaitOptions): Promise<unknown> =>
    until(describe(target), async () => {
      const element = await raw.find(`${USABLE}(${located(target)})`)
      await (element && verb(element))
      return element
    }, options)

  return {
    goto: raw.goto,
    reload: raw.reload,
    url: raw.url,
    press: raw.press,
    setViewport: raw.setViewport,
    close: raw.close,
    evaluate: async (task, ...args) => await raw.evaluate(expressionOf(task as never, args)) as never,
    click: async (target, options) => void await use(target, (element) => element.click(), options),
    type: async (target, text, options) => void await use(target, (element) => element.type(text), options),
    text: (target, options) => until(describe(target), async () => {
      const found = await raw.evaluate(`((element) => element && { text: element.innerText ?? element.textContent })(${located(target)})`)
      return found as { readonly text: string } | null
    }, options).then((found) => found.text),
    waitFor: async (target, options) => void await until(describe(target), () => raw.evaluate(`Boolean(${located(target)})`), options),
    waitUntil: (predicate, options = {}) =>
      until(String(predicate), () => raw.evaluate(expressionOf(predicate as never, options.args ?? [])), options) as never,
    screenshot: async (path) => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, await raw.capture())
    },
  }
}

function ignoreTransient(error: unknown): null {
  if (!isTransient(error)) throw error
  return null
}

async function picture(raw: RawPage): Promise<string> {
  try {
    return `${await raw.url()} shows "${String(await raw.evaluate('document.body?.innerText')).slice(0, SHOWN_TEXT)}"`
  } catch (error) {
    return `the page cannot be asked (${error})`
  }
}
