import { describe, expect, it } from 'vitest'
import { createSessionWorld, HANDSHAKES, REFRESHES, SENDS, TOKENS, type SessionWorld } from '../support/session-world'

/* One connection after the other, while the app's tokens, the server, the network and the page do what they like. */

const RUNS = Number(process.env['SESSION_RUNS'] ?? 200)

/** After a wake: the first attempt, five more, and fresh tokens for those that are refused, at the handshake and later. */
const MAX_ATTEMPTS = 16
/** Longer than a handshake there and back, shorter than any pause of the library. */
const QUIET_MS = 25

/** What somebody has done about the session, and what it may have cost since. */
function createMeter({ env, tab, clock, calls, doubled }: SessionWorld) {
  const now = () => ({ attempts: env.network.attempts, calls: calls(), at: clock.monotonic() })
  let since = now()
  let openedAt = Infinity
  let isOff = true
  let heard = 0
  const wake = (): void => { since = now() }
  // A connection that lasts, or says something, is one: after it the attempts count anew.
  tab.store.subscribe(() => {
    const { status } = tab.connection()
    if (status !== 'connected') {
      if (clock.monotonic() - openedAt >= 1_000) wake()
      openedAt = Infinity
    } else if (openedAt === Infinity) openedAt = clock.monotonic()
    const told = tab.store.getState().chat?.connection.capabilities.length ?? 0
    if (told > 0 && heard === 0) wake()
    heard = told
  })
  return {
    wake,
    left: (off: boolean): void => { isOff = off },
    isOff: () => isOff,
    check(): readonly string[] {
      const attempts = env.network.attempts - since.attempts
      const asked = calls() - since.calls
      const { open, connecting } = env.network
      return [
        attempts > MAX_ATTEMPTS && `${attempts} attempts without a wake`,
        asked > MAX_ATTEMPTS + 8 + (clock.monotonic() - since.at) / 1_500 && `${asked} tokens asked for in ${clock.monotonic() - since.at} ms`,
        doubled() > 0 && 'one connection asked for two tokens at once',
        open + connecting > 1 && `${open} connections, ${connecting} more to come`,
        isOff && open + connecting > 0 && 'a connection of nobody',
        isOff && env.lifecycle.listeners > 0 && 'a listener of nobody',
      ].filter((problem) => problem !== false)
    },
  }
}

type Meter = ReturnType<typeof createMeter>

/** What people, pages, networks and servers do. */
function actsOf(world: SessionWorld, meter: Meter): readonly (() => void)[] {
  const { tab, env, pick, modes, server, clock, random, connect, signOut, ageToken } = world
  const { actions } = tab.chat
  const waking = (task: () => void) => (): void => {
    meter.wake()
    task()
  }
  const join = waking(() => {
    meter.left(false)
    connect(pick(['alice', 'alice', 'bob']))
  })
  const leave = (task: () => void) => (): void => {
    meter.left(true)
    task()
  }
  return [
    join, join, join,
    leave(() => tab.dispatch(actions.disconnect())), leave(signOut),
    () => { if (!meter.isOff()) tab.send('x') }, () => { if (!meter.isOff()) tab.send('x') },
    () => { modes.token = pick(TOKENS) }, () => { modes.handshake = pick(HANDSHAKES) },
    () => { modes.refresh = pick(REFRESHES) }, () => { modes.send = pick(SENDS) },
    () => env.network.drop(), () => env.network.cut(), () => env.network.restore(), () => env.network.halfOpen(),
    () => {
      env.network.cut()
      env.lifecycle.offline()
    },
    waking(() => {
      env.network.restore()
      env.lifecycle.online()
    }),
    () => env.lifecycle.hidden(), waking(() => env.lifecycle.visible()), waking(() => env.lifecycle.resumed()), waking(() => env.lifecycle.restored()),
    // What a server says proves the connection too.
    waking(() => {
      for (let times = pick([1, 2]); times > 0; times--) for (const userId of ['alice', 'bob']) server.expireAuth(userId)
    }),
    waking(ageToken),
    () => server.disconnectAll(), () => clock.sleep(random() * 60_000),
    waking(() => void server.push('general', { userId: 'carol', content: 'c' })),
  ]
}

/** Whoever has left, in whatever moment, leaves nothing that would ring. */
async function checkLeft({ tab, env, clock }: SessionWorld): Promise<readonly string[]> {
  tab.dispatch(tab.chat.actions.disconnect())
  await clock.advance(QUIET_MS)
  return env.timers > 0 ? [`${env.timers} timers of nobody`] : []
}

/** All is well, and nobody does anything about it: what was only waiting has ended, and one connect brings the rest. */
async function checkRest(world: SessionWorld, meter: Meter): Promise<readonly string[]> {
  const { tab, env, modes, clock, connect, who, server } = world
  Object.assign(modes, { token: 'ok', handshake: 'ok', refresh: 'ok', send: 'ok' })
  env.network.heal()
  if (!meter.isOff() && env.lifecycle.isOnline()) {
    // Longer than the longest pause that a server may ask for.
    await clock.advance(2 * 3_600_000)
    const { status } = tab.connection()
    if (!['connected', 'failed', 'unauthorized'].includes(status)) return [`still ${status}`]
  }
  env.lifecycle.online()
  // A connection with somebody else's token is of that one for good; one that the server refused is of nobody.
  if (world.isOfStranger()) world.signOut()
  connect(who() || 'alice')
  await clock.advance(60_000)
  // What broke the connection too often, as it seemed.
  tab.dispatch(tab.chat.actions.retryAllFailed())
  await clock.advance(60_000)
  const { status } = tab.connection()
  const left = tab.selectors.selectOutbox(tab.store.getState()).map((message) => message.status)
  const ids = server.log('general').map(({ id }) => id)
  return [
    status !== 'connected' && `${status} though all is well`,
    left.length > 0 && `left in the queue: ${left.join()}`,
    new Set(ids).size < ids.length && 'sent twice',
  ].filter((problem) => problem !== false)
}

async function runSessions(run: number): Promise<readonly string[]> {
  const world = createSessionWorld(run)
  const { clock, pick, random, subjects, env } = world
  const meter = createMeter(world)
  const acts = actsOf(world, meter)
  const problems: string[] = []
  for (let step = 0; step < 60 && problems.length === 0; step++) {
    pick(acts)()
    const attempts = env.network.attempts
    await clock.advance(pick([0, 10, 40, 500, 1_500, random() * 30_000]))
    problems.push(...meter.check())
    if (!env.lifecycle.isOnline() && env.network.attempts > attempts + 5) problems.push('attempts while offline')
    const users = [...subjects].map((presented) => presented.split(' ')[0])
    if (new Set(users).size < users.length) problems.push(`one sign-in with tokens of two: ${[...subjects].join()}`)
    if (random() < 0.1) {
      meter.left(true)
      problems.push(...await checkLeft(world))
    }
  }
  if (problems.length === 0) problems.push(...await checkRest(world, meter))
  return problems
}

describe('sessions', () => {
  it('G1, G8, G9: whatever tokens, servers, networks and pages do, there is one connection at most, it is asked for within bounds, and leaves nothing', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, await runSessions(run)]).toEqual([run, []])
  }, 300_000)
})
