import { createSampler, type Trend } from './samples'
import { createSoakWorld, type SoakWorld } from './world'

export interface Outcome {
  readonly what: string
  readonly count: number
  readonly seconds: number
  /** That it was no idle run: messages and receipts applied, connections opened, messages acknowledged. */
  readonly done: readonly [applied: number, connections: number, acks: number]
  readonly heap: Trend
  readonly state: Trend
  readonly left: Awaited<ReturnType<SoakWorld['left']>>
}

/** Three times what the windows are kept for. */
const CHANNELS = 60
const FRAME = 100
/** One frame of so many begins with a lost connection. */
const CUT_EVERY = 25

/** Runs `step` so many times, sampled, and then looks at what is left. */
export async function soak(
  what: string, count: number, world: SoakWorld, step: (i: number) => Promise<void> | void, finish: () => Promise<void> = async () => undefined,
): Promise<Outcome> {
  const start = performance.now()
  const sampler = createSampler(count, world.stateBytes)
  for (let i = 1; i <= count; i++) {
    await step(i)
    await sampler.at(i)
  }
  const trends = sampler.trends()
  await finish()
  const left = await world.left()
  const { batches, ackLatency } = world.chat.metrics.getSnapshot()
  const done = [Math.round(batches.count * batches.mean), world.server.opened, ackLatency.count] as const
  return { what, count, seconds: (performance.now() - start) / 1_000, done, ...trends, left }
}

const channelAt = (i: number): string => `channel-${(i * 7) % CHANNELS}`

/** Messages and receipts in many channels, opened and closed meanwhile, with reconnections; one step is one frame of them. */
export async function inbound(events: number): Promise<Outcome> {
  const world = createSoakWorld(false)
  const { server, store, chat, advance } = world
  const { openChannel, closeChannel, markRead, loadOlder } = chat.actions
  world.connect()
  await advance(100)
  let told = 0
  const outcome = await soak('inbound events', Math.ceil(events / FRAME), world, async (frame) => {
    const isCut = frame % CUT_EVERY === 0
    // What is said in such a frame comes with the catch-up only.
    if (isCut) server.cut()
    for (let i = 0; i < FRAME; i++) {
      const channelId = channelAt(told++ + (told >> 5))
      if (i % 4 === 3) server.confirm(i % 8 === 3 ? 'read' : 'delivered', channelId, i)
      else server.say(channelId)
    }
    if (frame % 3 === 0) store.dispatch(openChannel({ channelId: channelAt(frame) }))
    if (frame % 3 === 1) store.dispatch(closeChannel({ channelId: channelAt(frame - 10) }))
    if (frame % 5 === 0) store.dispatch(markRead({ channelId: channelAt(frame) }))
    if (frame % 11 === 0) store.dispatch(loadOlder({ channelId: channelAt(frame) }))
    await advance(isCut ? 3_000 : 20)
  })
  return { ...outcome, count: told }
}

/** Connections begun and ended in every stage of their life, by the user and by the network. */
export async function cycles(count: number): Promise<Outcome> {
  const world = createSoakWorld(true)
  const { env, server, store, chat, advance } = world
  return soak('connect/disconnect cycles', count, world, async (i) => {
    store.dispatch(chat.actions.connect({ userId: i % 9 === 0 ? 'other' : 'me' }))
    if (i % 3 !== 0) await advance(i % 2 === 0 ? 0 : 60)
    store.dispatch(chat.actions.openChannel({ channelId: channelAt(i) }))
    if (i % 4 === 0) server.say(channelAt(i))
    if (i % 8 === 0) store.dispatch(chat.actions.sendMessage({ channelId: channelAt(i), content: `mine ${i}` }))
    if (i % 5 === 0) server.cut()
    if (i % 6 === 0) env.lifecycle.hidden()
    if (i % 6 === 1) env.lifecycle.restored()
    if (i % 7 === 0) await advance(1_500)
    if (i % 13 === 0) server.lie()
    store.dispatch(i % 10 === 0 ? chat.actions.signOut() : chat.actions.disconnect())
  }, async () => {
    // Both have messages stored that were cut off on their way: these leave now.
    for (const userId of ['other', 'me']) {
      store.dispatch(chat.actions.connect({ userId }))
      await advance(1_000)
      store.dispatch(chat.actions.retryAllFailed())
      await advance(60_000)
    }
  })
}

/** Messages written, stored, sent, acknowledged, echoed and removed from the storage. */
export async function sends(count: number): Promise<Outcome> {
  const world = createSoakWorld(true)
  const { store, chat, server, advance } = world
  const perStep = 20
  world.connect()
  await advance(100)
  const outcome = await soak('messages sent and acked', Math.ceil(count / perStep), world, async (i) => {
    for (let n = 0; n < perStep; n++) {
      store.dispatch(chat.actions.sendMessage({ channelId: `channel-${n % 10}`, content: `mine ${n}` }))
    }
    if (i % 20 === 0) server.cut()
    await advance(i % 20 === 0 ? 2_000 : 120)
  })
  return { ...outcome, count: Math.ceil(count / perStep) * perStep }
}
