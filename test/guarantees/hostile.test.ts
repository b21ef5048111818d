import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { problemsOf } from '../support/hostile-checker'
import { createHostileRun } from '../support/hostile-run'
import { step, type Step } from '../support/hostile-steps'
import { createHostileWorld, type HostileWorld } from '../support/hostile-world'
import { valueAt } from '../../src/policy/table'

/** Payloads and answers in all: 100,000 in CI, `FUZZ_CASES` anywhere. `FUZZ_SEED` and `FUZZ_PATH` repeat a failure. */
const CASES = Number(process.env['FUZZ_CASES'] ?? (process.env['CI'] ? 100_000 : 20_000))
const STEPS = 60
/** Another try would hide what this one found. */
const ONCE = { timeout: 600_000, retry: 0 }

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
  it(`G10: ${CASES} malformed payloads and answers: nothing throws, the state stays well formed, each drop is counted once`, ONCE, async () => {
    const tally = new Map<string, number>()
    let cases = 0
    const steps = fc.array(step, { minLength: 1, maxLength: STEPS })
    await fc.assert(fc.asyncProperty(steps, async (taken) => {
      complaints.mockClear()
      escaped.length = 0
      const run = createHostileRun(tally)
      await run.start()
      for (const each of taken) cases += await run.take(each)
      await run.finish()
      expect(members()).toEqual(before)
      expect([...escaped, ...complaints.mock.calls]).toEqual([])
    }), { numRuns: Math.ceil(CASES / (STEPS * 0.36)), ...replay })
    if (replay.seed !== undefined) return
    expect(cases).toBeGreaterThanOrEqual(CASES)
    process.stdout.write(`hostile server: ${cases} cases; ${[...tally].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`)
    // A short run by hand may miss a rare kind.
    if (CASES >= 10_000) expect(EXPECTED.filter((kind) => !tally.has(kind))).toEqual([])
  })

  it('G8: one store that is lied to for a long time does not grow', ONCE, async () => {
    const sizes: number[] = []
    const run = createHostileRun(new Map())
    await run.start()
    const told = fc.sample(fc.array(step, { minLength: 400, maxLength: 400 }), { numRuns: 8, seed: 12 })
    for (const each of told.map((steps) => steps.filter((one) => one.do !== 'event' || isTame(one)))) {
      for (const one of each) await run.take(one)
      sizes.push(await run.size())
    }
    const [half = 0, end = 0] = [Math.max(...sizes.slice(2, 4)), Math.max(...sizes.slice(6))]
    expect([end < half * 1.5, sizes]).toEqual([true, sizes])
    await run.finish()
  })
})

