import { createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/chat-store'

/** A page whose timers come late, and whose time passes while it renders. */
async function openPage() {
  const env = createTestEnvironment()
  const page = { lateMs: 0, spentMs: 0 }
  const { clock } = env
  const alice = openStore({
    env,
    config: { environment: { clock: {
      now: clock.now,
      monotonic: () => clock.monotonic() + page.spentMs,
      setTimer: (delayMs, task) => clock.setTimer(delayMs + page.lateMs, task),
    } } },
  })
  alice.connect()
  alice.dispatch(alice.chat.actions.openChannel({ channelId: 'general' }))
  await alice.advance(1_000)
  const say = async () => {
    env.server.push('general', { userId: 'bob', content: 'hi' })
    await alice.settle()
  }
  const batches = () => alice.actions.flatMap((action) =>
    (alice.chat.reducerPath + '/messagesReceived' === action.type ? [(action.payload as { messages: readonly unknown[] }).messages.length] : []))
  return { alice, page, say, batches }
}

describe('inbox', () => {
  it('applies the first message at once, and those of one frame together', async () => {
    const { alice, say, batches } = await openPage()
    for (let i = 0; i < 5; i++) await say()
    expect(batches()).toEqual([1])
    await alice.advance(16)
    expect(batches()).toEqual([1, 4])
    await alice.advance(100)
    await say()
    expect(batches()).toEqual([1, 4, 1])
  })

  it('G8: receipts are applied once, and then nothing is left to be done', async () => {
    const { alice, say } = await openPage()
    await say()
    for (const user of ['bob', 'carol', 'dave']) alice.env.server.pushReceipt('delivered', 'general', user)
    await alice.advance(5_000)
    const users = alice.actions.filter(alice.chat.facts.receiptsReceived.match).flatMap(({ payload }) => payload.receipts.map(({ userId }) => userId))
    expect(users.filter((userId) => userId !== 'alice')).toEqual(['bob', 'carol', 'dave'])
  })

  it('G8: a page that takes longer than a frame for each batch gets one batch for what came meanwhile', async () => {
    const { alice, page, say, batches } = await openPage()
    alice.store.subscribe(() => { page.spentMs += 40 })
    for (let i = 0; i < 5; i++) await say()
    await alice.advance(16)
    expect(batches()).toEqual([1, 4])
  })

  it('a timer that a hidden page delays keeps nothing back for long while messages come', async () => {
    const { alice, page, say, batches } = await openPage()
    page.lateMs = 60_000
    await say()
    await say()
    await alice.advance(300)
    expect(batches()).toEqual([1])
    await say()
    expect(batches()).toEqual([1, 2])
  })

  it('what came within the frame in which somebody disconnects is applied: a server without catch-up tells it only once', async () => {
    const { alice, say, batches } = await openPage()
    await say()
    await say()
    alice.dispatch(alice.chat.actions.disconnect())
    expect(batches()).toEqual([1, 1])
  })

  it('what comes to somebody who connects again within a frame is applied', async () => {
    const { alice, say, batches } = await openPage()
    await say()
    alice.dispatch(alice.chat.actions.disconnect())
    alice.connect()
    await alice.settle()
    await say()
    expect(batches()).toEqual([1, 1])
  })
})
