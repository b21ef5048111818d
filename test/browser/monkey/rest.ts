import { setTimeout as delay } from 'node:timers/promises'
import { findViolations, look, type Seen } from './oracle'
import { comeBack, setOffline, thaw } from './tab-operations'
import { within } from './trace'
import type { Tab, World } from './world'

const MOST_LEFT = 3
const CONNECT_MS = 30_000
const ANSWER_MS = 8_000
const SETTLE_MS = 40_000
const LOOK_EVERY_MS = 250

/** Everything works again, and nobody sends: what is left to do is the library's. Some tabs stay, and each user opens one more. */
export async function bringToRest(world: World): Promise<void> {
  const { server, network, tabs, trace } = world
  trace.say('everything works again')
  await server.start()
  network.heal()
  for (const tab of tabs) await wake(world, tab)
  for (const tab of tabs.slice(0, Math.max(0, tabs.length - MOST_LEFT))) {
    trace.say(`close ${tab.name}`)
    world.drop(tab)
    await world.attempt(tab.page.close(), ANSWER_MS)
  }
  for (const tab of tabs) await stopSending(world, tab)
  for (const user of world.hasTwoUsers ? ['alice', 'bob'] : ['alice']) {
    trace.say(`open the last one of ${user}`)
    await world.openLast(user)
  }
  for (const tab of tabs) {
    trace.say(`wait until ${tab.name} is connected`)
    await tab.page.waitFor(isConnected, [], { timeoutMs: CONNECT_MS })
  }
}

async function wake(world: World, tab: Tab): Promise<void> {
  world.trace.say(`wake ${tab.name}`)
  if (tab.tools) await world.attempt(tab.tools.send('Emulation.setCPUThrottlingRate', { rate: 1 }))
  await setOffline(world, tab, false)
  if (tab.isFrozen) await thaw(world, tab)
  if (tab.isAway) await comeBack(world, tab)
}

/** A reload that was broken off, or a way back that led nowhere, leaves a tab without the page. */
async function stopSending(world: World, tab: Tab): Promise<void> {
  const { trace } = world
  trace.say(`stop ${tab.name}`)
  // What is still on its way would begin to send again.
  await world.attempt(tab.loading)
  const isThere = await tab.page.waitFor(hasBegun, [], { timeoutMs: ANSWER_MS }).catch(() => false)
  if (!isThere) {
    trace.say(`  ${tab.name} has no page: it goes there`)
    await within(CONNECT_MS, trace.last, tab.page.goto(world.urlOf(tab)))
  }
  await within(ANSWER_MS, trace.last, tab.page.evaluate(stopAs, tab.user))
}

/** Waits until the promises are kept, as long as they may take; gives what is broken then. */
export async function settle(world: World): Promise<Seen> {
  const until = performance.now() + SETTLE_MS
  let hasRetried = false
  for (;;) {
    const seen = await look(world)
    const isOver = findViolations(world, seen).length === 0 || performance.now() > until
    if (isOver) return { ...seen, hasRetried }
    if (!hasRetried && isWaitingForUsers(seen)) {
      world.trace.say('what was taken over is retried')
      hasRetried = true
      for (const { page } of world.tabs) await page.evaluate(retryAll)
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** Nothing moves any more: what is left has failed, and only because nobody could tell what a former owner did with it. */
const isWaitingForUsers = ({ tabs }: Seen): boolean =>
  tabs.every(({ view }) => view?.unsent === view?.failed.length) && tabs.some(({ view }) => view?.failed.some((each) => each.endsWith(': taken_over')))

// What follows runs in the page.

function hasBegun(): boolean {
  return 'app' in window
}

function stopAs(user: string): void {
  window.app.stop()
  window.app.user.connect(user)
}

function isConnected(): boolean {
  return window.app.view().status === 'connected'
}

function retryAll(): void {
  window.app.user.retryAll()
}
