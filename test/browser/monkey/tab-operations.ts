import { setTimeout as delay } from 'node:timers/promises'
import type { InPage } from '../harness'
import { crash, freeze } from '../lifecycle'
import type { User } from '../page/app'
import { usable, type Tab, type World } from './world'

/** One thing that happens; nothing when there is nothing to happen to. */
export interface Operation {
  readonly name: string
  /** How often, against the others. */
  readonly weight: number
  run(world: World): Promise<void>
}

const MOST_TABS = 5
const SHORT_MS = 4_000
const CLOSE_MS = 5_000
const MOST_SKEW_MS = 11 * 3_600_000
const USER_ACTIONS = ['markRead', 'loadOlder', 'closeChannels', 'openChannels', 'retryAll'] as const

/** On some tab that can be used, named in the trace. */
const onTab = (name: string, weight: number, act: (world: World, tab: Tab) => Promise<void>): Operation => ({
  name,
  weight,
  async run(world) {
    const tab = world.pick(usable(world))
    if (!tab) return
    world.trace.say(`${name} ${tab.name}`)
    await act(world, tab)
  },
})

/** What only Chromium does on demand. */
const inChromium = ({ run, ...operation }: Operation): Operation => ({
  ...operation, run: async (world) => { if (world.engine === 'chromium') await run(world) },
})

const ask = <T extends string>(world: World, { page }: Tab, script: InPage<[T], void>, argument: T): Promise<void> =>
  world.attempt(page.evaluate(script, argument), SHORT_MS)

async function close(world: World): Promise<void> {
  const tab = world.tabs.length < 2 ? undefined : world.pick(world.tabs)
  if (!tab) return
  world.trace.say(`close ${tab.name}${tab.isFrozen ? ', which is frozen' : ''}`)
  world.drop(tab)
  await world.attempt(tab.page.close(), CLOSE_MS)
}

async function crashSome(world: World): Promise<void> {
  const tab = world.tabs.length < 2 ? undefined : world.pick(world.tabs)
  if (!tab) return
  world.trace.say(`crash ${tab.name}${tab.isFrozen ? ', which is frozen' : ''}`)
  world.drop(tab)
  await world.attempt(crash(tab.page), SHORT_MS)
  void world.attempt(tab.page.close(), SHORT_MS)
}

async function storm(world: World, tab: Tab): Promise<void> {
  const times = 2 + Math.floor(world.random() * 6)
  for (let i = 0; i < times; i++) {
    // Each breaks the one before off.
    tab.loading = tab.page.reload().catch(() => undefined)
    await delay(60 + world.random() * 640)
  }
}

async function leave(world: World, tab: Tab): Promise<void> {
  tab.isAway = true
  await world.attempt(tab.page.goto(world.blank))
}

export async function comeBack(world: World, tab: Tab): Promise<void> {
  tab.isAway = false
  await world.attempt(tab.page.evaluate(goBack), SHORT_MS)
}

export async function thaw(world: World, tab: Tab): Promise<void> {
  tab.isFrozen = false
  await world.attempt(freeze(tab.page, false), SHORT_MS)
}

const onFirst = (name: string, weight: number, matches: (tab: Tab) => boolean, act: (world: World, tab: Tab) => Promise<void>): Operation => ({
  name,
  weight,
  async run(world) {
    const tab = world.tabs.find(matches)
    if (!tab) return
    world.trace.say(`${name} ${tab.name}`)
    await act(world, tab)
  },
})

async function throttle(world: World, { tools }: Tab): Promise<void> {
  const rate = world.pick([1, 4, 20]) ?? 1
  world.trace.say(`  ${rate} times slower`)
  await world.attempt(Promise.resolve(tools?.send('Emulation.setCPUThrottlingRate', { rate })), SHORT_MS)
}

async function flap(world: World, tab: Tab): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await setOffline(world, tab, i % 2 === 0, world.pick([0, 200, 3_000]))
    await delay(100 + world.random() * 400)
  }
  await setOffline(world, tab, false)
}

export async function setOffline(world: World, { tools }: Tab, offline: boolean, latency = 0): Promise<void> {
  if (!tools) return
  await world.attempt(tools.send('Network.enable'), SHORT_MS)
  await world.attempt(tools.send('Network.emulateNetworkConditions', { offline, latency, downloadThroughput: -1, uploadThroughput: -1 }), SHORT_MS)
}

async function connect(world: World, tab: Tab): Promise<void> {
  const { hasTwoUsers, random, pick } = world
  const stays = tab.isSignedIn && !(hasTwoUsers && random() < 0.4)
  if (!stays) tab.user = hasTwoUsers ? pick(['alice', 'bob']) ?? 'alice' : 'alice'
  tab.isSignedIn = true
  world.trace.say(`  as ${tab.user}`)
  await ask(world, tab, connectAs, tab.user)
}

async function signOut(world: World, tab: Tab): Promise<void> {
  tab.isSignedIn = false
  await ask(world, tab, act, 'signOut')
}

async function skew(world: World, tab: Tab): Promise<void> {
  const ms = Math.round((world.random() * 2 - 1) * MOST_SKEW_MS)
  world.trace.say(`  by ${ms} ms`)
  await world.attempt(tab.page.evaluate(skewBy, ms), SHORT_MS)
}

async function actAsUser(world: World, tab: Tab): Promise<void> {
  const action = world.pick(USER_ACTIONS) ?? 'retryAll'
  world.trace.say(`  ${action}`)
  await ask(world, tab, act, action)
}

const open: Operation = {
  name: 'open',
  weight: 8,
  async run(world) {
    if (world.tabs.length >= MOST_TABS) return
    world.trace.say('open')
    await world.open()
  },
}

/** What happens to a page. */
export const LIFECYCLE: readonly Operation[] = [
  open,
  { name: 'close', weight: 5, run: close },
  onTab('reload', 6, (world, { page }) => world.attempt(page.reload())),
  onTab('storm of reloads', 4, storm),
  onTab('away', 3, leave),
  onFirst('back', 6, ({ isAway }) => isAway, comeBack),
  inChromium(onTab('freeze', 6, async (world, tab) => {
    tab.isFrozen = true
    await world.attempt(freeze(tab.page, true), SHORT_MS)
  })),
  inChromium(onFirst('thaw', 7, ({ isFrozen }) => isFrozen, thaw)),
  inChromium({ name: 'crash', weight: 3, run: crashSome }),
  inChromium(onTab('throttle', 2, throttle)),
  inChromium(onTab('flap', 3, flap)),
  onTab('event', 2, (world, tab) => ask(world, tab, tell, world.pick(['online', 'offline']) ?? 'online')),
  onTab('skew', 2, skew),
  inChromium(onTab('front', 3, (world, { tools }) => world.attempt(Promise.resolve(tools?.send('Page.bringToFront')), SHORT_MS))),
]

/** What a user does. */
export const USER: readonly Operation[] = [
  onTab('disconnect', 2, (world, tab) => ask(world, tab, act, 'disconnect')),
  onTab('connect', 4, connect),
  onTab('sign out', 2, signOut),
  onTab('act', 2, actAsUser),
]

// What follows runs in the page, which may not have begun.

function act(name: Exclude<keyof User, 'connect'>): void {
  if ('app' in window) window.app.user[name]()
}

function connectAs(user: string): void {
  if ('app' in window) window.app.user.connect(user)
}

function skewBy(ms: number): void {
  if ('app' in window) window.app.skew(ms)
}

function tell(event: string): void {
  window.dispatchEvent(new Event(event))
}

function goBack(): void {
  history.back()
}
