import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment, type MemoryServer } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { ProtocolOptions } from 'redux-chat'
import { openStore, type TestStore } from '../support/chat-store'
import { entriesOf, valueAt } from '../../src/policy/table'

const RUNS = Number(process.env['WINDOW_RUNS'] ?? 30)
/** In which a page comes for a cursor that is lost by then: few runs meet that. */
const PINNED = [64]
const CHANNELS = ['a', 'b', 'c', 'd', 'e']
/** As the library says of itself: more would flood a server. */
const MAX_REQUESTS = 4
const ACK_TIMEOUT_MS = 700
/** Of one channel in one step, with a server that gives nothing: asked again after a pause, and not in a loop. */
const MAX_VAIN = 6
const OTHERS = ['bob', 'carol', 'alice']

const FAULTS = [
  { direction: 'down', event: 'message:new', action: 'drop', times: 1 },
  { direction: 'down', event: 'message:new', action: 'reorder', times: 2 },
  { direction: 'down', event: 'message:new', action: 'duplicate', times: 2 },
  { direction: 'down', event: 'message:new', action: { delayMs: 250 }, times: 3 },
  { direction: 'ack', event: 'message:sync', action: 'drop', times: 1 },
  { direction: 'ack', event: 'message:sync', action: { delayMs: 200 }, times: 1 },
  { direction: 'ack', event: 'message:history', action: { delayMs: 300 }, times: 1 },
] as const

/** For a while the server gives nothing, and promises more or says nothing of it. */
function createLiar(server: MemoryServer, random: () => number) {
  let asked: string[] = []
  let stop: (() => void) | null = null
  return {
    start(): void {
      stop ??= server.on('message:sync', (payload, _peer, reply) => {
        // A loop without a pause would never let the clock go on.
        if (asked.length > 1_000) return
        const { channelId } = payload as { readonly channelId: string }
        asked.push(channelId)
        const isPromise = random() < 0.5
        reply({ success: true, data: { messages: [], receipts: [], latest: isPromise ? server.log(channelId).length : null, more: isPromise } })
      })
    },
    stop(): void {
      stop?.()
      stop = null
    },
    /** For which channels it was asked since the last time. */
    asked(): readonly string[] {
      const since = asked
      asked = []
      return since
    },
  }
}

/** As a server hears it that takes no notice of how much is asked for. */
const withoutLimit = ({ channelId, after, before }: { readonly channelId: string; readonly after?: number; readonly before?: number }) => ({ channelId, after, before })
const HEARD: ProtocolOptions = { outgoing: { 'message:sync': withoutLimit, 'message:history': withoutLimit } }

