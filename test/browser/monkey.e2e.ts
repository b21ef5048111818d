import { afterAll, beforeAll, expect, it } from 'vitest'
import { MONKEY } from './effort'
import { describeIn } from './harness'
import { playRound, ROUND_TIMEOUT_MS } from './monkey/round'
import { serveTestPage, type TestPage } from './test-page'

let page: TestPage
beforeAll(async () => { page = await serveTestPage() })
afterAll(() => page?.close())

describeIn(MONKEY.browser, 'tabs to which anything happens', () => {
  it.for(MONKEY.seeds)('G1 G2 G3 G6 G7: what was stored is sent once, in order, and every tab ends as the server (round %s)', { retry: 0, timeout: ROUND_TIMEOUT_MS }, async (seed) => {
    const { summary, violations, trace } = await playRound(seed, MONKEY.browser, page)
    process.stdout.write(`${summary}\n`)
    if (violations.length > 0) process.stdout.write(`${trace.join('\n')}\n${violations.join('\n')}\nagain: ${again(seed)}\n`)
    expect(violations, `again: ${again(seed)}`).toEqual([])
  })
})

/** Repeats the choices, not the timing, which is the machine's. */
const again = (seed: string): string =>
  `MONKEY_SEED=${seed}${MONKEY.browser === 'firefox' ? ' MONKEY_BROWSER=firefox' : ''} npx vitest run --mode browser test/browser/monkey.e2e.ts`
