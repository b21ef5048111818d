import { describe, expect, it } from 'vitest'
import { createActions } from '../../src/actions'
import type { Page, ReceiptEvent, WireMessage } from '../../src/model'
import { keysOf, valueAt } from '../../src/policy/table'
import { createChatReducer, type ChatState } from '../../src/state/chat-state'

const actions = createActions('chat', { now: () => 1_000, id: (() => { let n = 0; return () => `mine-${n++}` })() })
const { commands, reports, events } = actions
type Fact = Parameters<ReturnType<typeof createChatReducer>>[1]

const general = { channelId: 'general' }
const message = (seq: number | undefined, more: Partial<WireMessage> = {}): WireMessage =>
  ({ id: `m${seq}`, channelId: 'general', userId: 'bob', content: `m${seq}`, createdAt: seq ?? 1, ...(seq !== undefined && { seq }), ...more })
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i))
const received = (...messages: readonly WireMessage[]) => events.messagesReceived({ messages })
const page = (direction: 'newer' | 'older', from: number, messages: readonly WireMessage[], latest: number | null, more: boolean) => {
  const body: Page = { messages, receipts: [], latest, more }
  return reports.pageLoaded({ channelId: 'general', direction, from, page: body })
}
const receipt = (userId: string, messageId: string): ReceiptEvent => ({ kind: 'read', channelId: 'general', userId, messageId })

function run(facts: readonly Fact[], limits = { windowSize: 10, maxChannels: 10 }, from?: ChatState): ChatState {
  const reduce = createChatReducer('chat', actions, limits)
  return [...(from ? [] : [commands.connect({ userId: 'alice' }), reports.connectionOpened({ at: 1 })]), ...facts]
    .reduce<ChatState | undefined>((state, action) => reduce(state, action), from) ?? expect.fail('no state')
}
const channel = (state: ChatState, key = 'general') => valueAt(state.messages, key) ?? expect.fail(`no channel ${key}`)
const seqs = (state: ChatState) => channel(state).messages.flat().map(({ seq }) => seq)
const queue = (state: ChatState) => (valueAt(state.outbox.channels, 'general') ?? []).flat()
const send = (content: string) => commands.sendMessage({ ...general, content })
const emitted = (id: string, attempt: number) => reports.messageEmitted({ id, ...general, attempt, at: 1, deadline: 99 })
const delayed = (id: string, attempt: number) => reports.messageDelayed({
  id, ...general, attempt, at: 2, nextAttemptAt: 9, spent: true, reason: { code: 'busy', message: 'busy', retryable: true, attempt },
})

