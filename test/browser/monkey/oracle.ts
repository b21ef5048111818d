import type { Committed } from '../ack-server-types'
import { findFaults } from '../ledger'
import type { App, ChannelWindow } from '../page/app'
import { view } from '../test-page'
import { within } from './trace'
import type { Tab, World } from './world'

export interface SeenTab {
  readonly name: string
  /** Which life of the page that is; null when it does not answer. */
  readonly life: string | null
  readonly view: ReturnType<App['view']> | null
  readonly windows: readonly ChannelWindow[]
  /** Why there is no view. */
  readonly problem: string | null
}

/** What every living tab shows at one moment. */
export interface Seen {
  readonly tabs: readonly SeenTab[]
  /** The user was asked about messages that another tab had taken over, and wanted them sent. */
  readonly hasRetried: boolean
}

const ANSWER_MS = 8_000
const MOST_NAMED = 5

export async function look({ tabs }: World): Promise<Seen> {
  return { tabs: await Promise.all(tabs.map(lookAt)), hasRetried: false }
}

async function lookAt({ name, page }: Tab): Promise<SeenTab> {
  try {
    const answers = Promise.all([page.evaluate(life), page.evaluate(view), page.evaluate(windows)])
    const [lifeName, seen, shown] = await within(ANSWER_MS, () => `the view of ${name}`, answers)
    return { name, life: lifeName, view: seen, windows: shown, problem: null }
  } catch (error) {
    return { name, life: null, view: null, windows: [], problem: String(error) }
  }
}

/** Every promise that is broken, in words; empty when all are kept. */
export function findViolations(world: World, { tabs }: Seen): readonly string[] {
  const log = world.server.committed()
  return [...inLog(world, log), ...onWire(world), ...betweenTabs(world, tabs), ...world.troubles, ...tabs.flatMap((tab) => inTab(tab, log))]
}

/** What showed `stored` is committed; all that is committed is so once, in the order of its tab, and under its own user. */
function inLog({ ledger: { dispatched, stored } }: World, log: readonly Committed[]): readonly string[] {
  // In Firefox what a page tells last may not arrive; another one may show the message later.
  const expected = [...stored].map(([id, at]) => dispatched.get(id) ?? { kind: 'dispatched' as const, tab: 'untold', channel: id, n: 0, id, at })
  const { missing, doubled, disordered } = findFaults(log, expected)
  const alien = log.filter(({ content, userId }) => userOf(content) !== userId)
  return [
    ...some('stored and lost', missing), ...some('doubled', doubled), ...some('out of order', disordered),
    ...some('committed under somebody else', alien.map(({ content, userId }) => `${content} by ${userId}`)),
  ]
}

function onWire({ server }: World): readonly string[] {
  const alien = server.arrivals().flatMap((arrival) => (arrival.kind === 'sent' && arrival.as !== arrival.userId ? [`${arrival.id} of ${arrival.userId} as ${arrival.as}`] : []))
  return some('sent under somebody else', alien)
}

/** A tab that lives sends its own messages; nobody else does. */
function betweenTabs({ server, ledger: { dispatched }, interrupted }: World, tabs: readonly SeenTab[]): readonly string[] {
  const living = new Set(tabs.flatMap(({ life }) => (life === null || interrupted.has(life) ? [] : [life])))
  const stolen = server.arrivals().flatMap((arrival) => {
    if (arrival.kind !== 'sent') return []
    const from = dispatched.get(arrival.id)
    const owner = from?.tab.split('/')[0] ?? arrival.tab
    return from && arrival.tab !== owner && living.has(owner) ? [`${from.tab} ${from.channel} ${from.n} by ${arrival.tab}`] : []
  })
  return some('sent by another tab while their own lives', stolen)
}

function inTab({ name, view: seen, windows: shown, problem }: SeenTab, log: readonly Committed[]): readonly string[] {
  if (!seen) return [`${name} does not answer: ${problem}`]
  return [
    ...(seen.status === 'connected' ? [] : [`${name} is ${seen.status}`]),
    ...(seen.unsent === 0 ? [] : [`${name} has ${seen.unsent} unsent, of them failed: ${seen.failed.slice(0, MOST_NAMED).join('; ')}`]),
    ...shown.flatMap((window) => inWindow(window, log.filter(({ channelId }) => channelId === window.channelId)).map((what) => `${name} ${window.channelId} ${what}`)),
  ]
}

/** A window is the end of the log, unless its user has scrolled back. */
function inWindow({ hasNewer, hasGap, latestSeq, messages }: ChannelWindow, log: readonly Committed[]): readonly string[] {
  if (hasNewer) return []
  const end = log.slice(log.length - messages.length)
  const isSame = messages.every(({ id, seq }, i) => id === end[i]?.id && seq === end[i]?.seq) && (messages.length > 0 || log.length === 0)
  return [
    ...(isSame ? [] : [`shows ${messages[0]?.seq} to ${messages.at(-1)?.seq}, ${messages.length} messages, of ${log.length}`]),
    ...(hasGap ? ['has a gap'] : []),
    ...((latestSeq ?? 0) === log.length ? [] : [`knows of ${latestSeq} messages of ${log.length}`]),
  ]
}

/** `life/user channel n`. */
const userOf = (content: string): string | undefined => content.split(' ')[0]?.split('/')[1]

const some = (what: string, list: readonly string[]): readonly string[] =>
  (list.length === 0 ? [] : [`${list.length} ${what}: ${list.slice(0, MOST_NAMED).join('; ')}`])

// What follows runs in the page.

const life = (): string => window.app.tab

const windows = (): readonly ChannelWindow[] => window.app.windows()
