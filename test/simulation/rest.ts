import type { Composed } from './ledger'
import { browserOf, CHANNELS, USER_OF } from './plan'
import { require, type Watch } from './invariants'
import type { Tab } from './tab'
import type { World } from './world'

/** Unsent messages that still have something to hope for. */
const pendingOf = (tab: Tab) => tab.chat.selectors.selectOutbox(tab.store.getState()).filter(({ status }) => status === 'pending')

/** Connected, and told what the server can do. */
const isConnected = (tab: Tab): boolean => tab.state().connection.capabilities.length > 0

const isCaughtUp = (tab: Tab): boolean => CHANNELS.every((channelId) => {
  const { sync, gap } = tab.chat.selectors.selectChannel(tab.store.getState(), channelId)
  return sync === 'idle' && gap === null
})

/** Nothing is left to do for anybody who is signed in. */
export const isAtRest = (world: World): boolean => [...world.living].every((tab) =>
  tab.userId() === null || (isConnected(tab) && pendingOf(tab).length === 0 && isCaughtUp(tab)))

/** Why it is not, for people. */
export const unrest = (world: World): string => [...world.living].map((tab) =>
  `${tab.name} ${tab.userId()} ${tab.state().connection.status} pending ${pendingOf(tab).map(({ content }) => content).join(',')} ${isCaughtUp(tab) ? '' : 'not caught up'}`).join('; ')

function isVisiblyUnsent(world: World, composed: Composed): boolean {
  return [...world.living].some((tab) => browserOf(tab.slot) === composed.browser && tab.userId() === composed.userId &&
    tab.messages(composed.channelId).some(({ id, userId, status }) => id === composed.id && userId === composed.userId && status === 'failed'))
}

/** I12: whatever showed `stored` is with the server, or visibly failed. */
function checkLoss(world: World, { committed }: Watch): void {
  for (const composed of world.ledger.all()) {
    if (!composed.wasStored || composed.isDiscarded || composed.isDestroyed || committed.has(composed.id)) continue
    require(isVisiblyUnsent(world, composed), 'I12', () => `${composed.content} was stored, and is nowhere`)
  }
}

/** I13: each view is the server's log, in its order; a small window is its end. */
function checkViews(world: World, tab: Tab): void {
  for (const channelId of CHANNELS) {
    const shown = tab.messages(channelId).flatMap(({ seq, userId, content }) => (seq === undefined ? [] : [`${seq} ${userId} ${content}`]))
    const log = world.server.log(channelId).map(({ seq, userId, content }) => `${seq} ${userId} ${content}`)
    const { hasOlder, hasNewer } = tab.chat.selectors.selectChannel(tab.store.getState(), channelId)
    if (hasNewer) continue
    const expected = hasOlder ? log.slice(log.length - shown.length) : log
    require(shown.join('\n') === expected.join('\n'), 'I13', () => `${tab.name} shows of ${channelId}:\n${shown.join('\n')}\nbut the server has\n${log.join('\n')}`)
  }
}

const MEMBERS: ReadonlySet<string> = new Set([...Object.values(USER_OF), 'carol'])

/** I10: what everybody has received and read is what the server has of them. */
function checkMarks(world: World, tab: Tab): void {
  for (const channelId of CHANNELS) {
    // Strangers come with events that nobody has checked.
    for (const { userId, delivered, read } of tab.chat.selectors.selectReceipts(tab.store.getState(), channelId).filter(({ userId: member }) => MEMBERS.has(member))) {
      const known = world.server.receipts(channelId, userId)
      require(known.read === read, 'I10', () => `${tab.name} has ${userId} at ${delivered}/${read} in ${channelId}, the server at ${known.delivered}/${known.read}`)
    }
  }
}

/** I12 to I14, once everything has healed and drained. */
export function checkRest(world: World, watch: Watch): void {
  checkLoss(world, watch)
  for (const tab of world.living) {
    if (tab.userId() === null) continue
    checkViews(world, tab)
    checkMarks(world, tab)
    const odd = tab.chat.selectors.selectOutbox(tab.store.getState()).find(({ status }) => status !== 'failed')
    require(odd === undefined, 'I14', () => `${tab.name} still holds ${odd?.content} as ${odd?.status}`)
  }
}

/** I16: nothing is left of a tab that has gone in good order. */
export function checkTeardown(world: World): void {
  for (const tab of world.living) {
    require(tab.env.timers === 0, 'I16', () => `${tab.name} left ${tab.env.timers} timers`)
    require(tab.env.lifecycle.listeners === 0, 'I16', () => `${tab.name} left a listener`)
    require(tab.env.network.open + tab.env.network.connecting === 0, 'I16', () => `${tab.name} left a connection`)
  }
  require(world.server.connections() === 0, 'I16', () => `the server still has ${world.server.connections()} connections`)
  for (const { locks, name } of world.browsers.values()) {
    require((locks?.size ?? 0) === 0, 'I16', () => `browser ${name} still has ${locks?.size} locks: ${[...locks?.holders() ?? []].join(' ')}`)
  }
}