describe('G10: what the fuzzer found', () => {
  const found = async (reply: (world: Awaited<ReturnType<typeof open>>) => void | Promise<void>) => {
    const world = await open()
    await reply(world)
    return world
  }
  const open = async () => {
    const world = createHostileWorld()
    await world.connect()
    return world
  }
  const general = { channelId: 'general' }
  const message = (more: object = {}) => ({ id: 'a', channelId: 'general', userId: 'bob', content: 'x', createdAt: 1, seq: 1, ...more })
  const answer = (world: HostileWorld, event: string, response: unknown) => world.asked.filter((each) => each.event === event).at(-1)?.answer(response)
  const page = (data: object) => found((world) => {
    world.store.dispatch(world.store.chat.actions.openChannel(general))
    answer(world, 'message:sync', { success: true, data: { messages: [], latest: 0, more: false, ...data } })
  })
  const refusal = (error: unknown) => found((world) => {
    world.store.dispatch(world.store.chat.actions.sendMessage({ ...general, content: 'mine' }))
    answer(world, 'message:send', { success: false, error })
  })
  const mine = ({ store }: HostileWorld) => valueAt(store.state().outbox.channels, 'general')?.[0]?.[0]

  it("a page's message of another channel is dropped, counted and reported", async () => {
    const { invalid, store } = await page({ messages: [message({ channelId: 'other' })] })
    expect([invalid(), store.state().errors.map(({ code }) => code)]).toEqual([1, ['invalid_message']])
  })

  it("a page's unreadable receipts are dropped, counted and reported", async () => {
    const { invalid, store } = await page({ receipts: [{ userId: 'bob', delivered: -1, read: 0.5 }, { delivered: 1 }, null] })
    expect([invalid(), store.state().errors.map(({ code }) => code)]).toEqual([4, ['invalid_message']])
  })

  it('an array with holes is no JSON: neither as a list of capabilities nor in an extra field', async () => {
    const holes = Object.assign([1], { 2: 3 })
    const { invalid, store } = await found((world) => {
      world.say('session', [{ capabilities: Object.assign(['a'], { 2: 'b' }) }])
      world.say('message:new', [message({ topic: holes })])
      world.say('message:new', [message({ topic: Object.assign([1], { name: 1 }) })])
      // One hole and one name: as many members as its length says.
      world.say('message:new', [message({ topic: Object.assign(Array.from({ length: 0 }), { length: 1, name: new Map() }) })])
    })
    expect([invalid(), problemsOf(store.state())]).toEqual([4, []])
  })

  it('an extra field that is undefined is absent, as a mapping of optional fields makes it', async () => {
    const { invalid, store } = await found((world) => world.say('message:new', [message({ replyTo: undefined })]))
    expect([invalid(), valueAt(store.state().messages, 'general')?.messages.flat()]).toEqual([0, [message()]])
  })

  it('the text of a refusal is kept at a bounded length', async () => {
    for (const error of ['x'.repeat(100_000), { code: 'no', message: 'x'.repeat(100_000) }]) {
      expect(mine(await refusal(error))?.failure?.message).toHaveLength(1_000)
    }
  })

  it('no pause that a server asks for holds a message back for good', async () => {
    const world = await refusal({ code: 'rate_limited', message: 'later', retryAfterMs: 1e300 })
    expect((mine(world)?.nextAttemptAt ?? Infinity) - world.env.clock.now()).toBeLessThanOrEqual(3_600_000)
  })

  it('an unreadable page is counted', async () => {
    const { invalid } = await page({ messages: 'none' })
    expect(invalid()).toBe(1)
  })

  it('an unreadable answer to message:sync is counted', async () => {
    const { invalid } = await found((world) => {
      world.store.dispatch(world.store.chat.actions.openChannel(general))
      answer(world, 'message:sync', 'nonsense')
    })
    expect(invalid()).toBe(1)
  })

  it('an unreadable answer to auth:refresh is counted and reported', async () => {
    const { invalid, store } = await found(async (world) => {
      world.say('auth:expired', [{}])
      await world.env.clock.flush()
      answer(world, 'auth:refresh', 'nonsense')
    })
    expect([invalid(), store.state().errors.length]).toEqual([1, 1])
  })

  it("a bound event that the app's parse refuses is counted", async () => {
    const { invalid } = await found((world) => world.say('app:checked', [{ topic: 1 }]))
    expect(invalid()).toBe(1)
  })
})

/** Its bytes come from a fixed stock of names and texts. */
function isTame({ raw, mutations }: Extract<Step, { do: 'event' }>): boolean {
  return raw === null && mutations.every(({ value }) => typeof value !== 'string' && typeof value !== 'object')
}

/** Every kind must have been seen, both to pass and to be dropped. */
const EXPECTED = [
  ...['message:new', 'message:delivered', 'message:read', 'session', 'app:checked'].flatMap((kind) => [`${kind} accepted`, `${kind} dropped`]),
  'auth:expired accepted', 'app:plain accepted', 'unknown accepted', '__proto__ accepted', 'constructor accepted',
  ...['message:send', 'message:sync', 'message:history', 'auth:refresh', 'message:delivered', 'message:read'].flatMap((kind) =>
    ['accepted', 'refused', 'unreadable'].map((verdict) => `ack ${kind} ${verdict}`)),
  'ack message:send wrong id', 'ack twice', 'ack late',
]
