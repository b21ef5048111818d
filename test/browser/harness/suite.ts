import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Browser, EngineName } from './driver'
import { chosenEngines, lacks, launchBrowser, missing, type Feature } from './engines'

export interface BrowserSuite {
  readonly engine: EngineName
  /** The browser of this suite; only inside tests and hooks. */
  readonly browser: () => Browser
  /** A test that needs a feature; an engine without it skips by name, with its reason. */
  readonly itNeeds: (feature: Feature, title: string, run: () => Promise<void>) => void
}

/**
 * The same tests once for each engine of `BROWSERS` (default all), each in a browser of its own.
 * An engine that is not installed is named: a failure in CI, a skipped test elsewhere.
 */
export function describeInBrowsers(title: string, define: (suite: BrowserSuite) => void): void {
  for (const engine of chosenEngines()) {
    describe(`${title} [${engine}]`, () => {
      const problem = missing(engine)
      if (problem === null) defineIn(engine, define)
      else reportMissing(problem)
    })
  }
}

/** As `describeInBrowsers`, for what only one engine lets a test do; the tests launch their own browsers. */
export function describeIn(engine: EngineName, title: string, define: () => void): void {
  if (!chosenEngines().includes(engine)) return
  describe(`${title} [${engine}]`, () => {
    const problem = missing(engine)
    if (problem === null) define()
    else reportMissing(problem)
  })
}

function reportMissing(problem: string): void {
  if (process.env['CI']) it(problem, () => expect.unreachable(problem))
  else it.skip(problem)
}

function defineIn(engine: EngineName, define: (suite: BrowserSuite) => void): void {
  let running: Browser | undefined
  beforeAll(async () => { running = await launchBrowser(engine) })
  afterAll(() => running?.close())
  // A retry that passes would hide why it was needed.
  afterEach(({ task: { name, result } }) => {
    if (result?.state === 'fail') process.stdout.write(`${engine}: an attempt at "${name}" failed: ${result.errors?.at(-1)?.stack ?? 'without an error'}\n`)
  })
  define({
    engine,
    browser: () => {
      if (!running) throw new Error('unable to use the browser: it is there only inside tests and hooks')
      return running
    },
    itNeeds: (feature, name, run) => {
      const problem = lacks(engine, feature)
      if (problem === null) it(name, run)
      else it.skip(`${name} (${engine} lacks a ${feature}: ${problem})`)
    },
  })
}
