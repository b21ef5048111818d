import { createActions } from '../../src/actions'
import type { OutboxEntry, OutboxState, Page, ReceiptEvent, WireMessage } from '../../src/model'
import { diffOutbox, readRecords, type RecordEdit } from '../../src/persistence/records'
import type { StoredRecord } from '../../src/persistence/record-storage'
import { findEntry } from '../../src/policy/outbox'
import { historyEdge, initialChannel, type ChannelState } from '../../src/state/channel-state'
import { createChatReducer, type ChatState } from '../../src/state/chat-state'
import { createOracle, type Oracle } from './model-oracle'
import { createQueueOracle, type QueueOracle } from './model-queue'
import { EMPTY_TABLE, valueAt } from '../../src/policy/table'

export const ME = 'alice'
/** The server's clock runs apart from ours: no order may depend on comparing the two. */
const SERVER_EPOCH = 500

let nextId = 0
const actions = createActions('chat', { now: () => 1_000 + nextId, id: () => `mine-${nextId++}` })
const reduce = createChatReducer('chat', actions, { windowSize: 1_000, maxChannels: 10 })
export const { commands, reports, events } = actions

export type Fact = Parameters<typeof reduce>[1]
type Direction = 'newer' | 'older'

/** A message as the run follows it. `emits` counts those of this life: an ack cannot outlive the page that waits for it. */
export interface Tracked {
  readonly channelId: string
  readonly own: boolean
  id: string
  emits: number
  onTheWire: boolean
  committed: WireMessage | null
}

/** One tab, its device, a server of a few lines, and the oracle that is told the same facts. */
export interface World {
  readonly seqs: boolean
  readonly pageSize: number
  readonly oracle: Oracle
  readonly queue: QueueOracle
  readonly log: Map<string, WireMessage[]>
  /** The device: JSON text by record id, so that nothing survives a crash by reference. */
  readonly disk: Map<string, string>
  /** Requests under way: where they start, by direction and channel. */
  readonly requests: Map<string, number>
  state: ChatState
  seen: OutboxState
  edits: Map<string, RecordEdit>
  unreported: string[]
  restored: boolean
  /** Messages got a new place behind restored ones, and the device does not know it yet. */
  moved: boolean
  commits: number
}

/** Nothing is paged away: what the tab shows is then a function of the facts at every step, and not only at rest. */
export const isWhole = ({ seqs, pageSize }: World): boolean => !seqs || pageSize >= 6

const nothing: OutboxState = { userId: null, channels: EMPTY_TABLE, lastOrder: 0, reads: {} }

const open = (): ChatState => [
  commands.connect({ userId: ME }), reports.connectionOpened({ at: 1 }),
  reports.sessionAnnounced({ capabilities: ['sync'], maxMessageBytes: null, dedupWindowMs: null }),
].reduce<ChatState | undefined>((state, action) => reduce(state, action), undefined) ?? reduce(undefined, { type: 'chat/none' })

const opened = open()

export function createWorld(channels: readonly string[], seqs: boolean, pageSize: number): World {
  nextId = 0
  return {
    seqs, pageSize, oracle: createOracle(ME), queue: createQueueOracle(), state: opened, seen: opened.outbox, log: new Map(channels.map((name) => [name, []])),
    disk: new Map(), edits: new Map(), unreported: [], restored: true, moved: false, requests: new Map(), commits: 0,
  }
}

export const channelOf = (world: World, channelId: string): ChannelState => valueAt(world.state.messages, channelId) ?? initialChannel
export const entryOf = (world: World, id: string): OutboxEntry | undefined => findEntry(world.state.outbox, id)
export const logOf = (world: World, channelId: string): WireMessage[] => world.log.get(channelId) ?? []

/** Every change of state is followed by the device as in `persist.ts`: by difference, later edits over earlier ones. */
export function apply(world: World, action: Fact): void {
  world.state = reduce(world.state, action)
  const { outbox } = world.state
  if (outbox === world.seen) return
  const before = world.seen.userId === outbox.userId ? world.seen : nothing
  for (const edit of diffOutbox(before, outbox, ME, () => 'tab', () => true)) world.edits.set(edit.id, edit)
  world.seen = outbox
}

export function compose(world: World, message: Tracked, content: string): void {
  const action = commands.sendMessage({ channelId: message.channelId, content })
  message.id = action.payload.id
  apply(world, action)
  world.oracle.composed(message.id, message.channelId, content)
  world.queue.composed(message.id, message.channelId, action.payload.createdAt)
}

export function emit(world: World, message: Tracked): void {
  const attempt = (entryOf(world, message.id)?.attempts ?? 0) + 1
  apply(world, reports.messageEmitted({ id: message.id, channelId: message.channelId, attempt, at: 1, deadline: 99 }))
  world.queue.emitted(message.id, attempt)
  message.emits = attempt
  message.onTheWire = true
}

export function commit(world: World, message: Tracked, userId: string, content: string): void {
  const log = logOf(world, message.channelId)
  const at = SERVER_EPOCH + world.commits++
  message.committed = {
    id: message.id, channelId: message.channelId, userId, content, createdAt: at, ...(world.seqs && { seq: log.length + 1 }),
  }
  log.push(message.committed)
}