describe('attack: outbox state', () => {
  it('G3: a late outcome of attempt 1 does not touch attempt 2', () => {
    const sent = send('a')
    const { id } = sent.payload
    const state = run([sent, emitted(id, 1), delayed(id, 1), emitted(id, 2)])
    expect(run([delayed(id, 1)], undefined, state)).toBe(state)
    expect(queue(state)[0]).toMatchObject({ lease: { attempt: 2 }, spent: 1 })
  })

  it('G2: the same sendMessage dispatched twice is queued once, whatever was sent between', () => {
    const [first, second] = [send('a'), send('b')]
    expect(queue(run([first, first, second, first])).map((entry) => entry.message.id)).toEqual([first.payload.id, second.payload.id])
  })

  it("G7: what is restored for one user is nothing to another one's queue", () => {
    const state = run([send('of alice')])
    const restored = reports.outboxRestored({ userId: 'alice', entries: queue(state), reads: { '#general': { seq: 1 } } })
    const bobs = run([commands.connect({ userId: 'bob' })], undefined, state)
    expect(run([restored], undefined, bobs)).toBe(bobs)
  })

  it('G3: an unknown outcome frees every later emit of its channel, and none before it', () => {
    const sent = ['a', 'b', 'c'].map(send)
    const ids = sent.map(({ payload }) => payload.id)
    const state = run([...sent, ...ids.map((id) => emitted(id, 1)), delayed(ids[1] ?? '', 1)])
    expect(queue(state).map(({ lease }) => lease?.attempt ?? null)).toEqual([1, null, null])
  })

  it('G7: a change of user without a sign-out shows the next one neither queue nor messages', () => {
    const state = run([send('secret'), received(message(1)), commands.connect({ userId: 'bob' })])
    expect(state.outbox).toMatchObject({ userId: 'bob', channels: [], reads: {} })
    expect(state.messages).toEqual([])
  })

  it('G7: a cut connection suspects only the head of each channel', () => {
    const sent = ['a', 'b'].map(send)
    const lost = reports.connectionLost({ status: 'reconnecting', reason: 'x', attempt: 1, nextRetryAt: 1, wasOpen: true })
    const state = run([...sent, ...sent.map(({ payload }) => emitted(payload.id, 1)), lost])
    expect(queue(state).map(({ losses, lease }) => [losses, lease])).toEqual([[1, null], [0, null]])
  })

  it("G1: the user's retry renews the whole budget", () => {
    const sent = send('a')
    const { id } = sent.payload
    const failed = reports.messageFailed({
      id, ...general, attempt: 1, at: 2, failure: { code: 'expired', message: '', retryable: true, attempt: 1 },
      error: { id: 'e', type: 'message_failed', code: 'expired', message: '', at: 2, retryable: true },
    })
    const state = run([sent, emitted(id, 1), delayed(id, 1), failed, { ...commands.retryMessage({ id }), meta: { id, at: 777 } }])
    expect(queue(state)[0]).toMatchObject({ failure: null, spent: 0, losses: 0, budgetFrom: 777, nextAttemptAt: null })
  })

  it('G1: after a disconnect nothing counts as in flight', () => {
    const sent = send('a')
    expect(queue(run([sent, emitted(sent.payload.id, 1), commands.disconnect()]))[0]?.lease).toBeNull()
  })

  it("G7: only my own receipt confirms my read mark", () => {
    const marked = run([received(message(1)), commands.markRead(general)])
    const bobs = run([events.receiptsReceived({ receipts: [{ kind: 'read', channelId: 'general', userId: 'bob', seq: 1 }] })], undefined, marked)
    expect(bobs.outbox.reads).toEqual({ '#general': { seq: 1 } })
    expect(run([events.receiptsReceived({ receipts: [{ kind: 'read', channelId: 'general', userId: 'alice', seq: 1 }] })], undefined, marked).outbox.reads).toEqual({})
  })
})

