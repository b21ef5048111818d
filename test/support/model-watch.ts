import { entriesIn } from '../../src/policy/outbox'
import { createSelectors } from '../../src/state/selectors'
import { channelOf, drain, isWhole, logOf, ME, type Tracked, type World } from './model-world'
import { contentOf, type Run, type Step } from './model-steps'

export const { selectMessages, selectReceipts, selectUnreadCount } = createSelectors('chat')
const RANK = { pending: 0, failed: 0, sent: 1, delivered: 2, read: 3 }

export const shownIn = (world: World, channelId: string) => selectMessages({ chat: world.state }, channelId)

function same(world: World, channelId: string): void {
  const rows = shownIn(world, channelId).map(({ id, status, seq }) => `${id}:${status}:${seq}`)
  const receipts = selectReceipts({ chat: world.state }, channelId).map(({ userId, delivered, read }) => `${userId}:${delivered}:${read}`).sort()
  const wanted = world.oracle.picture(channelId)
  const unread = selectUnreadCount({ chat: world.state }, channelId)
  const [shown, told] = [[...rows, unread, ...receipts].join(' '), [...wanted.rows, wanted.unread, ...wanted.receipts].join(' ')]
  if (shown !== told) throw new Error(`G5: ${channelId} shows [${shown}], the facts say [${told}]`)
}

interface Before { readonly rank: number; readonly status: string; readonly seq: number | undefined }

/** What must hold after every step. Throws with the reason. */
export function createWatch({ world, messages }: Run) {
  let seen = new Map<string, Before>()

  function checkRow(row: ReturnType<typeof shownIn>[number], step: string): void {
    const { id, status, seq, content } = row
    const before = seen.get(id)
    if (before && RANK[status] < before.rank) throw new Error(`I3: ${id} fell from ${before.status} to ${status}`)
    if (before?.status === 'failed' && status === 'pending' && !step.startsWith('retry')) throw new Error(`I3: ${id} is pending again without a retry`)
    if (before?.seq !== undefined && before.seq !== seq) throw new Error(`I3: ${id} moved from ${before.seq} to ${seq}`)
    if (row.stored === true && !world.disk.has(id)) throw new Error(`G1: ${id} shows stored and is not on the device`)
    const message = messages.find((each) => each.id === id)
    if (!message || content !== contentOf(messages.indexOf(message))) throw new Error(`I4: the content of ${id} is now ${content}`)
    seen.set(id, { rank: RANK[status], status, seq })
  }

  /** A message of mine leaves the view only into history, which the channel offers to load. */
  function checkMine(message: Tracked, ids: ReadonlySet<string>): void {
    const wasShown = seen.has(message.id)
    if (!message.own || ids.has(message.id) || !wasShown) return
    const { hasOlder, messages: window, cursor, latest } = channelOf(world, message.channelId)
    const seq = message.committed?.seq
    const isHistory = seq !== undefined && hasOlder && seq < (window[0]?.[0]?.seq ?? Infinity)
    // A page settles what a gap then hides until it is filled.
    const isInGap = seq !== undefined && !isWhole(world) && seq > (cursor ?? 0) && seq <= (latest ?? 0)
    if (!isHistory && !isInGap) throw new Error(`I4: ${message.id} vanished`)
  }

  function checkUnread(channelId: string): void {
    const { anchored, messages: window, cursor } = channelOf(world, channelId)
    const read = selectReceipts({ chat: world.state }, channelId).find(({ userId }) => userId === ME)?.read ?? 0
    const loaded = shownIn(world, channelId).filter((row) => RANK[row.status] > 0 && row.userId !== ME && (row.seq ?? row.createdAt) > read).length
    const older = anchored && cursor !== null ? Math.max(0, Math.min(window[0]?.[0]?.seq ?? Infinity, cursor + 1) - 1 - read) : 0
    if (selectUnreadCount({ chat: world.state }, channelId) !== loaded + older) throw new Error(`I10: ${channelId} counts its unread wrongly`)
  }

  /** What is under way, and what is left of each budget. */
  function checkQueue(): void {
    for (const { message: { id }, lease, spent, losses, budgetFrom } of entriesIn(world.state.outbox)) {
      const held = `${lease?.attempt ?? null}:${spent}:${losses}:${budgetFrom}`
      if (held !== world.queue.picture(id)) throw new Error(`I6: the queue says of ${id} [${held}], the facts say [${world.queue.picture(id)}]`)
    }
  }

  return (step: Step): void => {
    if (step.name === 'crash') seen = new Map()
    if (step.name.startsWith('discard')) for (const { id } of messages.filter(({ own }) => own)) seen.delete(id)
    const ids = new Set<string>()
    for (const channelId of world.log.keys()) {
      const rows = shownIn(world, channelId)
      for (const row of rows) {
        if (ids.has(row.id)) throw new Error(`I2: ${row.id} is shown twice`)
        ids.add(row.id)
        checkRow(row, step.name)
      }
      checkUnread(channelId)
      if (isWhole(world)) same(world, channelId)
    }
    for (const message of messages) checkMine(message, ids)
    checkQueue()
  }
}

/** At rest a tab shows the server's log, and behind it what was never committed. */
export function checkAtRest({ world }: Run): void {
  drain(world)
  for (const channelId of world.log.keys()) {
    same(world, channelId)
    const committed = shownIn(world, channelId).filter(({ status }) => RANK[status] > 0).map(({ id }) => id)
    const log = world.seqs ? logOf(world, channelId).map(({ id }) => id) : committed
    if (committed.join(' ') !== log.join(' ')) throw new Error(`I13: ${channelId} shows [${committed.join(' ')}], the server has [${log.join(' ')}]`)
  }
}
