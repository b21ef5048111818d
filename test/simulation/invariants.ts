import type { Message } from '../../src/model'
import { CHANNELS } from './plan'
import { FOREIGN_RECORD, NEWER_VERSION } from './disk'
import type { Composed, Seen } from './ledger'
import type { Tab } from './tab'
import { SHORT_BUDGET_MS, type World } from './world'
import { placeProblem } from '../support/channel-places'
import { entriesOf, valueAt } from '../../src/policy/table'

/** A broken promise, by the number that SIMULATION.md gives it. */
export class Violation extends Error {
  override readonly name = 'Violation'
  constructor(readonly invariant: string, readonly problem: string) {
    super(`${invariant}: ${problem}`)
  }
}

export const require = (holds: boolean, invariant: string, problem: () => string): void => {
  if (!holds) throw new Violation(invariant, problem())
}

const RANK = { failed: 0, pending: 0, sent: 1, delivered: 2, read: 3 } as const

const MAX_ERRORS = 50
/** The longest way of a packet, and what a timer may be late. */
const UNDER_WAY_MS = 6_000
/** Packets under way are timers too. */
const MAX_TIMERS = 300

/** What a small window let go is not known any more: adopted from a closed tab, it is pending until the server says that it has it. */
function forgetUnseen(seen: Map<string, Seen>, channelId: string, shown: ReadonlySet<string>): void {
  for (const [key, before] of seen) if (before.channelId === channelId && !shown.has(key)) seen.delete(key)
}