export function ack(world: World, { id, channelId, emits, committed }: Tracked): void {
  // An effect asks the outbox before it reports an ack; the reducer must not need that.
  const awaited = entryOf(world, id) !== undefined
  if (!committed) return
  const { seq, createdAt } = committed
  apply(world, reports.messageAcked({ id, channelId, attempt: emits, at: 2, createdAt, ...(seq !== undefined && { seq }) }))
  if (awaited) world.oracle.committed(committed)
}

export function echo(world: World, message: WireMessage): void {
  apply(world, events.messagesReceived({ messages: [message] }))
  world.oracle.committed(message)
}

export function receipt(world: World, told: ReceiptEvent): void {
  apply(world, events.receiptsReceived({ receipts: [told] }))
  world.oracle.receipt(told)
}

export function request(world: World, direction: Direction, channelId: string): void {
  const channel = channelOf(world, channelId)
  const from = direction === 'newer' ? (channel.anchored ? channel.cursor ?? 0 : 0) : historyEdge(channel)
  if (from === null) return
  apply(world, reports.syncStarted({ channelId, direction }))
  world.requests.set(direction + channelId, from)
}

const pageOf = (log: readonly WireMessage[], direction: Direction, from: number, size: number): Page => {
  const start = direction === 'newer' ? from : Math.max(0, from - 1 - size)
  const end = direction === 'newer' ? from + size : from - 1
  return {
    messages: log.slice(start, end), receipts: [], latest: direction === 'newer' ? log.length : null,
    more: direction === 'newer' ? end < log.length : start > 0,
  }
}

export function answer(world: World, direction: Direction, channelId: string): void {
  const from = world.requests.get(direction + channelId)
  if (from === undefined) return
  world.requests.delete(direction + channelId)
  const page = pageOf(logOf(world, channelId), direction, from, world.pageSize)
  // A page of history that does not end where the window begins by now is of no use, and the reducer may say so.
  const isMoot = isWhole(world) && direction === 'older' && from !== world.oracle.lowestSeq(channelId)
  // Such a page changes nothing: here its answer is lost instead.
  if (isMoot) apply(world, reports.syncFailed({ channelId, direction }))
  else apply(world, reports.pageLoaded({ channelId, direction, from, page }))
  if (!isMoot) page.messages.forEach((message) => world.oracle.committed(message))
}

export const isWaiting = (world: World) => (id: string): boolean => entryOf(world, id) !== undefined

/** The connection ends and another one begins: requests under way will never be answered. */
export function cut(world: World): void {
  world.queue.cut(isWaiting(world))
  apply(world, reports.connectionLost({ status: 'reconnecting', reason: 'x', attempt: 1, nextRetryAt: 1, wasOpen: true }))
  reconnected(world)
}

/** The user ends the connection, and comes back. */
export function leave(world: World): void {
  world.queue.left()
  apply(world, commands.disconnect())
  apply(world, commands.connect({ userId: ME }))
  reconnected(world)
}

function reconnected(world: World): void {
  apply(world, reports.connectionOpened({ at: 2 }))
  apply(world, reports.sessionAnnounced({ capabilities: ['sync'], maxMessageBytes: null, dedupWindowMs: null }))
  world.requests.clear()
}

export function write(world: World): void {
  for (const [id, { record }] of world.edits) {
    if (record) world.disk.set(id, JSON.stringify(record))
    else world.disk.delete(id)
    if (record) world.unreported.push(id)
  }
  world.edits = new Map()
  world.moved = false
  world.oracle.wrote()
  world.queue.wrote()
}

export function reportStored(world: World): void {
  apply(world, reports.outboxStored({ ids: world.unreported }))
  world.unreported = []
}

export function crash(world: World, messages: readonly Tracked[]): void {
  world.state = opened
  world.seen = opened.outbox
  world.edits = new Map()
  world.unreported = []
  world.requests.clear()
  world.restored = false
  for (const message of messages) message.emits = 0
  world.oracle.crashed()
  world.queue.crashed()
}

export function restore(world: World): void {
  // What this life is about to remove is not read back (`ownOf` in `persist.ts`).
  const texts = [...world.disk].filter(([id]) => world.edits.get(id)?.record !== null).map(([, text]) => text)
  const records = texts.map((text) => JSON.parse(text) as StoredRecord)
  const { entries, reads } = readRecords(ME, records, [])
  // What one tab composed may come in parts, and one look may bring a message twice: as this tab's own, and as one taken back.
  for (const part of [1, 0]) {
    const some = entries.filter((_, i) => i % 2 === part)
    apply(world, reports.outboxRestored({ userId: ME, entries: [...some, ...some], reads }))
  }
  world.restored = true
  world.moved = world.edits.size > 0
  world.oracle.restored()
  world.queue.restored()
}

/** What every open channel does after a connection opens: catch up to the end, then load all history. */
export function drain(world: World): void {
  if (!world.restored) restore(world)
  cut(world)
  for (const channelId of world.seqs ? world.log.keys() : []) {
    for (let i = 0; i < 20; i++) {
      const { stale, latest, cursor, hasOlder } = channelOf(world, channelId)
      const isBehind = stale || (latest ?? 0) > (cursor ?? 0)
      if (!isBehind && !hasOlder) break
      request(world, isBehind ? 'newer' : 'older', channelId)
      answer(world, isBehind ? 'newer' : 'older', channelId)
    }
  }
}
