import type { Step } from './plan'
import { browserOf, CHANNELS } from './plan'
import { pick } from './draw'
import type { Tab } from './tab'
import type { World } from './world'

type Do = (world: World, step: Step) => void
/** A step of somebody at a page that can be used. */
const onTab = (act: (world: World, tab: Tab, step: Step) => void): Do => (world, step) => {
  const tab = world.use(step.slot)
  if (tab) act(world, tab, step)
}

const channelAt = (u: number): string => (u < 0.8 ? CHANNELS[0] : CHANNELS[1])
/** Short more often than long. */
const spanOf = (u: number, mostMs: number): number => 50 + u * u * mostMs

function send(world: World, tab: Tab, channelId: string): void {
  const userId = tab.userId()
  if (userId === null) return
  const content = `${userId}/${tab.name}/${world.ledger.composed.size}`
  const { payload } = tab.store.dispatch(tab.chat.actions.sendMessage({ channelId, content }))
  world.ledger.add({ id: payload.id, tab: tab.name, browser: browserOf(tab.slot), userId, channelId, content, at: world.clock.monotonic() })
}

function discard(world: World, tab: Tab): void {
  const failed = tab.chat.selectors.selectOutbox(tab.store.getState()).find(({ status }) => status === 'failed')
  if (!failed) return
  world.reach('discard')
  const composed = world.ledger.composed.get(failed.id)
  if (composed) composed.isDiscarded = true
  tab.store.dispatch(tab.chat.actions.discardMessage({ id: failed.id }))
}

function retry(world: World, tab: Tab): void {
  for (const { id, status } of tab.chat.selectors.selectOutbox(tab.store.getState())) {
    const composed = world.ledger.composed.get(id)
    if (status !== 'failed' || !composed) continue
    world.reach('retry')
    composed.isRetried = true
  }
  tab.store.dispatch(tab.chat.actions.retryAllFailed())
}

const mark = onTab((_world, tab, { u }) => void tab.store.dispatch(tab.chat.actions.markRead({ channelId: channelAt(u) })))

const LIFE: { readonly [kind: string]: Do } = {
  send: onTab((world, tab, { u }) => send(world, tab, channelAt(u))),
  burst: onTab((world, tab, { u, v }) => { for (let i = 0; i < 2 + v * 10; i++) send(world, tab, channelAt(u)) }),
  read: mark,
  open_channel: onTab((_world, tab, { u }) => void tab.store.dispatch(tab.chat.actions.openChannel({ channelId: channelAt(u) }))),
  close_channel: onTab((_world, tab, { u }) => void tab.store.dispatch(tab.chat.actions.closeChannel({ channelId: channelAt(u) }))),
  older: onTab((_world, tab, { u }) => void tab.store.dispatch(tab.chat.actions.loadOlder({ channelId: channelAt(u) }))),
  retry: onTab((world, tab) => retry(world, tab)),
  discard: onTab((world, tab) => discard(world, tab)),
  open: (world, { slot }) => void world.use(slot),
  push: (world, { u, v }) => {
    for (let i = 0; i < 1 + v * 8; i++) world.server.push(channelAt(u), { userId: 'carol', content: `carol ${i}` })
  },
  receipt: (world, { u, v }) => world.server.pushReceipt(v < 0.5 ? 'delivered' : 'read', channelAt(u), 'carol'),
}

export const LIFE_STEPS = LIFE
export { channelAt, onTab, send, spanOf, type Do }
export const pickAt = pick