/** Looks at everything that changed since it looked last. */
export function createWatch(world: World) {
  const { ledger, server } = world
  const seenState = new Map<Tab, unknown>()
  const views = new Map<Tab, { readonly userId: string | null; readonly seen: Map<string, Seen> }>()
  const checkedRows = new Map<string, number>()
  const committed = new Map<string, string>()
  const lastOrder = new Map<string, number>()
  const planted = new Map<string, Map<string, unknown>>()
  /** Messages of which a record broke while a tab had them: it writes what was to be written when its user has left, too. */
  const atHand = new Set<string>()
  let checkedSends = 0
  /** Tab lives in which a user may not have left since the message was composed. */
  const left = new Map<Tab, Map<string, string>>()
  // Two of the README's limits: a device that takes longer than 3 s to read holds nothing up, so who left and is back may be ahead of it;
  const isReadLate = world.has('disk_hang') && world.has('other_user')
  // and a page that lost its locks sends until it has looked at its storage, which a device that refuses does not let it.
  const looksInVain = world.has('freeze_unlocked') && world.has('disk_lies')

  /** I1, I5, I11: what the server has committed. */
  function checkLog(): void {
    for (const channelId of CHANNELS) {
      const rows = server.log(channelId)
      for (const row of rows.slice(checkedRows.get(channelId) ?? 0)) {
        const composed = ledger.composed.get(row.id)
        require(!row.id.startsWith(FOREIGN_RECORD), 'I9', () => `the record ${row.id}, which is not for this code, was sent`)
        if (!composed || row.userId === 'mallory') continue
        require(!committed.has(row.id), 'I1', () => `the server holds ${row.content} twice`)
        committed.set(row.id, row.userId)
        require(row.userId === composed.userId && row.content === composed.content && channelId === composed.channelId, 'I5', () =>
          `${composed.content} was committed as ${row.content} by ${row.userId} in ${channelId}`)
        const key = `${composed.tab}|${composed.userId}|${channelId}`
        require(composed.isRetried || world.has('no_locks') || isReadLate || composed.order > (lastOrder.get(key) ?? 0), 'I11', () => `${composed.content} was committed after a later one of its tab`)
        if (!composed.isRetried) lastOrder.set(key, composed.order)
      }
      checkedRows.set(channelId, rows.length)
    }
  }

  /** I15, where no clock jumps and no packet sleeps: what is past its budget is not sent by itself any more, whatever page has it by now. */
  function checkBudgets(): void {
    if (!world.has('short_budget') || world.has('wall_jump') || world.has('sleep')) return
    const sent = server.received('message:send')
    for (const { payload } of sent.slice(checkedSends)) {
      const composed = ledger.composed.get((payload as { readonly id: string }).id)
      const age = world.clock.monotonic() - (composed?.at ?? Infinity)
      require(composed?.isRetried === true || age < SHORT_BUDGET_MS + UNDER_WAY_MS, 'I15', () => `${composed?.content} was sent ${age} ms after its dispatch`)
    }
    checkedSends = sent.length
  }

  function checkMessage(tab: Tab, message: Message, seen: Map<string, Seen>): void {
    const composed = ledger.composed.get(message.id)
    const isMine = composed !== undefined && composed.userId === message.userId
    const before = seen.get(`${message.userId}/${message.id}`)
    if (before) {
      const revived = before.status === 'failed' && message.status === 'pending'
      require(revived || RANK[message.status] >= RANK[before.status], 'I3', () => `${message.content} fell from ${before.status} to ${message.status} in ${tab.name}`)
      require(before.seq === undefined || before.seq === message.seq, 'I3', () => `${message.content} changed its seq from ${before.seq} to ${message.seq}`)
    }
    seen.set(`${message.userId}/${message.id}`, { channelId: message.channelId, status: message.status, seq: message.seq })
    if (!isMine) return
    require(message.content === composed.content && message.channelId === composed.channelId, 'I4', () => `${composed.content} became ${message.content} in ${tab.name}`)
    // The queue of one who has no more than what is shown.
    if (message.stored) composed.wasStored = true
  }

  function checkViews(tab: Tab): void {
    const userId = tab.userId()
    const known = views.get(tab)
    // Who signs in again begins with what is stored.
    const seen = known?.userId === userId ? known.seen : new Map<string, Seen>()
    views.set(tab, { userId, seen })
    for (const channelId of CHANNELS) {
      const shown = tab.messages(channelId)
      const keys = new Set(shown.map((message) => `${message.userId}/${message.id}`))
      require(keys.size === shown.length, 'I2', () => `${tab.name} shows a message of ${channelId} twice`)
      for (const message of shown) {
        checkMessage(tab, message, seen)
        const isUnsent = message.status === 'pending' || message.status === 'failed'
        require(!isUnsent || message.userId === userId, 'I5', () => `${tab.name} of ${userId} shows ${message.content} as its own`)
      }
      if (!isWhole(tab, channelId)) forgetUnseen(seen, channelId, keys)
      const seqs = shown.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))
      require(seqs.every((seq, i) => i === 0 || seq > (seqs[i - 1] ?? 0)), 'I13', () => `${tab.name} shows ${channelId} out of order: ${seqs.join(' ')}`)
      const channel = valueAt(tab.store.getState().chat.messages, channelId)
      const problem = channel && placeProblem(channel)
      require(!problem, 'I13', () => `${tab.name} in ${channelId}: not so: ${problem}`)
      checkUnread(tab, channelId, shown)
    }
  }

  /** I10, where everything from the first message on is loaded. */
  function checkUnread(tab: Tab, channelId: string, shown: readonly Message[]): void {
    const root = tab.store.getState()
    const { hasOlder, hasNewer } = tab.chat.selectors.selectChannel(root, channelId)
    const channel = valueAt(root.chat.messages, channelId)
    if (!channel?.anchored || hasOlder || hasNewer || (channel.messages[0]?.[0]?.seq ?? 1) !== 1) return
    const me = tab.userId()
    const read = tab.chat.selectors.selectReceipts(root, channelId).find(({ userId }) => userId === me)?.read ?? 0
    const expected = shown.filter((message) => message.seq !== undefined && message.userId !== me && message.seq > read).length
    require(tab.chat.selectors.selectUnreadCount(root, channelId) === expected, 'I10', () =>
      `${tab.name} counts ${tab.chat.selectors.selectUnreadCount(root, channelId)} unread in ${channelId}, there are ${expected}`)
  }

  const isWhole = (tab: Tab, channelId: string): boolean => {
    const { hasOlder, hasNewer } = tab.chat.selectors.selectChannel(tab.store.getState(), channelId)
    return !hasOlder && !hasNewer
  }

  /** Somebody else's message may bear its id, and is not it. */
  const isShown = (tab: Tab, { channelId, id, userId }: Composed): boolean => tab.message(channelId, id)?.userId === userId ||
    tab.messages(channelId).some((message) => message.id === id && message.userId === userId)

  /** I4: what was composed here and whose composer is still here is shown. */
  function checkPresence(tab: Tab): void {
    const userId = tab.userId()
    const gone = left.get(tab) ?? new Map<string, string>()
    left.set(tab, gone)
    for (const composed of ledger.all()) {
      if (composed.tab !== tab.name || composed.isDiscarded || gone.has(composed.id)) continue
      if (composed.userId !== userId) gone.set(composed.id, 'signed out')
      // What is committed may stand outside the window, where history is.
      else if (!committed.has(composed.id) || isWhole(tab, composed.channelId)) {
        require(isShown(tab, composed), 'I4', () => `${composed.content} vanished from ${tab.name}`)
      }
    }
  }

  /** I6, I8. */
  function checkFlights(): void {
    const inFlight = new Map<string, string>()
    for (const tab of world.living) {
      if (tab.isFrozen()) continue
      let total = 0
      for (const [key, queue] of entriesOf(tab.state().outbox.channels)) {
        const leased = queue.flat().filter(({ lease }) => lease !== null)
        total += leased.length
        require(leased.length <= (world.has('not_ordered') ? 1 : 32), 'I6', () => `${tab.name} has ${leased.length} in flight in ${key}`)
        for (const { message } of leased) {
          const other = inFlight.get(message.id)
          require(other === undefined || world.has('no_locks') || looksInVain, 'I6', () => `${message.content} is in flight in ${other} and ${tab.name}`)
          inFlight.set(message.id, tab.name)
        }
      }
      require(total <= 100, 'I6', () => `${tab.name} has ${total} in flight`)
      require(tab.env.timers <= MAX_TIMERS, 'I8', () => `${tab.name} has ${tab.env.timers} timers`)
      require(tab.state().errors.length <= MAX_ERRORS, 'I8', () => `${tab.name} keeps ${tab.state().errors.length} errors`)
    }
  }

  /** Who still has a message in memory may write its broken record anew, or remove it when it is sent; also when its tab dies with that write under way. */
  const isKnown = (cell: string): boolean => {
    const id = (JSON.parse(cell) as string[])[1] ?? ''
    const composed = ledger.composed.get(id)
    if (composed === undefined) return false
    if ([...world.living].some((tab) => tab.message(composed.channelId, id) !== undefined)) atHand.add(id)
    // Who has left since may be writing it still.
    const isLeft = [...world.living].some((tab) => tab.name === composed.tab && tab.state().connection.userId !== composed.userId)
    return committed.has(id) || composed.isDiscarded || atHand.has(id) || isLeft
  }
  const isUnreadable = (value: unknown): boolean =>
    typeof value === 'string' || (typeof value === 'object' && value !== null && 'version' in value && value.version === NEWER_VERSION)

  /** I9: records that this code cannot read are as they were. */
  function checkForeignRecords(): void {
    // Removed by whoever clears the device, and by a sign-out that discards.
    const isCleared = world.reached.has('origin evicted') || world.has('sign_out_discard')
    for (const { disk, name } of world.browsers.values()) {
      for (const [cell, value] of planted.get(name) ?? []) {
        require(disk.cells.get(cell) === value || isCleared || isKnown(cell), 'I9', () => `the unreadable record ${cell} was changed`)
      }
      planted.set(name, new Map([...disk.cells].filter(([cell, value]) => isUnreadable(value) && !isKnown(cell))))
    }
  }

  return {
    committed,
    /** After every event. */
    check(): void {
      require(Object.keys(Object.prototype).length === 0 && !('polluted' in {}), 'I7', () => 'Object.prototype was touched')
      checkLog()
      checkBudgets()
      for (const tab of world.living) {
        const state = tab.state()
        if (seenState.get(tab) === state) continue
        seenState.set(tab, state)
        checkViews(tab)
        checkPresence(tab)
      }
      checkFlights()
      checkForeignRecords()
    },
  }
}

export type Watch = ReturnType<typeof createWatch>
