import { describe, expect, it } from 'vitest'
import { valueAt } from '../../src/policy/table'
import { CHANNELS, createMarkWorld, OTHERS, type MarkWorld } from '../support/mark-world'

/* What everybody has received and read: told by others in any form and order, and told to a server that takes it or not. */

const RUNS = Number(process.env['MARK_RUNS'] ?? 36)
const MAX_EARLY = 100
const RANK = { pending: 0, failed: 0, sent: 1, delivered: 2, read: 3 } as const

type Kind = 'delivered' | 'read'

interface Run {
  readonly world: MarkWorld
  /** The highest that each of the others was said to have, by kind, user and channel. */
  readonly truth: Map<string, number>
  /** How far I said to have read, by channel. */
  readonly mine: Map<string, number>
  checked: number
}

const raise = (marks: Map<string, number>, key: string, to: number): void => void marks.set(key, Math.max(marks.get(key) ?? 0, to))

/** By number or by name, of one that is here, or of one that nobody knows. */
function receive({ world, truth }: Run, channelId: string): void {
  const { server, pick, random, upTo, moods } = world
  const log = server.log(channelId)
  const [kind, userId, message] = [pick<Kind>(['delivered', 'read']), pick(OTHERS), log[upTo(log.length)]]
  if (random() < 0.15) {
    for (let i = 0; i < 70; i++) server.emitRaw('alice', `message:${kind}`, { channelId, userId, messageId: `unknown ${i}` })
  } else if (message) {
    for (const each of kind === 'read' ? ['delivered', 'read'] : ['delivered']) raise(truth, `${each} ${userId} ${channelId}`, message.seq)
    server.emitRaw('alice', `message:${kind}`, { channelId, userId, ...(moods.isBlind || random() < 0.5 ? { messageId: message.id } : { seq: message.seq }) })
  }
}

function markRead({ world, mine }: Run, channelId: string): void {
  const { tab } = world
  const last = tab.messages(channelId).flatMap(({ seq }) => seq ?? []).at(-1)
  tab.dispatch(tab.chat.actions.markRead({ channelId }))
  if (last !== undefined) raise(mine, channelId, last)
}

function act(run: Run): void {
  const { world } = run
  const { server, env, tab, moods, pick, upTo, isLate } = world
  const channelId = pick(CHANNELS)
  const step = upTo(16)
  if (step < 4) for (let i = 0; i <= upTo(3); i++) server.push(channelId, { userId: pick(OTHERS), content: 'x' })
  else if (step < 6) tab.send('mine', channelId)
  else if (step < 9) receive(run, channelId)
  else if (step < 11) markRead(run, channelId)
  else if (step < 13) world.become(pick(['ok', world.isMute ? 'silent' : 'busy']))
  else if (step < 14 && !isLate) env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 1 })
  else if (step < 15) moods.isSyncRefused = !moods.isSyncRefused
  else if (upTo(3) === 0) env.network.drop()
  else moods.isBlind = false
}

function othersHave({ truth }: Run, channelId: string, seq: number): number {
  const has = (kind: Kind): boolean => OTHERS.some((userId) => (truth.get(`${kind} ${userId} ${channelId}`) ?? 0) >= seq)
  return has('read') ? RANK.read : has('delivered') ? RANK.delivered : RANK.sent
}

/** Nobody has received what is missing, and nothing is said to be read that nobody has read; `isWhole`: and all that is known shows. */
function checkNow(run: Run, isWhole: boolean): readonly string[] {
  const { world: { server, tab, problems, isLate } } = run
  const found = problems.splice(0)
  const told = server.received('message:delivered')
  for (const { payload } of isLate ? [] : told.slice(run.checked)) {
    const { channelId, seq = 0 } = payload as { readonly channelId: string; readonly seq?: number }
    const held = new Set(tab.messages(channelId).map(({ seq: place }) => place))
    if (server.log(channelId).some((row) => row.seq <= seq && !held.has(row.seq))) found.push(`${channelId} is confirmed up to ${seq}, and is not whole`)
  }
  run.checked = told.length
  for (const channelId of CHANNELS) {
    const early = valueAt(tab.store.getState().chat?.messages ?? [], channelId)?.early.length ?? 0
    if (early > MAX_EARLY) found.push(`${early} receipts wait for their messages`)
    for (const { id, status } of tab.messages(channelId).filter(({ userId }) => userId === 'alice')) {
      const seq = server.log(channelId).find((row) => row.id === id)?.seq
      const most = seq === undefined ? RANK.sent : othersHave(run, channelId, seq)
      if (RANK[status] > most || (isWhole && RANK[status] < most)) found.push(`mine ${seq} in ${channelId} is ${status}, and should be ${most}`)
    }
  }
  return found
}

/** On the same connection, all that was refused is told in the end. */
function checkRest({ world: { server }, mine }: Run): readonly string[] {
  return CHANNELS.flatMap((channelId) => {
    const { delivered, read } = server.receipts(channelId, 'alice')
    const foreign = server.log(channelId).filter(({ userId }) => userId !== 'alice').at(-1)?.seq ?? 0
    return [
      ...(delivered < foreign ? [`${channelId} is delivered up to ${delivered} of ${foreign}`] : []),
      ...(read < (mine.get(channelId) ?? 0) ? [`${channelId} is read up to ${read} of ${mine.get(channelId)}`] : []),
    ]
  })
}

async function runMarks(index: number): Promise<readonly string[]> {
  const world = createMarkWorld(index)
  const run: Run = { world, truth: new Map(), mine: new Map(), checked: 0 }
  const { clock, tab, pick, env, isLate, server } = world
  const problems: string[] = []
  tab.connect()
  for (const channelId of CHANNELS) tab.dispatch(tab.chat.actions.openChannel({ channelId }))
  await clock.advance(1_000)
  for (let step = 0; step < 60 && problems.length === 0; step++) {
    act(run)
    await clock.advance(pick([60, 200, 3_000, 12_000]))
    problems.push(...checkNow(run, false))
  }
  Object.assign(world.moods, { isSyncRefused: false })
  env.network.heal()
  // Whatever was lost on the way is missed by now.
  for (const channelId of CHANNELS) server.push(channelId, { userId: 'bob', content: 'last' })
  // Where the server refuses at present, nothing new comes by the time it takes them again.
  await clock.advance(pick([0, 1_000, 12_000]))
  world.become('ok')
  // What was never answered is told to the next connection only.
  if (world.isMute) env.network.drop()
  await clock.advance(120_000)
  problems.push(...checkNow(run, false))
  if (!isLate && problems.length === 0) problems.push(...checkRest(run))
  return problems
}

describe('marks', () => {
  it('G4, G5, G6, G8: whatever is told of them, in any form, and whether the server takes mine or not, they say what is so, and no more', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, await runMarks(run)]).toEqual([run, []])
  }, 300_000)
})
