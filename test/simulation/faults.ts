import { browserOf, USER_OF, type FaultName } from './plan'
import { cellOf, FOREIGN_RECORD, NEWER_VERSION } from './disk'
import { hostileEvents } from './hostile'
import { onTab, spanOf, type Do } from './steps'
import { pick } from './draw'
import type { Tab } from './tab'
import type { World } from './world'
import type { DiskMode } from './disk'
import type { TokenMode } from './tokens'

/** The slots of one browser whose tabs live, frozen ones too. */
const tabsOf = (world: World, browser: string): readonly Tab[] => [...world.living].filter((tab) => browserOf(tab.slot) === browser)

const disk = (mode: DiskMode, longestMs = 20_000): Do => (world, { slot, u }) => {
  const { disk: device } = world.browser(browserOf(slot))
  device.mode = mode
  world.lasting(spanOf(u, longestMs), () => device.heal())
}

const token = (mode: TokenMode): ((world: World, ms: number) => void) => (world, ms) => {
  world.tokens.state.mode = mode
  world.lasting(ms, () => { world.tokens.state.mode = 'ok' })
}

function freeze(world: World, tab: Tab, ms: number, event: 'resumed' | 'restored', isLinkDead: boolean): void {
  tab.freeze()
  if (isLinkDead) tab.env.network.drop()
  world.lasting(ms, () => {
    if (!tab.isAlive()) return
    world.log(`${tab.name} wakes (${event})`)
    tab.thaw(event)
  })
}

const idOf = (cell: string): string => (JSON.parse(cell) as string[])[1] ?? ''

/** What is stored is broken, one cell of it: a flipped byte is no record any more. */
function corrupt(world: World, browser: string, u: number): void {
  const { cells } = world.browser(browser).disk
  const own = [...cells.keys()].filter((cell) => world.ledger.composed.has(idOf(cell)))
  if (own.length === 0) return
  const cell = pick(own, u)
  cells.set(cell, 'c0rrupt')
  world.reach('record corrupted')
  const composed = world.ledger.composed.get(idOf(cell))
  if (composed) composed.isDestroyed = true
}

/** Written by the code of next year, in a shape of its own or in today's; or by nobody knows whom, with what is not its user's. */
function newer(world: World, browser: string, u: number, v: number): void {
  const userId = USER_OF[browser] ?? 'alice'
  const id = `${FOREIGN_RECORD}${Math.floor(u * 1e6)}`
  const dataOf = (author: string): object => ({ message: { id, channelId: 'general', userId: author, content: 'not for this code', createdAt: world.clock.now() }, order: 1 })
  const version = v < 0.7 ? NEWER_VERSION : 1
  const data = v < 0.35 ? { shape: 'unknown' } : dataOf(v < 0.7 ? userId : 'mallory')
  world.browser(browser).disk.cells.set(cellOf(userId, id), { userId, id, tab: 'tomorrow', version, data })
  world.reach('newer record planted')
}

function evict(world: World, browser: string): void {
  world.browser(browser).disk.cells.clear()
  for (const composed of world.ledger.all()) if (composed.browser === browser) composed.isDestroyed = true
  world.reach('origin evicted')
}

function signOut(world: World, tab: Tab, discardOutbox: boolean): void {
  const userId = tab.userId()
  if (userId === null) return
  const browser = browserOf(tab.slot)
  if (discardOutbox) {
    for (const composed of world.ledger.all()) if (composed.browser === browser && composed.userId === userId) composed.isDiscarded = true
  }
  tab.store.dispatch(tab.chat.actions.signOut({ discardOutbox }))
}

/** A message of mine on its way, and somebody else's that bears its id. */
function foreignId(world: World, tab: Tab): void {
  const [pending] = tab.chat.selectors.selectOutbox(tab.store.getState())
  // A server takes an id once.
  if (!pending || world.server.log(pending.channelId).some(({ id }) => id === pending.id)) return
  world.reach('foreign message with my id')
  world.server.push(pending.channelId, { id: pending.id, userId: 'mallory', content: 'not yours' })
}

