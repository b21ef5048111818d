import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

const WINDOW = 5

/** A channel that has caught up with ten messages. */
async function caughtUp(windowSize: number) {
  const alice = openStore({ config: { history: { windowSize } } })
  alice.connect()
  alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
  await alice.advance(1_000)
  for (let i = 0; i < 10; i++) alice.env.server.push('general', { userId: 'bob', content: `${i}` })
  await alice.advance(1_000)
  return alice
}

const message = (seq: number) => ({ id: `burst-${seq}`, channelId: 'general', userId: 'bob', content: `hi ${seq}`, createdAt: seq, seq })

describe('bursts', () => {
  it('G6: one that is longer than the window leaves no gap, in whatever order it came', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 17 }), { minLength: 1, maxLength: 8 }), async (batches) => {
      const alice = await caughtUp(WINDOW)
      let last = 10
      for (const keys of batches) {
        const seqs = keys.map((key, i) => ({ key, seq: last + 1 + i })).sort((a, b) => a.key - b.key).map(({ seq }) => seq)
        last += seqs.length
        alice.dispatch({ type: 'chat/messagesReceived', payload: { messages: seqs.map(message) } })
        expect(alice.channel()).toMatchObject({ gap: null, latestSeq: last, hasOlder: true })
        expect(alice.messages().map(({ seq }) => seq)).toEqual(Array.from({ length: WINDOW }, (_, i) => last - WINDOW + 1 + i))
      }
      alice.dispatch(alice.chat.actions.disconnect())
    }), { numRuns: 60 })
  })

  it('G6: 2,500 messages of one frame ask the server for nothing, and all are unread', async () => {
    const alice = await caughtUp(1_000)
    alice.dispatch(alice.chat.actions.markRead({ channelId: 'general' }))
    const before = alice.actions.length
    for (let i = 0; i < 2_500; i++) alice.env.server.push('general', { userId: 'bob', content: `burst ${i}` })
    await alice.advance(10_000)
    expect(alice.actions.slice(before).filter(({ type }) => type === 'chat/syncStarted')).toEqual([])
    expect(alice.channel()).toMatchObject({ gap: null, latestSeq: 2_510 })
    expect(alice.selectors.selectUnreadCount(alice.store.getState(), 'general')).toBe(2_500)
    expect(alice.messages().length).toBe(1_000)
  })
})