function createRun(run: number, isLimited: boolean) {
  const random = createSeededRandom(`windows ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const upTo = (count: number): number => Math.floor(random() * count)
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, maxPage: 2 + upTo(random() < 0.3 ? 40 : 10), echo: pick(['after_ack', 'before_ack', 'none']) })
  const windowSize = (random() < 0.2 ? 1 : 16) + upTo(20)
  const env = createTestEnvironment({ seed: run, clock, server, latencyMs: { min: 0, max: pick([0, 40, 80]) } })
  const tab = openStore({ env, config: { history: { windowSize, pageSize: 1 + upTo(random() < 0.3 ? 40 : 8), maxChannels: upTo(3) }, delivery: { ackTimeoutMs: ACK_TIMEOUT_MS }, ...(isLimited ? {} : { protocol: HEARD }) } })
  return { random, pick, upTo, clock, server, env, tab, windowSize, liar: createLiar(server, random), since: new Map<string, number>() }
}

type Run = ReturnType<typeof createRun>

const push = ({ server, pick }: Run, channelId: string, count: number): void => {
  for (let i = 0; i < count; i++) server.push(channelId, { userId: pick(OTHERS), content: 'x' })
}

const seqsOf = (tab: TestStore, channelId: string): readonly number[] => tab.messages(channelId).flatMap(({ seq }) => seq ?? [])

/** What must hold at every moment. */
function checkNow({ tab, windowSize }: Run, channelId: string): readonly string[] {
  const ids = tab.messages(channelId).map(({ id }) => id)
  const seqs = seqsOf(tab, channelId)
  const { gap, sync, gapsDetectable } = tab.channel(channelId)
  const hasHole = seqs.some((seq, i) => i > 0 && seq > (seqs[i - 1] ?? 0) + 1)
  const isKnown = tab.channel(channelId).latestSeq !== null && valueAt(tab.store.getState().chat?.messages ?? [], channelId)?.anchored === true
  return [
    new Set(ids).size < ids.length && 'one twice',
    seqs.some((seq, i) => i > 0 && seq <= (seqs[i - 1] ?? 0)) && `out of order: ${seqs.join()}`,
    seqs.length > windowSize && `${seqs.length} in a window of ${windowSize}`,
    hasHole && isKnown && gapsDetectable && !gap && sync === 'idle' && `a hole that is no gap: ${seqs.join()}`,
  ].filter((problem) => problem !== false)
}

/** What all channels together ask for; what is late holds up no other. */
function checkRequests({ tab, clock, since }: Run): readonly string[] {
  const running = entriesOf(tab.store.getState().chat?.messages ?? []).flatMap(([channelId, { catchUp, history }]) =>
    [catchUp === 'running' && `newer ${channelId}`, history === 'running' && `older ${channelId}`].filter((key) => key !== false))
  for (const key of since.keys()) if (!running.includes(key)) since.delete(key)
  for (const key of running) since.set(key, since.get(key) ?? clock.monotonic())
  const fresh = [...since.values()].filter((at) => clock.monotonic() - at < ACK_TIMEOUT_MS).length
  return fresh > MAX_REQUESTS ? [`${fresh} requests at once`] : []
}

/** None is asked for again and again. */
function checkVain({ liar }: Run): readonly string[] {
  const asked = liar.asked()
  return CHANNELS.filter((channelId) => asked.filter((other) => other === channelId).length > MAX_VAIN).map((channelId) => `${channelId} is asked for in a loop`)
}

/** Somebody goes back page by page, while what is newer is asked for and on its way. */
async function scrollBack(world: Run, channelId: string): Promise<void> {
  const { tab, env, clock, upTo } = world
  env.network.fault({ direction: 'ack', event: 'message:sync', action: { delayMs: 300 + upTo(1_000) }, times: 1 })
  env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 1 })
  push(world, channelId, 2)
  for (let i = 0; i < 6; i++) {
    await clock.advance(50 + upTo(150))
    tab.dispatch(tab.chat.actions.loadOlder({ channelId }))
  }
}

async function act(world: Run, faults: { stop(): void }[]): Promise<void> {
  const { tab, env, pick, upTo, random } = world
  const { actions } = tab.chat
  const channelId = pick(CHANNELS)
  const step = upTo(16)
  if (step < 3) push(world, channelId, 1 + upTo(random() < 0.2 ? 40 : 4))
  else if (step < 4) tab.send('mine', channelId)
  else if (step < 5) tab.dispatch(actions.openChannel({ channelId }))
  else if (step < 6) tab.dispatch(actions.closeChannel({ channelId }))
  else if (step < 9) tab.dispatch(actions.loadOlder({ channelId }))
  else if (step < 10) tab.dispatch(actions.loadNewer({ channelId }))
  else if (step < 11) tab.dispatch(actions.markRead({ channelId }))
  else if (step < 12) {
    if (random() < 0.4) env.network.drop()
  }
  else if (step < 13) await scrollBack(world, channelId)
  else if (step < 14) world.liar[random() < 0.5 ? 'start' : 'stop']()
  else if (faults.length < 6) faults.push(env.network.fault(pick(FAULTS)))
  else faults.shift()?.stop()
}

/** At rest the end of the channel is shown; then all of its history, page by page, and its end again. */
async function checkRest(world: Run, channelId: string): Promise<readonly string[]> {
  const { tab, clock, server } = world
  const { actions } = tab.chat
  const problems: string[] = []
  tab.dispatch(actions.openChannel({ channelId }))
  await clock.advance(60_000)
  const log = server.log(channelId).map(({ seq }) => seq)
  const shown = seqsOf(tab, channelId)
  if (shown.join() !== log.slice(log.length - shown.length).join()) problems.push(`shows ${shown.join()} of ${log.length}`)
  if (log.length > 0 && shown.length === 0) problems.push('shows nothing')
  if (shown.length < log.length && !tab.channel(channelId).hasOlder) problems.push('hides its history')
  const { gap, sync, hasNewer, loadingOlder } = tab.channel(channelId)
  if (gap ?? (sync !== 'idle' || hasNewer || loadingOlder)) problems.push(`not at rest: ${JSON.stringify(tab.channel(channelId))}`)
  const seen = new Set(shown)
  for (let i = 0; i < 400 && tab.channel(channelId).hasOlder; i++) {
    tab.dispatch(actions.loadOlder({ channelId }))
    await clock.advance(400)
    seqsOf(tab, channelId).forEach((seq) => seen.add(seq))
  }
  if (seen.size < log.length) problems.push(`its history lacks ${log.filter((seq) => !seen.has(seq)).join()}`)
  const seenAgain = new Set(seqsOf(tab, channelId))
  const from = Math.min(...seenAgain)
  for (let i = 0; i < 400 && tab.channel(channelId).hasNewer; i++) {
    tab.dispatch(actions.loadNewer({ channelId }))
    await clock.advance(400)
    seqsOf(tab, channelId).forEach((seq) => seenAgain.add(seq))
    problems.push(...checkNow(world, channelId))
  }
  if (log.some((seq) => seq > from && !seenAgain.has(seq))) problems.push('leaves out what is newer')
  if (seqsOf(tab, channelId).at(-1) !== log.at(-1)) problems.push('does not come back to its end')
  tab.dispatch(actions.markRead({ channelId }))
  await clock.advance(200)
  if (tab.selectors.selectUnreadCount(tab.store.getState(), channelId) > 0) problems.push('unread though read')
  return problems
}

async function runWindows(run: number, isLimited: boolean): Promise<readonly string[]> {
  const world = createRun(run, isLimited)
  const { tab, env, clock, server, upTo } = world
  const faults: { stop(): void }[] = []
  const problems: string[] = []
  for (const channelId of CHANNELS) push(world, channelId, upTo(60))
  tab.store.subscribe(() => void problems.push(...checkRequests(world)))
  tab.connect()
  for (let step = 0; step < 80; step++) {
    await act(world, faults)
    await clock.advance(upTo(4) === 0 ? upTo(1_500) : upTo(60))
    problems.push(...checkVain(world))
    problems.push(...CHANNELS.flatMap((channelId) => checkNow(world, channelId).map((problem) => `step ${step} in ${channelId}: ${problem}`)))
  }
  world.liar.stop()
  env.network.heal()
  env.network.drop()
  await clock.advance(120_000)
  for (const channelId of CHANNELS) {
    const { latestSeq, sync } = tab.channel(channelId)
    if (latestSeq !== null && (latestSeq !== server.log(channelId).length || sync !== 'idle')) problems.push(`of ${channelId} the end is not known: ${latestSeq}, ${sync}`)
  }
  for (const channelId of CHANNELS) problems.push(...(await checkRest(world, channelId)).map((problem) => `at rest in ${channelId}: ${problem}`))
  tab.dispatch(tab.chat.actions.disconnect())
  await clock.advance(200)
  if (env.timers > 0) problems.push(`leaves ${env.timers} timers`)
  return problems
}

/** All is read, and the window of 20 shows older ones. */
async function scrolledBack(count = 60, olders = 3) {
  const tab = openStore({ config: { history: { windowSize: 20, pageSize: 10 } } })
  for (let i = 0; i < count; i++) tab.env.server.push('a', { userId: 'bob', content: 'x' })
  tab.connect()
  tab.dispatch(tab.chat.actions.openChannel({ channelId: 'a' }))
  await tab.advance(5_000)
  tab.dispatch(tab.chat.actions.markRead({ channelId: 'a' }))
  for (let i = 0; i < olders; i++) {
    tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'a' }))
    await tab.advance(2_000)
  }
  expect(tab.channel('a').hasNewer).toBe(true)
  return { tab, shown: tab.messages('a').map(({ seq }) => seq) }
}

describe('windows', () => {
  it('G2, G3, G6, G8: whatever is scrolled, lost, doubled or reordered, each shows an unbroken part, and its end in the end', async () => {
    for (const run of [...PINNED, ...Array(RUNS).keys()]) expect([run, await runWindows(run, true)]).toEqual([run, []])
  }, 300_000)

  it('G6: a channel that was left scrolled back catches up after a reconnect', async () => {
    const { tab } = await scrolledBack()
    tab.dispatch(tab.chat.actions.closeChannel({ channelId: 'a' }))
    tab.env.network.cut()
    for (let i = 0; i < 7; i++) tab.env.server.push('a', { userId: 'bob', content: 'missed' })
    await tab.advance(1_000)
    tab.env.network.restore()
    await tab.advance(30_000)
    expect([tab.selectors.selectUnreadCount(tab.store.getState(), 'a'), tab.channel('a').latestSeq, tab.channel('a').sync]).toEqual([7, 67, 'idle'])
  })

  it('G6: a reader who has scrolled back stays there over a reconnect, and learns how much they missed', async () => {
    const { tab, shown } = await scrolledBack()
    tab.env.network.cut()
    for (let i = 0; i < 7; i++) tab.env.server.push('a', { userId: 'bob', content: 'missed' })
    tab.env.server.push('a', { userId: 'alice', content: 'from my other device' })
    await tab.advance(1_000)
    tab.env.network.restore()
    await tab.advance(30_000)
    expect(tab.messages('a').map(({ seq }) => seq)).toEqual(shown)
    expect([tab.selectors.selectUnreadCount(tab.store.getState(), 'a'), tab.channel('a')]).toMatchObject([7, { latestSeq: 68, hasNewer: true, sync: 'idle', gap: null }])
    expect(tab.env.server.log('a').at(-1)?.seq).toBe(68)
    for (let i = 0; i < 10 && tab.channel('a').hasNewer; i++) {
      tab.dispatch(tab.chat.actions.loadNewer({ channelId: 'a' }))
      await tab.advance(500)
    }
    expect([tab.messages('a').at(-1)?.seq, tab.channel('a').gap]).toEqual([68, null])
  })

  it('G6: who has scrolled back and missed more than a page is told so, and is not moved', async () => {
    const { tab, shown } = await scrolledBack()
    tab.env.network.cut()
    for (let i = 0; i < 300; i++) tab.env.server.push('a', { userId: 'bob', content: 'missed' })
    await tab.advance(1_000)
    tab.env.network.restore()
    await tab.advance(30_000)
    expect(tab.messages('a').map(({ seq }) => seq)).toEqual(shown)
    expect([tab.selectors.selectUnreadCount(tab.store.getState(), 'a'), tab.channel('a')]).toMatchObject([300, { latestSeq: 360, hasNewer: true, sync: 'idle' }])
  })

  it('G6: openChannel comes to the end, also while an older page is under way', async () => {
    for (const isOffline of [false, true]) {
      const tab = openStore({ config: { history: { windowSize: 20, pageSize: 10 } } })
      for (let i = 0; i < 60; i++) tab.env.server.push('a', { userId: 'bob', content: 'x' })
      tab.connect()
      tab.dispatch(tab.chat.actions.openChannel({ channelId: 'a' }))
      await tab.advance(2_000)
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'a' }))
      await tab.advance(2_000)
      tab.env.network.fault({ direction: 'ack', event: 'message:history', action: { delayMs: 3_000 }, times: 1 })
      if (isOffline) tab.env.network.cut()
      await tab.advance(50)
      tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'a' }))
      await tab.advance(50)
      tab.dispatch(tab.chat.actions.openChannel({ channelId: 'a' }))
      tab.env.network.restore()
      await tab.advance(60_000)
      expect([tab.messages('a').at(-1)?.seq, tab.channel('a').hasNewer]).toEqual([60, false])
    }
  })

  it('G6: what a first page of history from a replica that is behind leaves out is asked for', async () => {
    const tab = openStore()
    const { server } = tab.env
    for (let i = 0; i < 200; i++) server.push('a', { userId: 'bob', content: 'x' })
    const stop = server.on('message:history', (payload, _peer, reply) => {
      const { before } = payload as { readonly before: number }
      reply({ success: true, data: { messages: server.log('a').slice(before - 20, before - 3), more: true } })
      stop()
    })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'a' }))
    await tab.advance(5_000)
    server.push('a', { userId: 'bob', content: 'x' })
    await tab.advance(5_000)
    expect(tab.messages('a').map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, i) => 182 + i))
    expect(tab.channel('a')).toMatchObject({ gap: null, sync: 'idle', hasOlder: true })
  })

  it.each(['openChannel', 'closeChannel'] as const)('G6: a newer page that comes after %s leaves no silent gap', async (how) => {
    const { tab } = await scrolledBack()
    tab.env.network.fault({ direction: 'ack', event: 'message:sync', action: { delayMs: 500 }, times: 1 })
    tab.dispatch(tab.chat.actions.loadNewer({ channelId: 'a' }))
    await tab.advance(50)
    tab.dispatch(tab.chat.actions[how]({ channelId: 'a' }))
    await tab.advance(60_000)
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'a' }))
    await tab.advance(60_000)
    expect([tab.messages('a').at(-1)?.seq, tab.channel('a').hasNewer]).toEqual([60, false])
  })

  it.each([['a little', 98, Infinity], ['much, and then no more', 35, 1]])('G6: a replica that is behind %s moves no reader who has scrolled back, and they learn what they missed', async (_, until, times) => {
    const { tab, shown } = await scrolledBack(100, 4)
    const { server } = tab.env
    let asked = 0
    server.on('message:sync', (payload, _peer, reply) => {
      const { after, limit } = payload as { readonly after: number; readonly limit: number }
      const log = server.log('a').slice(0, asked++ < times ? until : Infinity)
      reply({ success: true, data: { messages: log.slice(after, after + limit), receipts: [], latest: log.length, more: after + limit < log.length } })
    })
    tab.env.network.cut()
    const missed = times === 1 ? 5 : 0
    for (let i = 0; i < missed; i++) server.push('a', { userId: 'bob', content: 'missed' })
    await tab.advance(1_000)
    tab.env.network.restore()
    await tab.advance(60_000)
    expect(tab.messages('a').map(({ seq }) => seq)).toEqual(shown)
    expect([tab.selectors.selectUnreadCount(tab.store.getState(), 'a'), tab.channel('a')]).toMatchObject([missed, { latestSeq: 100 + missed, hasNewer: true }])
  })

  it('G6: who scrolls back in the moment after a reconnect learns what they missed', async () => {
    const tab = openStore({ config: { history: { windowSize: 20, pageSize: 10 } } })
    const loadOlder = (): void => void tab.dispatch(tab.chat.actions.loadOlder({ channelId: 'a' }))
    for (let i = 0; i < 60; i++) tab.env.server.push('a', { userId: 'bob', content: 'x' })
    tab.connect()
    tab.dispatch(tab.chat.actions.openChannel({ channelId: 'a' }))
    await tab.advance(5_000)
    loadOlder()
    await tab.advance(2_000)
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'a' }))
    tab.env.network.cut()
    for (let i = 0; i < 30; i++) tab.env.server.push('a', { userId: 'bob', content: 'missed' })
    await tab.advance(100)
    tab.env.network.fault({ direction: 'ack', event: 'message:sync', action: { delayMs: 900 }, times: 1 })
    tab.env.network.restore()
    for (let i = 0; i < 400 && tab.connection().status !== 'connected'; i++) await tab.advance(10)
    loadOlder()
    await tab.advance(30_000)
    expect([tab.selectors.selectUnreadCount(tab.store.getState(), 'a'), tab.channel('a').hasNewer]).toEqual([30, true])
  })

  it('G6: of pages that are longer than what was asked for, and than the window, nothing is left out', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, await runWindows(run, false)]).toEqual([run, []])
  }, 300_000)
})

it('G6: a channel that shrank before its first catch-up is read from its end too, and not walked through', async () => {
  const tab = openStore({ config: { history: { maxChannels: 1, pageSize: 20 } } })
  const { server } = tab.env
  for (let n = 1; n <= 100; n++) server.push('x', { userId: 'carol', content: `t${n}` })
  const stop = server.on('message:sync', (_p, _peer, reply) => reply({ success: false, error: { code: 'busy', message: 'busy', retryable: true, retryAfterMs: 5_000 } }))
  tab.connect()
  await tab.advance(2_000)
  server.push('x', { userId: 'carol', content: 'live' })
  await tab.advance(100)
  server.push('y', { userId: 'carol', content: 'y1' })
  await tab.advance(100)
  server.push('z', { userId: 'carol', content: 'z1' })
  await tab.advance(100)
  expect([tab.messages('x').length, tab.messages('y').length, tab.messages('z').length]).toEqual([0, 0, 1])
  tab.dispatch(tab.chat.actions.disconnect())
  for (let n = 1; n <= 400; n++) server.push('x', { userId: 'carol', content: `u${n}` })
  stop()
  const before = server.received('message:sync').length
  tab.connect()
  await tab.advance(60_000)
  const asked = [...server.received('message:sync').slice(before), ...server.received('message:history')].filter(({ payload }) => (payload as { channelId: string }).channelId === 'x')
  expect([asked.length, tab.selectors.selectUnreadCount(tab.store.getState(), 'x')]).toEqual([1, 501])
})
