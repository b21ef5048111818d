import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createHostileRun } from '../support/hostile-run'
import { step } from '../support/hostile-steps'

/** Payloads and answers in all: 100,000 in CI, `FUZZ_CASES` anywhere. `FUZZ_SEED` and `FUZZ_PATH` repeat a failure. */
const CASES = Number(process.env['FUZZ_CASES'] ?? (process.env['CI'] ? 100_000 : 20_000))
const STEPS = 60
const TIMEOUT_MS = 600_000

const replay = process.env['FUZZ_SEED'] ? { seed: Number(process.env['FUZZ_SEED']), path: process.env['FUZZ_PATH'] ?? '' } : {}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype]
const members = () => prototypes.map((prototype) => Reflect.ownKeys(prototype))
const before = members()
const escaped: unknown[] = []
const onEscaped = (reason: unknown): void => void escaped.push(reason)
process.on('unhandledRejection', onEscaped)
// Redux Toolkit complains here about an action or a state that is not plain; its warnings are about the machine's speed.
const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined)
vi.spyOn(console, 'warn').mockImplementation(() => undefined)
afterAll(() => {
  process.off('unhandledRejection', onEscaped)
  vi.restoreAllMocks()
})

describe('G10: a hostile server', () => {
  it(`G10: ${CASES} malformed payloads and answers: nothing throws, the state stays well formed, each drop is counted once`, async () => {
    const tally = new Map<string, number>()
    let cases = 0
    const steps = fc.array(step, { minLength: 1, maxLength: STEPS, size: 'max' })
    await fc.assert(fc.asyncProperty(steps, async (taken) => {
      const run = createHostileRun(tally)
      await run.start()
      for (const each of taken) cases += await run.take(each)
      await run.finish()
      expect(members()).toEqual(before)
      expect([...escaped, ...complaints.mock.calls]).toEqual([])
    }), { numRuns: Math.ceil(CASES / (STEPS * 0.4)), ...replay })
    if (replay.seed !== undefined) return
    expect(cases).toBeGreaterThanOrEqual(CASES)
    process.stdout.write(`hostile server: ${cases} cases; ${[...tally].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`)
    for (const kind of EXPECTED) expect([kind, tally.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((count: number) => count > 0)])
  }, TIMEOUT_MS)
})

/** Every kind must have been seen, both to pass and to be dropped. */
const EXPECTED = [
  ...['message:new', 'message:delivered', 'message:read', 'session', 'app:checked'].flatMap((kind) => [`${kind} accepted`, `${kind} dropped`]),
  'auth:expired accepted', 'app:plain accepted', 'unknown accepted', '__proto__ accepted', 'constructor accepted',
  ...['message:send', 'message:sync', 'message:history', 'auth:refresh', 'message:delivered', 'message:read'].flatMap((kind) =>
    ['accepted', 'refused', 'unreadable'].map((verdict) => `ack ${kind} ${verdict}`)),
  'ack message:send wrong id', 'ack twice', 'ack late',
]
