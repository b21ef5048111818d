import { setTimeout as delay } from 'node:timers/promises'
import { LIFECYCLE, USER, type Operation } from './tab-operations'
import type { World } from './world'

const KILL_AT_COMMIT_MS = 1_500

const inWorld = (name: string, weight: number, act: (world: World) => Promise<void> | void): Operation => ({
  name,
  weight,
  async run(world) {
    world.trace.say(name)
    await act(world)
  },
})

/** Perhaps nobody reaches it, and nothing will ever be committed. */
async function killAtCommit({ server }: World): Promise<void> {
  await Promise.race([server.killAtCommit(), delay(KILL_AT_COMMIT_MS)])
  await server.kill()
}

const AROUND: readonly Operation[] = [
  inWorld('cut', 4, ({ network }) => network.cut()),
  inWorld('refuse', 3, ({ network }) => network.refuse()),
  inWorld('stall', 2, ({ network }) => network.stall()),
  inWorld('lose', 2, ({ network }) => network.lose()),
  inWorld('heal', 8, ({ network }) => network.heal()),
  inWorld('kill the server', 2, ({ server }) => server.kill()),
  inWorld('kill the server at a commit', 2, killAtCommit),
  inWorld('start the server', 8, ({ server }) => server.start()),
  inWorld('kick', 1, ({ server }) => server.kick()),
]

const PAUSES: readonly Operation[] = [
  inWorld('rest', 6, ({ random }) => delay(random() * 1_500)),
  inWorld('long rest', 1, ({ random }) => delay(3_000 + random() * 4_000)),
]

/** Each as often as its weight says. */
const OPERATIONS = [...LIFECYCLE, ...AROUND, ...USER, ...PAUSES].flatMap((operation) => Array.from({ length: operation.weight }, () => operation))

const STEPS = 40
const LONGEST_PAUSE_MS = 250

/** The round itself: two tabs, then whatever comes. */
export async function play(world: World): Promise<void> {
  await world.open()
  await world.open()
  for (let step = 0; step < STEPS; step++) {
    await world.pick(OPERATIONS)?.run(world)
    await delay(world.random() * LONGEST_PAUSE_MS)
  }
}