describe('attack: timeline state', () => {
  it('G2: a message without seq that comes twice is shown once', () => {
    const state = run([received(message(undefined, { id: 'a', createdAt: 1 })), received(message(undefined, { id: 'a', createdAt: 2 }))])
    expect(channel(state).messages.flat().map(({ id, createdAt }) => [id, createdAt])).toEqual([['a', 2]])
  })

  it("G10: another user's copy of an id replaces nothing", () => {
    const state = run([received(message(undefined, { id: 'a' })), received(message(1, { id: 'a', userId: 'mallory', content: 'forged' }))])
    expect(channel(state).messages.flat()).toMatchObject([{ userId: 'bob' }])
  })

  it('G5: a late copy without seq takes no place away', () => {
    const state = run([received(message(1)), received({ ...message(undefined, { id: 'm1', createdAt: 9 }), content: 'm1' })])
    expect(seqs(state)).toEqual([1])
  })

  it('G8: live messages one by one keep the window at its size', () => {
    const state = run(range(1, 50).map((each) => received(each)))
    expect(seqs(state)).toEqual(range(41, 50).map(({ seq }) => seq))
    expect(channel(state)).toMatchObject({ cursor: 50, hasOlder: true })
  })

  it('G6: what is live beyond a hole moves no cursor', () => {
    const state = run([page('newer', 0, range(1, 2), 2, false), received(message(5))])
    expect(channel(state)).toMatchObject({ cursor: 2, latest: 5 })
  })

  it('G6: the last page covers all up to its latest, also what the server has no longer', () => {
    const state = run([page('newer', 0, [message(1), message(4)], 4, false)])
    expect(channel(state)).toMatchObject({ cursor: 4, latest: 4 })
  })

  it('G8: early receipts are bounded, and the newest are kept', () => {
    const state = run(Array.from({ length: 300 }, (_, i) => events.receiptsReceived({ receipts: [receipt('bob', `x${i}`)] })))
    expect(channel(state).early).toHaveLength(100)
    expect(channel(state).early.at(-1)).toMatchObject({ messageId: 'x299' })
  })

  const detached = (...before: readonly Fact[]) => run([
    ...before, page('newer', 0, range(91, 100), 100, true), page('older', 101, range(91, 100), null, true), reports.syncStarted({ ...general, direction: 'older' }), page('older', 91, range(85, 90), null, true),
  ])

  it('G6: live messages do not join a window that is scrolled back', () => {
    const before = detached()
    expect(channel(before)).toMatchObject({ detached: true, cursor: 94 })
    const state = run([received(message(101))], undefined, before)
    expect(seqs(state)).toEqual(seqs(before))
    expect(channel(state).latest).toBe(101)
  })

  it('G6: a page of history for a window that has moved is of no use', () => {
    const before = detached()
    const state = run([page('older', 50, range(40, 49), null, true)], undefined, before)
    expect(seqs(state)).toEqual(seqs(before))
    expect(channel(state).history).toBe('idle')
  })

  it('G6: a page of catch-up for a cursor that was lost is asked for again', () => {
    const state = run([page('newer', 500, range(501, 502), 502, false)])
    expect(channel(state)).toMatchObject({ messages: [], stale: true, anchored: false })
  })

  it('G8: who missed more than the window holds begins again at the end', () => {
    const state = run([page('newer', 0, range(1, 5), 5, false), page('newer', 5, range(6, 9), 5_000, true)])
    expect(channel(state)).toMatchObject({ messages: [], cursor: 5_000, hasOlder: true, stale: false })
  })

  it('G6: a channel that is opened again begins at its live end', () => {
    const state = run([commands.openChannel(general)], undefined, detached())
    expect(channel(state)).toMatchObject({ detached: false, messages: [], cursor: 100, anchored: true, hasOlder: true, loaded: false })
  })

  it('G6: what was missed before it was opened again is asked for', () => {
    const state = run([reports.connectionOpened({ at: 2 }), received(message(105)), commands.openChannel(general)], undefined, detached(commands.openChannel(general)))
    expect(channel(state)).toMatchObject({ cursor: 100, latest: 105, stale: true })
  })

  it('G6: a replica that is behind moves no reader who has scrolled back', () => {
    const before = run([reports.connectionOpened({ at: 2 })], undefined, detached(commands.openChannel(general)))
    expect(channel(before)).toMatchObject({ detached: true, stale: false, missedAfter: 100 })
    const state = run([page('newer', 100, [], 90, false), page('newer', 89, range(90, 90), 90, false)], undefined, before)
    expect(seqs(state)).toEqual(seqs(before))
    expect(channel(state)).toMatchObject({ detached: true, stale: false, doubt: null, missedAfter: null })
  })

  it('G8: opening channels shrinks the least recently opened of the closed ones', () => {
    const facts = Array.from({ length: 8 }, (_, i) => `c${i}`).flatMap((channelId) =>
      [commands.openChannel({ channelId }), received(message(1, { channelId })), commands.closeChannel({ channelId })])
    const state = run([...facts, commands.openChannel({ channelId: 'last' })], { windowSize: 10, maxChannels: 3 })
    expect(keysOf(state.messages).filter((key) => channel(state, key).messages.length > 0)).toEqual(['c5', 'c6', 'c7'])
  })

  it('G8: what was opened again is not shrunk, however many are open', () => {
    const names = ['c0', 'c1', 'c2', 'c3', 'c4']
    const facts = names.flatMap((channelId) => [commands.openChannel({ channelId }), received(message(1, { channelId })), commands.closeChannel({ channelId })])
    const again = names.slice(3).map((channelId) => commands.openChannel({ channelId }))
    const state = run([...facts, ...again, ...names.slice(0, 2).flatMap((channelId) => [received(message(2, { channelId }))])], { windowSize: 10, maxChannels: 2 })
    expect(keysOf(state.messages).filter((key) => channel(state, key).messages.length > 0)).toEqual(['c0', 'c1', 'c3', 'c4'])
  })

  it('G8: errors are bounded', () => {
    const facts = Array.from({ length: 200 }, (_, i) =>
      reports.errorReported({ error: { id: `e${i}`, type: 'storage_error', code: `c${i}`, message: '', at: 1, retryable: false } }))
    const { errors } = run(facts)
    expect(errors).toHaveLength(50)
    expect(errors.at(-1)?.id).toBe('e199')
  })
})
