import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createActions } from '../../src/actions'
import type { ReceiptEvent, WireMessage } from '../../src/model'
import { createChatReducer, type ChatState } from '../../src/state/chat-state'
import { createSelectors } from '../../src/state/selectors'

const actions = createActions('chat', { now: () => 1_000, id: (() => { let n = 0; return () => `mine-${n++}` })() })
const reduce = createChatReducer('chat', actions, { windowSize: 1_000, maxChannels: 10 })
const { selectMessages, selectChannel, selectUnreadCount, selectReceipts } = createSelectors('chat')
const { commands, reports, events } = actions

type Fact = Parameters<typeof reduce>[1]

const mine = ['a', 'b', 'c'].map((content) => commands.sendMessage({ channelId: 'general', content }))
const committed: readonly WireMessage[] = [1, 2, 3, 4, 5, 6].map((seq) => {
  const own = mine[seq / 2 - 1]
  return own && seq % 2 === 0
    ? { id: own.payload.id, channelId: 'general', userId: 'alice', content: own.payload.content, createdAt: 2_000 + seq, seq }
    : { id: `theirs-${seq}`, channelId: 'general', userId: 'bob', content: `b${seq}`, createdAt: 2_000 + seq, seq }
})
const receipt = (kind: 'delivered' | 'read', userId: string, seq: number): ReceiptEvent => ({ kind, channelId: 'general', userId, seq })

const start = [
  commands.connect({ userId: 'alice' }), reports.connectionOpened({ at: 1 }),
  reports.sessionAnnounced({ capabilities: ['sync'], maxMessageBytes: null, dedupWindowMs: null }), ...mine,
].reduce<ChatState | undefined>((state, action) => reduce(state, action), undefined)

const page = (from: number, to: number) => ({
  messages: committed.slice(from, to), receipts: [receipt('read', 'bob', 2)], latest: 6, more: to < 6,
})

/** Everything that the world may tell about these six messages. */
const facts: readonly Fact[] = [
  ...mine.map((action, i) => reports.messageAcked({ id: action.payload.id, channelId: 'general', attempt: 1, at: 5, seq: (i + 1) * 2, createdAt: 2_002 + i * 2 })),
  ...committed.map((message) => events.messagesReceived({ messages: [message] })),
  events.messagesReceived({ messages: [...committed].reverse() }),
  events.receiptsReceived({ receipts: [receipt('delivered', 'bob', 6)] }),
  events.receiptsReceived({ receipts: [receipt('read', 'bob', 4)] }),
  events.receiptsReceived({ receipts: [{ kind: 'read', channelId: 'general', userId: 'carol', messageId: 'theirs-3' }] }),
  reports.pageLoaded({ channelId: 'general', direction: 'newer', from: 0, page: page(0, 6) }),
  ...mine.map((action) => reports.messageDelayed({
    id: action.payload.id, channelId: 'general', attempt: 1, at: 6, nextAttemptAt: 9, spent: true,
    reason: { code: 'timeout', message: 'late', retryable: true, attempt: 1 },
  })),
]

const picture = (chat: ChatState) => ({
  messages: selectMessages({ chat }, 'general'),
  gap: selectChannel({ chat }, 'general').gap,
  unread: selectUnreadCount({ chat }, 'general'),
  receipts: [...selectReceipts({ chat }, 'general')].sort((a, b) => (a.userId < b.userId ? -1 : 1)),
  outbox: chat.outbox.channels,
})

const RANK = { pending: 0, failed: 0, sent: 1, delivered: 2, read: 3 }

describe('G5: convergence', () => {
  const expected = picture(facts.reduce((state, fact) => reduce(state, fact), start!))

  it('is what a person would expect in the first place', () => {
    expect(expected.messages.map(({ content, status }) => `${content}:${status}`)).toEqual(
      ['b1:read', 'a:read', 'b3:read', 'b:read', 'b5:sent', 'c:delivered'])
    expect(expected).toMatchObject({ gap: null, outbox: [] })
  })

  it('the same facts in any order and any multiplicity give the same state, and no status falls on the way', () => {
    const order = fc.shuffledSubarray([...facts, ...facts], { minLength: facts.length * 2 })
    fc.assert(fc.property(order, (shuffled) => {
      const seen = new Map<string, { rank: number; seq: number | undefined }>()
      let state = start!
      for (const fact of shuffled) {
        state = reduce(state, fact)
        const shown = selectMessages({ chat: state }, 'general')
        if (new Set(shown.map(({ id }) => id)).size !== shown.length) expect.fail('a message is shown twice')
        for (const { id, status, seq } of shown) {
          const before = seen.get(id)
          if (RANK[status] < (before?.rank ?? 0) || (before?.seq !== undefined && before.seq !== seq)) {
            expect.fail(`${id} went from ${JSON.stringify(before)} to ${status}, seq ${seq}`)
          }
          seen.set(id, { rank: RANK[status], seq })
        }
        if (mine.some(({ payload }) => !shown.some(({ id }) => id === payload.id))) expect.fail('a message of mine vanished')
      }
      expect(picture(state)).toEqual(expected)
    }), { numRuns: 300 })
  }, 60_000)
})
