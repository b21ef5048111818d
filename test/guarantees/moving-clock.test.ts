import fc from 'fast-check'
import { createManualClock, createMemoryServer, createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

/* Time passes while code runs: what ends between two readings of the clock must not be taken for over by the one and for set by the other. */

/** Each reading of the monotonic clock takes as long as `step` says. */
function createWorld() {
  const clock = createManualClock()
  const env = createTestEnvironment({ clock, server: createMemoryServer({ now: clock.now, capabilities: ['sync'] }) })
  const reading = { step: 0 }
  const moving = { ...env.environment.clock, monotonic: () => {
    if (reading.step > 0) clock.sleep(reading.step)
    return clock.monotonic()
  } }
  return { env, reading, moving }
}

describe('a clock that moves while the code looks', () => {
  it.each([[2, 1.5], [3, 2], [5, 3], [8, 5]])('G1: loses no pause of %i ms when a reading takes %d ms', async (pause, step) => {
    const { env, reading, moving } = createWorld()
    const tab = openStore({ env, config: { storage: false, environment: { clock: moving, random: () => pause / 1_000 } } })
    tab.connect()
    await tab.advance(1_000)
    const stop = env.server.rejectNext({ code: 'rate_limited', retryable: true })
    tab.send('x')
    reading.step = step
    await tab.settle()
    reading.step = 0
    stop()
    await tab.advance(5_000)
    expect(tab.shown()).toEqual(['x:sent'])
  })

  it.each([[3, 2], [4, 1.5], [5, 1.5], [6, 1.5], [7, 1.5]])('G1: loses no pause of %i ms after a timeout when a reading takes %d ms', async (pause, step) => {
    const { env, reading, moving } = createWorld()
    const tab = openStore({ env, config: { storage: false, environment: { clock: moving, random: () => pause / 1_000 } } })
    tab.connect()
    await tab.advance(1_000)
    const fault = env.network.fault({ direction: 'up', event: 'message:send', action: 'drop', times: 1 })
    tab.send('x')
    await tab.advance(9_990)
    reading.step = step
    await tab.advance(20)
    reading.step = 0
    fault.stop()
    await tab.advance(600_000)
    expect(tab.shown()).toEqual(['x:sent'])
  })

  it('G6: forgets no gap whose hold ends meanwhile', async () => {
    const { env, reading, moving } = createWorld()
    const open: number[] = []
    for (let at = 90; at <= 101; at += 0.1) {
      const channelId = `c${at}`
      const tab = openStore({ env: env.openTab(), config: { storage: false, environment: { clock: moving } } })
      tab.connect()
      tab.dispatch(tab.chat.actions.openChannel({ channelId }))
      await tab.advance(3_000)
      const fault = tab.env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 1 })
      env.server.push(channelId, { userId: 'bob', content: '1' })
      fault.stop()
      env.server.push(channelId, { userId: 'bob', content: '2' })
      await tab.advance(at)
      reading.step = 0.4
      tab.send('x', 'other')
      reading.step = 0
      await tab.advance(60_000)
      if (tab.channel(channelId).gap) open.push(at)
      tab.dispatch(tab.chat.actions.disconnect())
    }
    expect(open).toEqual([])
  })
})

const RUNS = Number(process.env['PAUSE_RUNS'] ?? 150)
const CHANNELS = ['a', 'b', 'c'] as const
const BASE_MS = 1_000

/** The server refuses some at first, or does not answer; each is sent again after a pause of a few readings. Returns what is not sent in time. */
async function runPauses(sent: readonly (typeof CHANNELS)[number][], readings: readonly number[], step: number, isLost: boolean): Promise<readonly string[]> {
  const { env, reading, moving } = createWorld()
  let drawn = 0
  const random = (): number => step * (readings[drawn++ % readings.length] ?? 0) / BASE_MS
  const tab = openStore({ env, config: { storage: false, delivery: { ackTimeoutMs: 1_000, backoff: { baseMs: BASE_MS, maxMs: BASE_MS } }, environment: { clock: moving, random } } })
  tab.connect()
  await tab.advance(2_000)
  const ids = new Set<string>()
  const isFirst = (id: string): boolean => !ids.has(id) && ids.add(id).size > 0
  const stop = env.server.rejectWhile(({ id }) => (!isLost && isFirst(id) ? { code: 'rate_limited', retryable: true } : null))
  if (isLost) env.network.fault({ direction: 'up', event: 'message:send', match: (message) => isFirst((message as { readonly id: string }).id), action: 'drop' })
  for (const channelId of sent) tab.send('x', channelId)
  reading.step = step
  // Nothing but its own timers wakes it.
  await tab.advance(10_000)
  reading.step = 0
  stop()
  return CHANNELS.flatMap((channelId) => tab.shown(channelId)).filter((shown) => shown !== 'x:sent')
}

describe('pauses of a few readings of the clock', () => {
  it('G1: none is lost, whatever they and the readings take, and whoever else waits', async () => {
    const pause = fc.integer({ min: 5, max: 45 }).map((tenths) => tenths / 10)
    const step = fc.integer({ min: 1, max: 30 }).map((tenths) => tenths / 10)
    const sent = fc.array(fc.constantFrom(...CHANNELS), { minLength: 1, maxLength: 3 })
    await fc.assert(fc.asyncProperty(sent, fc.array(pause, { minLength: 1, maxLength: 6 }), step, fc.boolean(), async (...draws) => {
      expect(await runPauses(...draws)).toEqual([])
    }), { numRuns: RUNS })
  }, 120_000)
})

describe('a clock that was set back over a reload', () => {
  it('G3: what was composed before it leaves first, also when more is written before it has been read', async () => {
    const env = createTestEnvironment()
    const before = openStore({ env })
    before.connect()
    await before.settle()
    env.network.cut()
    before.send('one')
    before.send('two')
    await before.settle()
    const reloaded = env.reload()
    reloaded.clock.setWall(reloaded.clock.now() - 3_600_000)
    const after = openStore({ env: reloaded })
    after.send('three')
    after.connect()
    after.send('four')
    await after.advance(1_000)
    after.send('five')
    reloaded.network.restore()
    await after.advance(60_000)
    expect(env.server.log('general').map(({ content }) => content)).toEqual(['one', 'two', 'three', 'four', 'five'])
  })
})

describe('a wall clock that is set', () => {
  it('G2: back, it brings nothing back that the server has forgotten', async () => {
    const clock = createManualClock()
    const server = createMemoryServer({ dedupWindowMs: 60_000 })
    const tab = openStore({ env: createTestEnvironment({ server, clock }) })
    tab.connect()
    await tab.settle()
    tab.env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
    tab.env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    tab.send('once')
    await tab.advance(1_000)
    tab.env.network.cut()
    clock.setWall(clock.now() - 86_400_000)
    await tab.advance(3_600_000)
    tab.env.network.heal()
    tab.connect()
    await tab.advance(5_000)
    expect([server.received('message:send').length, tab.shown()]).toEqual([1, ['once:failed']])
  })
})
