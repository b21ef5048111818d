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
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.boolean(), async (count, isClosed) => {
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
    if (isClosed) tab.dispatch(tab.chat.actions.closeChannel({ channelId: 'good' }))
    network.cut()
    await tab.advance(1_000)
    server.push('good', { userId: 'bob', content: 'missed' })
    network.restore()
    expect(await until(tab, () => tab.messages('good').length === 2)).toBeLessThanOrEqual(4_500)
    // One page of it is lost: somebody who asks for it is not made to wait behind those that never come.
    network.fault({ direction: 'up', event: 'message:sync', match: (payload) => (payload as { readonly channelId: string }).channelId === 'good', action: 'drop', times: 1 })
    network.drop()
    await tab.advance(15_000)
    open('good')
    expect(await until(tab, () => tab.channel('good').sync === 'idle')).toBeLessThanOrEqual(2_500)
    await tab.advance(30_000)
    open('new')
    expect(await until(tab, () => tab.messages('new').length === 1)).toBeLessThanOrEqual(2_500)
  }), { numRuns: RUNS, examples: [[40, false], [60, true]] })
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

it('G7: of many channels without an answer each has its turn, so that those which are answered again are soon sent', async () => {
  const tab = openStore({ config: { delivery: { inFlightTotal: IN_FLIGHT } } })
  tab.env.server.configure({ capabilities: ['sync'] })
  let isAnswered = (_channelId: string): boolean => false
  tab.env.network.fault({ direction: 'up', event: 'message:send', match: (payload) => !isAnswered((payload as { readonly channelId: string }).channelId), action: 'drop' })
  tab.connect()
  await tab.advance(100)
  for (let i = 0; i < 200; i++) tab.send('unanswered', `${i}`)
  await tab.advance(150_000)
  isAnswered = (channelId) => Number(channelId) % 20 === 0
  const isSent = (): boolean => Array.from({ length: 10 }, (_, i) => tab.messages(`${20 * i}`)[0]?.status).every((status) => status === 'sent')
  expect(await until(tab, isSent)).toBeLessThan(250_000)
})

it('G1: one that got no answer has its turn also where one message may be in flight in all', async () => {
  const tab = openStore({ config: { delivery: { inFlightTotal: 1 } } })
  tab.connect()
  await tab.settle()
  tab.env.network.fault({ direction: 'up', event: 'message:send', action: 'drop', times: 1 })
  tab.send('unanswered', 'silent')
  await tab.advance(60_000)
  expect(tab.shown('silent')).toEqual(['unanswered:sent'])
})

it.each([3_000, 9_000])('G7: with a short ackTimeoutMs, pages that are not answered hold up one that is for no longer than that (opened at %i)', async (openedAt) => {
  const tab = openStore({ config: { delivery: { ackTimeoutMs: 500 } } })
  const { server, network, clock } = tab.env
  server.push('good', { userId: 'bob', content: 'hi' })
  network.fault({ direction: 'up', event: 'message:sync', match: (p) => (p as { channelId: string }).channelId !== 'good', action: 'drop' })
  tab.connect()
  for (let n = 0; n < 12; n++) tab.dispatch(tab.chat.actions.openChannel({ channelId: `s${n}` }))
  await tab.advance(openedAt)
  const at = clock.now()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'good' }))
  for (let n = 0; n < 500 && tab.messages('good').length === 0; n++) await tab.advance(10)
  expect(clock.now() - at).toBeLessThanOrEqual(520)
})
