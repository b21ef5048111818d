import { setTimeout as delay } from 'node:timers/promises'
import type { Json, Page, RawPage, Target } from './driver'
import { findVisible } from './find-visible'

const DEFAULT_TIMEOUT_MS = 10_000
const POLL_MS = 40

/** The conveniences, written once for every engine. */
export function createPage(raw: RawPage): Page {
  const waitFor: Page['waitFor'] = (predicate, args, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) =>
    poll(() => raw.run(call(predicate, args)), `${predicate} with ${JSON.stringify(args)}`, timeoutMs)

  const click = async (target: Target): Promise<void> => {
    const find = call(findVisible, [target])
    const what = `the target ${JSON.stringify(target)}`
    await poll(async () => await raw.run(`${find} !== null`) && await clicked(raw, find), what, DEFAULT_TIMEOUT_MS)
  }

  return {
    goto: raw.goto,
    reload: raw.reload,
    resize: raw.resize,
    screenshot: raw.screenshot,
    expose: raw.expose,
    devTools: raw.devTools,
    close: raw.close,
    waitFor,
    click,
    evaluate: (script: string | ((...args: never) => unknown), ...args: readonly Json[]) =>
      answer(raw.run(typeof script === 'string' ? script : call(script, args))),
    async type(target, text) {
      await click(target)
      await raw.press(text)
    },
  }
}

/** False when the page replaced the element between finding and clicking it, so that nothing was clicked. */
const clicked = (raw: RawPage, find: string): Promise<boolean> =>
  raw.clickElement(find).then(() => true, (error: unknown) => {
    if (/detached|stale element|no such element/i.test(String(error))) return false
    throw error
  })

const call = (script: (...args: never) => unknown, args: readonly unknown[]): string =>
  `(${script})(...${JSON.stringify(args)})`

/** The one place where what a page says is believed to be of the type that the test asked for. */
// oxlint-disable-next-line typescript/no-explicit-any
const answer = (value: Promise<unknown>): Promise<any> => value

/** A page in the middle of a navigation cannot answer: that is "not yet", and told only when time is up. */
// oxlint-disable-next-line typescript/no-explicit-any
async function poll(ask: () => Promise<unknown>, what: string, timeoutMs: number): Promise<any> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  while (performance.now() < deadline) {
    last = await ask().catch((error: unknown) => error)
    if (last && !(last instanceof Error)) return last
    await delay(POLL_MS)
  }
  throw new Error(`unable to find ${what} within ${timeoutMs} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`)
}
