import { describe, expect, it } from 'vitest'
import { CHANNELS, createLifeWorld, READ_MS, USERS, type LifeWorld, type Page } from '../support/life-world'

/* What is stored, over the lives of pages: closed, frozen and opened again, by users who come and go, on a device that takes its time. */

const RUNS = Number(process.env['LIFE_RUNS'] ?? 60)
const HOUR_MS = 3_600_000

interface Run { readonly world: LifeWorld; page: Page; readonly others: Set<number> }

const other = (userId: string | null): string => (userId === 'alice' ? 'bob' : 'alice')

/** Some time, or none: then in the middle of what is under way. */
async function pass({ clock, pick, upTo }: LifeWorld): Promise<void> {
  if (upTo(2) === 0) for (let left = upTo(24); left > 0; left--) await Promise.resolve()
  else await clock.advance(pick([0, 1, 3, 30]))
}

async function burst(run: Run, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    run.world.send(run.page)
    await pass(run.world)
  }
}

/** Somebody signs in, and perhaps somebody else at once, and is back. */
async function turns(run: Run): Promise<void> {
  const { world: { pick, upTo }, page: { tab } } = run
  for (let times = 1 + upTo(4); times > 0; times--) {
    if (upTo(2) === 0) tab.dispatch(tab.chat.actions.signOut())
    tab.connect(pick([other(tab.connection().userId), 'alice']))
    await pass(run.world)
    await burst(run, upTo(2))
  }
}

/** When all is stored; perhaps the clock is set back meanwhile. More is written before the next page has read what there is. */
async function reload(run: Run): Promise<void> {
  const { world, page } = run
  const { clock, upTo, open, send, left } = world
  const userId = page.tab.connection().userId ?? 'alice'
  await clock.advance(READ_MS)
  await world.stored()
  const isCut = page.env.network.mode === 'cut'
  const env = page.env.reload()
  // What somebody else has stored, and nobody has read by the time they write more and leave again, has but the clock for its place.
  if (upTo(2) === 0 && (await left(other(userId))).length === 0) clock.setWall(clock.now() - HOUR_MS)
  if (isCut) env.network.cut()
  run.page = open(env)
  if (upTo(3) === 0 && userId === 'alice') send(run.page)
  run.page.tab.connect(userId)
  await burst(run, upTo(3))
  await clock.advance(READ_MS)
}

/** The page stood still, with messages that were about to be stored. */
async function thaw(run: Run): Promise<void> {
  const { world, page: { env } } = run
  const { clock, device, usual, moods, pick, upTo, doubt, idle } = world
  env.network.cut()
  // What is composed while a device takes longer than its reader's patience may leave first: nobody signs in meanwhile.
  moods.restless = 0
  await idle()
  Object.assign(device, { loadMs: pick([usual.loadMs, 1_000, 5_000, 20_000]), writeMs: pick([usual.writeMs, 1_000]) })
  await burst(run, 1 + upTo(3))
  doubt()
  env.lifecycle.resumed()
  env.network.restore()
  await clock.advance(upTo(8_000))
  await burst(run, upTo(2))
  await clock.advance(30_000)
  await idle()
  Object.assign(device, usual)
}

/** Another page of the same user sends, and ends before it hears what came of it. */
async function shortLife(run: Run): Promise<void> {
  const { world: { clock, upTo, open, send, stored }, page: { env, tab } } = run
  for (const channelId of CHANNELS) tab.dispatch(tab.chat.actions.openChannel({ channelId }))
  const second = open(env.openTab())
  run.others.add(second.number)
  second.tab.connect(tab.connection().userId ?? 'alice')
  await clock.advance(READ_MS)
  second.env.network.fault({ direction: 'ack', event: 'message:send', action: 'drop' })
  second.env.network.fault({ direction: 'down', event: 'message:new', action: 'drop' })
  if (upTo(3) === 0) second.env.network.cut()
  for (let i = 0; i <= upTo(3); i++) send(second)
  await clock.advance(300 + upTo(600))
  await stored()
  second.env.kill()
  await clock.advance(upTo(20_000))
}

async function act(run: Run): Promise<void> {
  const { world: { pick, upTo, moods }, page: { env } } = run
  const step = upTo(12)
  if (step < 4) await burst(run, 1 + upTo(3))
  else if (step < 7) await turns(run)
  else if (step < 8) await reload(run)
  else if (step < 9) await thaw(run)
  else if (step < 10) await shortLife(run)
  else if (step < 11) moods.restless = pick([0, 0.3])
  else if (upTo(3) === 0) env.network.restore()
  else env.network.cut()
}

/** All of it is with the server, once; and in the order of the dispatches, of one page or of one after the other. */
function checkLog({ world, others }: Run, userId: string, channelId: string): readonly string[] {
  const log = world.server.log(channelId).filter((message) => message.userId === userId).map(({ id }) => id)
  const mine = world.composed.filter((message) => message.userId === userId && message.channelId === channelId)
  const isWhole = [...log].sort().join() === mine.map(({ id }) => id).sort().join()
  const places = [null, ...others].map((queue) => mine.filter(({ page }) => (others.has(page) ? page : null) === queue).map(({ id }) => log.indexOf(id)))
  return [
    ...(isWhole ? [] : [`${userId} sent ${mine.length} to ${channelId}, ${log.length} are there`]),
    ...places.filter((each) => each.some((place, i) => place < (each[i - 1] ?? 0))).map((each) => `${userId} in ${channelId}: ${each.join()}`),
  ]
}

/** And nothing stays stored. */
async function checkRest(run: Run): Promise<readonly string[]> {
  const { world: { clock, problems, left }, page } = run
  page.env.network.heal()
  for (const userId of USERS) {
    page.tab.connect(userId)
    await clock.advance(120_000)
    for (const channelId of CHANNELS) problems.push(...checkLog(run, userId, channelId))
    const stored = await left(userId)
    if (stored.length > 0) problems.push(`${stored.length} of ${userId} stay stored`)
  }
  return problems
}

async function runLives(index: number): Promise<readonly string[]> {
  const world = createLifeWorld(index)
  const run: Run = { world, page: world.first, others: new Set() }
  run.page.env.network.cut()
  run.page.tab.connect('alice')
  for (let step = 0; step < 12 && world.problems.length === 0; step++) {
    await act(run)
    await world.clock.advance(world.pick([0, 0, 3, 60, READ_MS]))
  }
  world.moods.restless = 0
  return checkRest(run)
}

describe('lives of pages', () => {
  it('G1, G2, G3, G8: whoever comes, goes, freezes or returns, what was composed is sent once and in order, and nothing of it stays stored', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, await runLives(run)]).toEqual([run, []])
  }, 120_000)
})
