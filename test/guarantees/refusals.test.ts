import { describe, expect, it } from 'vitest'
import { createRefusalWatch, type RefusalWatch } from '../support/refusal-watch'
import { CHANNELS, createRefusalWorld, LIMIT_BYTES, type RefusalWorld } from '../support/refusal-world'

/* One page after the other, and a server that refuses whatever it likes for as long as it likes. */

const RUNS = Number(process.env['REFUSAL_RUNS'] ?? 48)

interface Mine { readonly id: string; readonly channelId: string; readonly content: string; isRetried: boolean; isReceived: boolean }
interface Run { readonly world: RefusalWorld; readonly watch: RefusalWatch; readonly mine: Mine[] }

function send({ world: { now, pick, random, kind }, watch, mine }: Run): void {
  const what = kind === 'mute' ? 'good' : random() < 0.08 ? 'large' : random() < 0.08 && kind !== 'echoed' ? 'bad' : 'good'
  const content = `${what} ${mine.length} ${what === 'large' ? 'x'.repeat(LIMIT_BYTES) : ''}`
  const { payload } = now.tab.dispatch(now.tab.chat.actions.sendMessage({ channelId: pick(CHANNELS), content }))
  watch.composed(payload.id)
  mine.push({ id: payload.id, channelId: payload.channelId, content, isRetried: false, isReceived: false })
}

function retry({ world: { now }, watch, mine }: Run): void {
  const failed = new Set(now.tab.selectors.selectOutbox(now.tab.store.getState()).filter(({ status }) => status === 'failed').map(({ id }) => id))
  for (const message of mine) {
    if (!failed.has(message.id)) continue
    message.isRetried = true
    watch.retried(message.id)
  }
  now.tab.dispatch(now.tab.chat.actions.retryAllFailed())
}

const statusOf = ({ now }: RefusalWorld, { channelId, id }: Mine): string | undefined =>
  now.tab.selectors.selectMessage(now.tab.store.getState(), channelId, id)?.status

/** What somebody has is not sent before its acknowledgement, and does not fail without one. My own mark says nothing of it. */
async function receive({ world, mine }: Run): Promise<readonly string[]> {
  const { server, random, clock } = world
  const committed = mine.filter((each) => server.log(each.channelId).some(({ id }) => id === each.id))
  const failed = committed.filter((each) => statusOf(world, each) === 'failed')
  const message = random() < 0.5 ? failed.at(-1) ?? committed.at(-1) : committed.at(-1)
  if (!message) return []
  const before = statusOf(world, message)
  const userId = random() < 0.5 ? 'carol' : 'alice'
  const attempts = server.received('message:send').filter(({ payload }) => (payload as { readonly id: string }).id === message.id).length
  server.emitRaw('alice', random() < 0.5 ? 'message:delivered' : 'message:read', { channelId: message.channelId, userId, messageId: message.id })
  if (userId === 'carol' && world.now.env.network.open > 0) message.isReceived = true
  await clock.advance(400)
  const after = statusOf(world, message)
  const isEarly = before === 'pending' && attempts <= 1 && after !== 'pending'
  return [
    ...(isEarly ? [`${after} by a receipt, and not yet acknowledged`] : []),
    ...(before === 'failed' && userId === 'alice' && after !== 'failed' ? [`${after} by my own mark`] : []),
  ]
}

/** Something at the head of the queue breaks its connection a few times, or seems to; and more is composed meanwhile. */
async function breakOff(run: Run): Promise<void> {
  const { world: { now: { env }, clock, upTo, pick } } = run
  env.network.fault({ direction: 'up', event: 'message:send', action: 'cut', times: 2 + upTo(2) })
  for (let i = 0; i < 6; i++) {
    send(run)
    await clock.advance(pick([10, 400, 2_000]))
  }
}

/** In the middle of sending or not, for a moment or for long. By then all is stored. */
async function closeAndReturn(run: Run): Promise<void> {
  const { world, watch } = run
  const { now: { env }, clock, pick, upTo, random } = world
  const isAnswered = random() < 0.5 || world.now.tab.connection().capabilities.length === 0
  if (!isAnswered) {
    env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
    env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
    send(run)
  }
  await clock.advance(isAnswered ? 150 : 800)
  if (upTo(isAnswered ? 2 : 4) === 0) clock.setWall(clock.now() - 86_400_000)
  world.reload()
  watch.watch()
  await clock.advance(pick([0, 30_000]))
  // What the server can do is told late.
  world.now.env.network.fault({ direction: 'down', event: 'session', action: { delayMs: pick([0, 500, 500]) }, times: 1 })
  world.now.tab.connect()
}

