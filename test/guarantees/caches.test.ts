import type { UnknownAction } from '@reduxjs/toolkit'
import { createChat } from 'redux-chat'
import { createSeededRandom, createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { createActions } from '../../src/actions'
import type { WireMessage } from '../../src/model'

const RUNS = Number(process.env['CACHE_RUNS'] ?? 12)
const STEPS = 200
const CHANNELS = ['a', 'b', 'c', 'd', '__proto__', 'constructor']
const USERS = ['alice', 'bob', 'carol']

/** Facts and commands in any order; every third run has many channels and full chunks. */
function createFacts(run: number) {
  const random = createSeededRandom(`caches ${run}`)
  const upTo = (count: number): number => Math.floor(random() * count)
  const pick = <T>(items: readonly T[]): T => items[upTo(items.length)] as T
  const isBig = run % 3 === 0
  const channels = [...CHANNELS, ...Array.from({ length: isBig ? 20 : 0 }, (_, i) => `k${i}`)]
  const latest = isBig ? 300 : 25
  let composed = 0
  const nameOf = (i: number): string => `id${String(i).padStart(6, '0')}`
  const { commands, events, reports } = createActions('chat', { now: () => 1_000 + composed, id: () => nameOf(composed++) })
  const anyId = (): string => nameOf(upTo(composed + 1))
  const seq = (): { readonly seq?: number } => (random() < 0.85 ? { seq: 1 + upTo(latest) } : {})

  function message(channelId: string): WireMessage {
    const place = 1 + upTo(latest)
    return {
      id: random() < 0.15 ? anyId() : `${channelId}-${place}`, channelId, userId: pick(USERS), content: random() < 0.05 ? 'edited' : 'x',
      createdAt: 1_000 + (random() < 0.9 ? place : upTo(50)), ...(random() < 0.85 && { seq: place }),
    }
  }

  const receipt = () => ({
    kind: pick(['read', 'delivered'] as const), channelId: pick(channels), userId: pick(USERS), ...(random() < 0.7 ? { seq: 1 + upTo(latest) } : { messageId: `a-${1 + upTo(latest)}` }),
  })

  function page(channelId: string): UnknownAction {
    const from = upTo(latest)
    const direction = pick(['newer', 'older'] as const)
    const length = upTo(6)
    const first = direction === 'newer' ? from + 1 : Math.max(1, from - length)
    const messages = Array.from({ length }, (_, i) => ({ id: `${channelId}-${first + i}`, channelId, userId: 'bob', content: 'x', createdAt: 1_000 + first + i, seq: first + i }))
    return reports.pageLoaded({ channelId, direction, from, page: { messages, receipts: [receipt()], latest: random() < 0.8 ? latest : null, more: random() < 0.5 } })
  }

  const failure = { code: 'x', message: 'x', retryable: true, attempt: 1 }
  const makers: readonly ((channelId: string) => UnknownAction)[] = [
    (channelId) => commands.sendMessage({ channelId, content: 'x' }),
    (channelId) => commands.sendMessage({ channelId, content: 'x' }),
    (channelId) => events.messagesReceived({ messages: Array.from({ length: 1 + upTo(isBig ? 80 : 5) }, () => message(random() < 0.5 ? channelId : pick(channels))) }),
    (channelId) => events.messagesReceived({ messages: [message(channelId)] }),
    () => events.receiptsReceived({ receipts: Array.from({ length: 1 + upTo(4) }, receipt) }),
    (channelId) => reports.messageAcked({ id: anyId(), channelId, attempt: 1, at: 1, ...seq() }),
    (channelId) => reports.messageEmitted({ id: anyId(), channelId, attempt: 1 + upTo(2), at: 1, deadline: 2 }),
    (channelId) => reports.messageDelayed({ id: anyId(), channelId, attempt: 1 + upTo(2), at: 1, reason: failure, nextAttemptAt: 5, spent: true }),
    (channelId) => commands.openChannel({ channelId }),
    (channelId) => commands.closeChannel({ channelId }),
    (channelId) => commands.loadOlder({ channelId }),
    (channelId) => commands.loadNewer({ channelId }),
    page, page, page,
    (channelId) => commands.markRead({ channelId, ...(random() < 0.3 && { messageId: `${channelId}-${1 + upTo(latest)}` }) }),
    () => (random() < 0.5 ? reports.connectionOpened({ at: 1 }) : reports.connectionLost({ status: 'reconnecting', reason: 'x', attempt: 0, nextRetryAt: null, wasOpen: true })),
    () => commands.discardMessage({ id: anyId() }),
    () => (random() < 0.15 ? commands.signOut({}) : commands.connect({ userId: random() < 0.1 ? 'bob' : 'alice' })),
  ]
  return {
    random, pick,
    first: [commands.connect({ userId: 'alice' }), reports.sessionAnnounced({ capabilities: ['sync'], maxMessageBytes: null, dedupWindowMs: null })],
    next: (): UnknownAction => pick(makers)(pick(channels)),
  }
}

/** Somebody else's message may have the id of one of mine. */
const onlyOnce = <T extends { readonly id: string }>(items: readonly T[]): readonly T[] => items.filter(({ id }) => items.filter((other) => other.id === id).length === 1)

function runCaches(run: number): void {
  const { random, pick, first, next } = createFacts(run)
  const { reducer, selectors } = createChat({ url: 'x', token: 't', environment: createTestEnvironment().environment, history: { windowSize: run % 3 === 0 ? 200 : 6, maxChannels: 2, pageSize: 4 } })
  type State = ReturnType<typeof reducer>
  let state = first.reduce<State>(reducer, reducer(undefined, { type: '@@init' }))
  const earlier: State[] = []
  const lookAt = (chat: State) => CHANNELS.map((channelId) => [
    selectors.selectMessages({ chat }, channelId), selectors.selectChannel({ chat }, channelId), selectors.selectUnreadCount({ chat }, channelId),
  ])
  for (let step = 0; step < STEPS; step++) {
    // A jump back, as DevTools make one.
    if (earlier.length > 0 && random() < 0.15) state = pick(earlier)
    const action = next()
    const before = JSON.stringify(state)
    const warm = reducer(state, action)
    const cold = reducer(structuredClone(state), structuredClone(action))
    const what = `run ${run}, step ${step}: ${JSON.stringify(action).slice(0, 300)}`
    expect([what, JSON.stringify(state)]).toEqual([what, before])
    expect([what, JSON.stringify(warm)]).toEqual([what, JSON.stringify(cold)])
    expect([what, lookAt(warm)]).toEqual([what, lookAt(structuredClone(warm))])
    for (const shown of CHANNELS.flatMap((channelId) => onlyOnce(selectors.selectMessages({ chat: warm }, channelId)).slice(-3))) {
      expect([what, selectors.selectMessage({ chat: warm }, shown.channelId, shown.id)]).toEqual([what, shown])
    }
    state = warm
    if (random() < 0.3) earlier.push(state)
  }
}

describe('caches beside the state', () => {
  it('G5, G12: never show: a state that was copied, or jumped back to, goes on like any other', () => {
    for (let run = 0; run < RUNS; run++) runCaches(run)
  }, 300_000)
})