export const FAULT_STEPS: { readonly [kind in Exclude<FaultName, 'no_locks' | 'small_window' | 'not_ordered' | 'echo_first' | 'slow_network' | 'short_budget'>]: Do } = {
  cut: onTab((world, { env }, { u }) => {
    env.network.cut()
    world.lasting(spanOf(u, 15_000), () => env.network.restore())
  }),
  half_open: onTab((world, tab, { u }) => {
    tab.halfOpen()
    world.lasting(spanOf(u, 20_000), () => tab.env.network.restore())
  }),
  dropped: onTab((_world, { env }) => env.network.drop()),
  offline: onTab((world, { env, isAlive }, { u }) => {
    env.network.cut()
    env.lifecycle.offline()
    world.lasting(spanOf(u, 15_000), () => {
      env.network.restore()
      if (isAlive()) env.lifecycle.online()
    })
  }),
  lost_ack: onTab((_world, { env }, { v }) => void env.network.fault({ direction: 'ack', event: 'message:send', action: v < 0.5 ? 'cut' : 'drop', times: 1 + Math.floor(v * 3) })),
  // What a client sends arrives once on a living connection, which is what an `ordered` server relies on.
  duplicate: onTab((world, { env }, { v }) =>
    void env.network.fault({ direction: v < 0.4 ? 'down' : v < 0.7 || !world.has('not_ordered') ? 'ack' : 'up', action: 'duplicate', times: 5 })),
  late_ack: onTab((_world, { env }, { v }) => void env.network.fault({ direction: 'ack', action: { delayMs: v * 15_000 }, times: 3 })),
  server_stop: (world, { u }) => {
    world.server.stop()
    if (world.isForgetful) world.server.restart({ keepIds: false })
    world.lasting(spanOf(u, 10_000), () => world.server.start())
  },
  crash_before_commit: (world) => world.server.crashNext('before_commit'),
  crash_after_commit: (world) => {
    world.server.crashNext('after_commit')
    if (world.isForgetful) world.lasting(2_000, () => world.server.restart({ keepIds: false }))
  },
  rejection: (world) => void world.server.rejectNext(({ id }) => {
    world.refused.add(id)
    return { code: 'forbidden_word', retryable: false }
  }),
  retry_after: (world, { u }) => void world.server.rejectNext({ code: 'rate_limited', retryable: true, retryAfterMs: u * 5_000 }),
  token_expires: (world, { u, v }) => {
    if (v < 0.4) world.server.expireAuth(u < 0.5 ? 'alice' : 'bob')
    else {
      // A token that ends on its way is refused however fresh it was: then somebody has to sign in.
      world.tokens.state.lifeMs = world.has('slow_network') ? 30_000 : 4_000
      world.lasting(spanOf(u, 20_000), () => { world.tokens.state.lifeMs = 60_000 })
    }
  },
  token_fails: (world, { u, v }) => token(pick<TokenMode>(['throws', 'hangs', 'stale'], v))(world, spanOf(u, 20_000)),
  hostile: (world, { u, v }) => {
    for (const [event, ...args] of hostileEvents(u, v)) world.server.emitRaw(u < 0.7 ? 'alice' : 'bob', event, ...args)
  },
  foreign_id: onTab((world, tab) => foreignId(world, tab)),
  disk_slow: (world, { slot, u }) => {
    const { disk: device } = world.browser(browserOf(slot))
    device.slowMs = 2_000
    world.lasting(spanOf(u, 20_000), () => { device.slowMs = 10 })
  },
  disk_quota: disk('quota'),
  // Long enough that tabs end and open meanwhile.
  disk_full: disk('full', 60_000),
  disk_hang: disk('hang'),
  disk_closed: disk('closed'),
  disk_lies: disk('lies'),
  disk_corrupt: (world, { slot, u }) => corrupt(world, browserOf(slot), u),
  disk_newer: (world, { slot, u, v }) => newer(world, browserOf(slot), u, v),
  disk_evicted: (world, { slot }) => evict(world, browserOf(slot)),
  crash: (world, { slot }) => {
    const tab = world.tabs.get(slot)
    if (tab) world.end(tab)
  },
  reload: (world, { slot }) => {
    const tab = world.tabs.get(slot)
    if (!tab) return
    const userId = tab.userId()
    world.end(tab)
    world.open(slot, userId ?? undefined)
  },
  browser_kill: (world, { slot }) => {
    for (const tab of tabsOf(world, browserOf(slot))) world.end(tab)
  },
  freeze: onTab((world, tab, { u, v }) => freeze(world, tab, spanOf(u, 40_000), 'resumed', v < 0.5)),
  freeze_unlocked: onTab((world, tab, { u, v }) => {
    freeze(world, tab, spanOf(u, 40_000), 'resumed', v < 0.5)
    tab.loseLocks()
    world.reach('locks taken from a frozen page')
  }),
  bfcache: onTab((world, tab, { u }) => freeze(world, tab, spanOf(u, 40_000), 'restored', true)),
  hidden: onTab((world, tab, { u }) => {
    tab.hide(true)
    world.lasting(spanOf(u, 40_000), () => { if (tab.isAlive()) tab.hide(false) })
  }),
  sleep: (world, { u }) => world.clock.sleep(spanOf(u, 120_000)),
  wall_jump: (world, { slot, u, v }) => {
    world.browser(browserOf(slot)).wallOffset += (v < 0.5 ? 1 : -1) * u * 3 * 86_400_000
  },
  sign_out: onTab((world, tab) => signOut(world, tab, false)),
  sign_out_discard: onTab((world, tab) => signOut(world, tab, true)),
  other_user: onTab((world, tab, { u }) => world.signIn(tab, u < 0.5 ? 'bob' : 'alice')),
  reconnect: onTab((world, tab, { u }) => {
    const userId = tab.userId()
    if (userId === null) return
    tab.store.dispatch(tab.chat.actions.disconnect())
    world.lasting(spanOf(u, 10_000), () => { if (tab.isAlive() && !tab.isFrozen() && tab.userId() === userId) world.signIn(tab, userId) })
  }),
}