/** Returns what went wrong, and whether the device and the network were left alone. */
async function act(run: Run): Promise<readonly string[]> {
  const { world, watch } = run
  const { now: { env }, moods, clock, server, upTo, pick, kind } = world
  const step = upTo(22)
  if (step < 6) for (let i = 0; i <= upTo(4) && (kind !== 'mute' || run.mine.length < 20); i++) send(run)
  else if (step < 8) moods.isTokenOld = kind === 'fair' || kind === 'rough'
  else if (step < 10) {
    // Shorter than what makes a timer late, it would be no sleep but a slow device.
    clock.sleep(kind === 'fair' ? 30_000 : pick([500, 3_000, 30_000]))
    watch.slept()
  }
  else if (kind === 'mute') return receive(run)
  else if (step < 12) moods.busy = kind === 'echoed' ? 0 : 3
  else if (kind !== 'rough') return []
  else if (step < 13) env.network.drop()
  else if (step < 14) pick([env.network.cut, env.network.restore, env.network.restore])()
  else if (step < 15) server.crashNext(pick(['before_commit', 'after_commit']))
  // What is sent arrives on a living connection, which is what an `ordered` server relies on.
  else if (step < 16) env.network.fault({ direction: world.isOrdered ? 'ack' : pick(['ack', 'up']), event: 'message:send', action: 'drop', times: 1 })
  else if (step < 17) moods.knows = !moods.knows
  else if (step < 19) await closeAndReturn(run)
  else if (step < 20) retry(run)
  else if (step < 21) await breakOff(run)
  return []
}

/** What each message has come to. */
function checkMine({ world, mine }: Run): readonly string[] {
  const { kind, server, now } = world
  return mine.flatMap((message) => {
    const [what = ''] = message.content.split(' ')
    const times = server.log(message.channelId).filter(({ id }) => id === message.id).length
    const shown = now.tab.selectors.selectMessage(now.tab.store.getState(), message.channelId, message.id)
    const code = shown?.status === 'failed' ? shown.failure?.code : undefined
    const wanted = what === 'large' ? 'too_large' : what === 'bad' ? 'forbidden_word' : kind !== 'mute' || message.isReceived ? undefined : 'attempts_exhausted'
    // A page that was loaded anew has not read what was committed before.
    const isFine = shown === undefined ? times === 1 : (code === wanted || (kind === 'rough' && what === 'bad' && message.isRetried))
    return [
      ...(isFine ? [] : [`a ${what} message is ${shown?.status} (${code})`]),
      ...(times > 1 || (times === 0 && wanted === undefined) ? [`a ${what} message is there ${times} times`] : []),
    ]
  })
}

/** Each channel has them in the order of their dispatch, but for those that the user retried. */
function checkOrder({ world: { server, kind }, mine }: Run): readonly string[] {
  return CHANNELS.flatMap((channelId) => {
    const log = server.log(channelId).map(({ id }) => id)
    const places = mine.filter((message) => message.channelId === channelId && !message.isRetried && log.includes(message.id)).map(({ id }) => log.indexOf(id))
    return kind !== 'mute' && places.some((place, i) => place < (places[i - 1] ?? 0)) ? [`${channelId} is out of order`] : []
  })
}

async function runRefusals(index: number): Promise<readonly string[]> {
  const world = createRefusalWorld(index)
  const run: Run = { world, watch: createRefusalWatch(world), mine: [] }
  const { clock, kind, upTo, pick } = world
  const problems: string[] = []
  run.watch.watch()
  if (kind === 'rough' && upTo(2) === 0) for (let i = 0; i < 3; i++) send(run)
  world.now.tab.connect()
  for (let step = 0; step < 50 && problems.length === 0; step++) {
    problems.push(...await act(run))
    await clock.advance(pick([0, 10, 400, upTo(4_000)]))
    problems.push(...run.watch.take(kind !== 'rough'))
  }
  world.calm()
  const isWaiting = (): boolean => world.now.tab.selectors.selectOutbox(world.now.tab.store.getState()).some(({ status }) => status === 'pending')
  for (let last = 0; (last < 5 || isWaiting()) && last < 300 && problems.length === 0; last++) {
    await clock.advance(2_000)
    problems.push(...run.watch.take(last > 3))
  }
  if (kind === 'rough') {
    world.now.env.network.heal()
    retry(run)
    await clock.advance(60_000)
  }
  return [...problems, ...checkMine(run), ...checkOrder(run)].slice(0, 6)
}

describe('refusals', () => {
  it('G1, G2, G3, G8: whatever a server refuses, no message is lost, doubled, early or overtaken, and none fails but for its own sake', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, createRefusalWorld(run).kind, await runRefusals(run)]).toEqual([run, createRefusalWorld(run).kind, []])
  }, 300_000)
})
