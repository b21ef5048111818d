import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EMPTY_OUTBOX, entriesIn, inFlight } from '../../src/policy/outbox'
import { openStore } from '../support/chat-store'

/* A server that is well, keeps the order of each channel as `ordered` promises, and takes its time for each message, copies included. */

const RUNS = Number(process.env['SLOW_RUNS'] ?? 20)

interface Sent { readonly id: string; readonly channelId: string; readonly content: string }

/** Loses the answers that `isLost` names, by their number. */
function openSlow(takesMs: number, isLost: (nth: number) => boolean) {
  const tab = openStore()
  const { clock, server } = tab.env
  const log: Sent[] = []
  const freeAt = new Map<string, number>()
  let emits = 0
  server.on('message:send', (payload, _peer, reply) => {
    const message = payload as Sent
    const nth = emits++
    const at = Math.max(freeAt.get(message.channelId) ?? 0, clock.monotonic()) + takesMs
    freeAt.set(message.channelId, at)
    clock.setTimer(at - clock.monotonic(), () => {
      if (!log.some(({ id }) => id === message.id)) log.push(message)
      if (!isLost(nth)) reply({ success: true, data: { id: message.id, seq: 1 + log.findIndex(({ id }) => id === message.id), createdAt: 1 } })
    })
  })
  return { tab, log, emits: () => emits, contentsOf: (channelId: string) => log.filter((each) => each.channelId === channelId).map(({ content }) => content) }
}

it('G1, G3, G8: a message that waits its turn at the server is not sent again', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 5_000 }), async (count, takesMs) => {
    const { tab, contentsOf, emits } = openSlow(takesMs, () => false)
    const contents = Array.from({ length: count }, (_, i) => `${i}`)
    for (const content of contents) tab.send(content)
    tab.connect()
    await tab.advance(2_000 + count * (takesMs + 100))
    expect([contentsOf('general'), emits(), tab.selectors.selectOutbox(tab.store.getState())]).toEqual([contents, count, []])
  }), { numRuns: RUNS, examples: [[80, 1_000]] })
}, 120_000)

it('G1: the time of one that was put off is not the longer for another channel', async () => {
  const { tab } = openSlow(1_000, (nth) => nth === 1 || nth === 2)
  const isSent = (channelId: string) => tab.messages(channelId).every(({ status }) => status === 'sent')
  tab.connect()
  await tab.advance(2_000)
  tab.send('first', 'a')
  tab.send('lost', 'a')
  await tab.advance(9_900)
  tab.send('lost as well', 'b')
  // Ten seconds after the first answer, a first pause of a second at most, and what the server takes.
  await tab.advance(4_200)
  expect([isSent('a'), isSent('b')]).toEqual([true, false])
})

it('G1, G3: one that got no answer is, though the server goes on answering', async () => {
  await fc.assert(fc.asyncProperty(
    fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3_000 }), fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 3 }), fc.integer({ min: 1, max: 3 }),
    async (count, takesMs, lost, channels) => {
      const { tab, contentsOf, emits } = openSlow(takesMs, (nth) => lost.includes(nth))
      for (let i = 0; i < count; i++) tab.send(`${i}`, `room-${i % channels}`)
      tab.connect()
      // Each lost answer costs its time, a pause, and all that stood behind it once more.
      await tab.advance(10_000 + (1 + lost.length) * (count * (takesMs + 100) + 20_000))
      expect(tab.selectors.selectOutbox(tab.store.getState())).toEqual([])
      for (let c = 0; c < channels; c++) {
        expect(contentsOf(`room-${c}`)).toEqual(Array.from({ length: count }, (_, i) => i).filter((i) => i % channels === c).map(String))
      }
      // Twice what may be in flight in a channel.
      expect(emits()).toBeLessThanOrEqual(count + lost.length * 2 * 32)
    }), { numRuns: RUNS })
}, 120_000)

it('G1: one that got no answer, and was overtaken by others, is sent again in its time, however much follows', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 50, max: 500 }), async (takesMs) => {
    const { tab, emits } = openSlow(takesMs, (nth) => nth === 0)
    const id = tab.send('lost')
    for (let i = 0; i < 300; i++) tab.send(`${i}`)
    tab.connect()
    // Its time, the longest first pause, and twice what the server has to do before.
    await tab.advance(100 + 10_000 + 1_000 + 2 * 32 * (takesMs + 100))
    expect([tab.messages().find((message) => message.id === id)?.status, emits() > 32]).toEqual(['sent', true])
  }), { numRuns: RUNS })
}, 120_000)

it('G1, G3, G8: of long messages no more is in flight than a slow link takes between two heartbeats, and of short ones the usual number', async () => {
  await fc.assert(fc.asyncProperty(
    fc.constantFrom(300, 3_000, 12_000, 60_000), fc.integer({ min: 1, max: 8 }), fc.boolean(), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
    async (longest, channels, isOrdered, draws) => {
      const { tab, contentsOf, emits } = openSlow(500, () => false)
      tab.env.server.onConnection((peer) => { if (!isOrdered) peer.emit('session', { capabilities: ['sync'] }) })
      let [most, count] = [0, 0]
      tab.store.subscribe(() => {
        const flying = entriesIn(tab.store.getState().chat?.outbox ?? EMPTY_OUTBOX).filter(inFlight).map(({ message }) => JSON.stringify(message).length)
        count = Math.max(count, flying.length)
        // The one that goes beyond is the last, and no longer than the longest.
        most = Math.max(most, flying.reduce((sum, length) => sum + length, 0) - Math.max(0, ...flying))
      })
      const contents = Array.from({ length: 60 }, (_, i) => ({ channelId: `room-${i % channels}`, content: `${i} ${'x'.repeat(longest * draws.next().value)}` }))
      for (const each of contents) tab.dispatch(tab.chat.actions.sendMessage({ ...each, ...(draws.next().value < 0.3 && { more: 'y'.repeat(longest * draws.next().value) }) }))
      tab.connect()
      await tab.advance(120_000)
      // 32,000 of text; what stands around it comes on top.
      expect(most).toBeLessThan(40_000)
      if (longest === 300 && isOrdered) expect(count).toBe(Math.min(60, 32 * channels))
      for (let c = 0; c < channels; c++) expect(contentsOf(`room-${c}`)).toEqual(contents.filter(({ channelId }) => channelId === `room-${c}`).map(({ content }) => content))
      expect(emits()).toBe(60)
    }), { numRuns: RUNS })
}, 120_000)
