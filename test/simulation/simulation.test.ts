import { describe, expect, it } from 'vitest'
import { FAULTS, makePlan } from './plan'
import { regressions } from './regressions'
import { shrink } from './shrink'
import { simulate, simulateSeed, type Outcome } from './simulate'

/** As many as `npm test` has patience for; `npm run sim -- --seeds N --from S` runs more. */
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 200)
const FROM = 1

/** What a healthy set of runs must have come through, besides the faults. */
const STATES = [
  'send', 'burst', 'read', 'close_channel', 'older', 'retry', 'discard', 'push', 'receipt', 'disk quota', 'disk full', 'disk hang', 'disk closed', 'disk lies',
  'record corrupted', 'newer record planted', 'origin evicted', 'locks taken from a frozen page', 'message refused for its token', 'foreign message with my id',
]

describe('the simulation', () => {
  it.each(regressions())('$invariant: $why ($name)', async ({ plan }) => {
    expect((await simulate(plan)).failure).toBeNull()
  })

  it(`keeps every promise under ${SEEDS} seeds, and every fault happened`, async () => {
    const reached = new Set<string>()
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const { plan, failure, reached: found } = await simulateSeed(seed)
      expect(failure, `seed ${seed}: npm run sim -- --replay ${seed}`).toBeNull()
      for (const what of [...found.keys(), ...plan.faults]) reached.add(what)
    }
    expect([...FAULTS, ...STATES].filter((what) => !reached.has(what))).toEqual([])
  })

  it.each([3, 7, 20])('repeats itself: seed %i', async (seed) => {
    expect((await simulateSeed(seed)).hash).toBe((await simulateSeed(seed)).hash)
  })

  it('notices a server that forgets which ids it has, and shrinks what it found', async () => {
    const found: Outcome[] = []
    for (let seed = 1; seed <= 60 && found.length === 0; seed++) {
      const outcome = await simulate(makePlan(seed), { isForgetful: true })
      if (outcome.failure) found.push(outcome)
    }
    expect(found[0]?.failure?.invariant).toBe('I1')
    if (!found[0]) return
    const small = await shrink(found[0], { isForgetful: true })
    expect(small.failure?.invariant).toBe('I1')
    expect(small.plan.steps.length).toBeLessThan(found[0].plan.steps.length)
  })
})
