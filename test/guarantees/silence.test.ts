import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openStore, type TestStore } from '../support/chat-store'

/* Channels that the server never answers, as when one of its handlers throws, beside those that it does. */

const RUNS = Number(process.env['SILENCE_RUNS'] ?? 20)
/** As by default. */
const ACK_TIMEOUT_MS = 10_000
/** Fewer than by default, so that few messages fill it. */
const IN_FLIGHT = 20
const STEP_MS = 100

const isSilent = (payload: unknown): boolean => String((payload as { readonly channelId?: unknown }).channelId).startsWith('silent')

/** How long it takes, in virtual time. */
async function until(tab: TestStore, isDone: () => boolean): Promise<number> {
  let ms = 0
  for (; !isDone() && ms < 300_000; ms += STEP_MS) await tab.advance(STEP_MS)
  return ms
}


it('G3, G7: of messages that are never answered, however many in however many channels, none holds up those of another channel', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 10 }), fc.constantFrom(['sync', 'ordered'], ['sync']), async (count, each, capabilities) => {
    const tab = openStore({ config: { delivery: { inFlightTotal: IN_FLIGHT } } })
    tab.env.server.configure({ capabilities })
    tab.env.network.fault({ direction: 'up', event: 'message:send', match: isSilent, action: 'drop' })
    tab.connect()
    await tab.advance(100)
    for (let i = 0; i < count; i++) for (let k = 0; k < each; k++) tab.send('unanswered', `silent-${i}`)
    const wait = (): Promise<number> => {
      const id = tab.send('answered', 'good')
      return until(tab, () => tab.messages('good').find((message) => message.id === id)?.status === 'sent')
    }
    // Which are not answered nobody can tell before their first time is over.
    expect(await wait()).toBeLessThanOrEqual(ACK_TIMEOUT_MS * (1 + Math.ceil(count / IN_FLIGHT)))
    await tab.advance(60_000)
    for (let round = 0; round < 8; round++) {
      expect(await wait()).toBeLessThanOrEqual(1_000)
      await tab.advance(3_000)
    }
  }), { numRuns: RUNS, examples: [[2 * IN_FLIGHT, 4, ['sync', 'ordered']]] })
}, 120_000)

it('G6, G7: of pages that are never answered, however many, none holds up a page of another channel, on the next connection either', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 60 }), async (count) => {
    const tab = openStore()
    const { network, server } = tab.env
    for (const event of ['message:sync', 'message:history'] as const) network.fault({ direction: 'up', event, match: isSilent, action: 'drop' })
    const open = (channelId: string): void => { tab.dispatch(tab.chat.actions.openChannel({ channelId })) }
    for (const channelId of ['good', 'new']) server.push(channelId, { userId: 'bob', content: 'there' })
    tab.connect()
    for (let i = 0; i < count; i++) open(`silent-${i}`)
    open('good')
    // Four at once, each given two seconds.
    expect(await until(tab, () => tab.messages('good').length === 1)).toBeLessThanOrEqual(1_000 + 2_000 * (count / 4))
    await tab.advance(120_000)
    network.cut()
    await tab.advance(1_000)
    server.push('good', { userId: 'bob', content: 'missed' })
    network.restore()
    expect(await until(tab, () => tab.messages('good').length === 2)).toBeLessThanOrEqual(4_500)
    await tab.advance(30_000)
    open('new')
    expect(await until(tab, () => tab.messages('new').length === 1)).toBeLessThanOrEqual(2_500)
  }), { numRuns: RUNS, examples: [[40]] })
}, 120_000)

it('G7: a server that echoes and never acknowledges is not silent: nothing waits for its acknowledgements', async () => {
  const tab = openStore()
  tab.env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
  tab.connect()
  await tab.advance(100)
  const waiting: number[] = []
  // So many that half of the room is full before the first time is over, and all of it never.
  for (let i = 0; i < 300; i++) {
    tab.send(`${i}`, `channel-${i % 3}`)
    await tab.advance(ACK_TIMEOUT_MS / 80)
    waiting.push(tab.selectors.selectOutbox(tab.store.getState()).length)
  }
  expect(Math.max(...waiting)).toBeLessThan(5)
})
