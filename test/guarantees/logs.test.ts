import { describe, expect, it } from 'vitest'
import { valueAt } from '../../src/policy/table'
import { createLogWatch, type LogWatch } from '../support/log-watch'
import { CHANNELS, createLogWorld, type LogWorld } from '../support/log-world'

/* One tab that reads the logs of servers which are behind, race with themselves, refuse, promise, lose all and begin anew. */

const RUNS = Number(process.env['LOG_RUNS'] ?? 48)

const seqsOf = ({ tab }: LogWorld, channelId: string): readonly number[] => tab.messages(channelId).flatMap(({ seq }) => seq ?? [])

/** What must hold at every moment. */
function checkNow(world: LogWorld, channelId: string): readonly string[] {
  const seqs = seqsOf(world, channelId)
  const ids = world.tab.messages(channelId).map(({ id }) => id)
  return [
    new Set(ids).size < ids.length && `one twice in ${channelId}`,
    seqs.some((seq, i) => i > 0 && seq <= (seqs[i - 1] ?? 0)) && `out of order: ${seqs.join()}`,
  ].filter((problem) => problem !== false)
}

/** A long absence is not paged through: what no window could show is not asked for. */
function checkAsked({ takeAsked, windowSize, pageSize }: LogWorld): readonly string[] {
  const asked = takeAsked()
  const most = 2 * Math.ceil(windowSize / pageSize) + 12
  return CHANNELS.filter((channelId) => asked.filter((other) => other === channelId).length > most).map((channelId) => `${channelId} is asked for again and again`)
}

interface Run { readonly world: LogWorld; readonly watch: LogWatch; readonly open: Set<string>; user: string }

function send({ world: { tab }, watch }: Run, channelId: string): void {
  const { payload } = tab.dispatch(tab.chat.actions.sendMessage({ channelId, content: 'mine' }))
  watch.composed(payload.id, channelId)
}

/** The server loses all that it has, and others write anew, less than there was: a log that has grown beyond cannot be told from the old one. */
async function beginAnew(run: Run): Promise<void> {
  const { world, watch } = run
  const { tab, env, clock, server, upTo, random, kind } = world
  world.calm()
  await clock.advance(60_000)
  if (random() < 0.7) env.network.cut()
  for (const channelId of CHANNELS) if (random() < 0.5) send(run, channelId)
  watch.lost(false)
  server.restart({ keepLog: false })
  for (const channelId of CHANNELS) world.push(channelId, upTo(valueAt(tab.store.getState().chat?.messages ?? [], channelId)?.cursor ?? 0))
  env.network.restore()
  if (kind === 'anew') await clock.advance(60_000)
}

/** Refused, allowed, and opened again. */
async function forbid({ world, open, watch }: Run, channelId: string): Promise<readonly string[]> {
  const { moods, env, clock, tab } = world
  world.calm()
  moods.forbidden.add(channelId)
  env.network.drop()
  await clock.advance(5_000)
  world.calm()
  open.add(channelId)
  watch.opened(channelId)
  tab.dispatch(tab.chat.actions.openChannel({ channelId }))
  await clock.advance(60_000)
  const { sync } = tab.channel(channelId)
  return world.kind !== 'blind' && sync !== 'idle' ? [`${channelId} was forbidden, and is ${sync} for ever`] : []
}

function changeUser(run: Run): readonly string[] {
  const { world: { tab }, watch } = run
  run.user = run.user === 'alice' ? 'bob' : 'alice'
  watch.lost(true)
  tab.connect(run.user)
  return CHANNELS.filter((channelId) => tab.messages(channelId).length > 0).map((channelId) => `${run.user} finds messages in ${channelId}`)
}

async function act(run: Run): Promise<readonly string[]> {
  const { world, watch, open } = run
  const { tab, env, moods, pick, upTo, random } = world
  const { actions } = tab.chat
  const channelId = pick(CHANNELS)
  const isLong = random() < 0.15
  const step = upTo(30)
  if (step < 6) world.push(channelId, 1 + upTo(isLong ? 30 : 4))
  else if (step < 10) {
    const { payload } = tab.dispatch(actions.sendMessage({ channelId, content: 'mine' }))
    watch.composed(payload.id, channelId)
  } else if (step < 12) {
    open.add(channelId)
    watch.opened(channelId)
    tab.dispatch(actions.openChannel({ channelId }))
  } else if (step < 14) {
    open.delete(channelId)
    tab.dispatch(actions.closeChannel({ channelId }))
  } else if (step < 17) tab.dispatch(actions.loadOlder({ channelId }))
  else if (step < 18) tab.dispatch(actions.loadNewer({ channelId }))
  else if (step < 20) env.network.drop()
  else if (step < 21) env.network.cut()
  else if (step < 22) {
    if (env.network.mode === 'cut' && world.kind === 'small') world.push(channelId, 20 * world.windowSize)
    env.network.restore()
  } else if (step < 23) moods.behind = pick([0, 1, 4])
  else if (step < 24) moods.racing = pick([0, 1, 3])
  else if (step < 25) moods.promises = !moods.promises
  else if (step < 26) moods.untold = !moods.untold
  else if (step < 27) env.network.fault({ direction: 'down', event: 'message:new', action: 'drop', times: 1 })
  else if (step < 28) return forbid(run, channelId)
  else if (step < 29) return isLong ? changeUser(run) : []
  else if (world.kind === 'anew' || world.kind === 'blind') await beginAnew(run)
  return []
}

/** At rest each channel that is open shows the end of its log, nothing is missing in any, and each can be opened. */
async function checkRest({ world, open }: Run): Promise<readonly string[]> {
  const { tab, clock, kind, visible } = world
  const problems: string[] = []
  if (kind === 'blind') return problems
  for (const channelId of CHANNELS) {
    const { sync, gap, hasNewer: isBack } = tab.channel(channelId)
    const isKnown = open.has(channelId) || tab.store.getState().chat?.messages.flat().some(([key]) => key === channelId)
    // Who has scrolled back is told of a gap, and asks for what is newer.
    if (isKnown && (sync !== 'idle' || (gap && !isBack))) problems.push(`${channelId} is ${sync}: ${JSON.stringify(gap)}`)
    const log = visible(channelId)
    for (const isOpened of [false, true]) {
      if (isOpened) {
        tab.dispatch(tab.chat.actions.openChannel({ channelId }))
        await clock.advance(60_000)
      }
      const { hasNewer, hasOlder } = tab.channel(channelId)
      if (!isOpened && (!open.has(channelId) || hasNewer)) continue
      const shown = tab.messages(channelId).map(({ id, status }) => (status === 'pending' ? status : id))
      const wanted = log.map(({ id }) => id)
      if (shown.join() !== wanted.slice(wanted.length - shown.length).join()) problems.push(`${channelId} shows ${seqsOf(world, channelId).join()} of ${log.map(({ seq }) => seq).join()}`)
      if (shown.length < log.length && (!hasOlder || shown.length === 0)) problems.push(`${channelId} shows ${shown.length} of ${log.length}`)
    }
  }
  return problems
}

/** What the server told no place of is asked for, on the same connection. */
async function checkPlaced(run: Run): Promise<readonly string[]> {
  const { world, open } = run
  const { tab, clock, kind, moods } = world
  if (kind === 'blind') return []
  await clock.advance(60_000)
  moods.untold = true
  for (const channelId of open) send(run, channelId)
  await clock.advance(60_000)
  return CHANNELS.filter((channelId) => open.has(channelId) && tab.messages(channelId).some(({ seq, status }) => status !== 'pending' && seq === undefined))
    .map((channelId) => `the place of what is last in ${channelId} is not known`)
}

async function runLogs(index: number): Promise<readonly string[]> {
  const world = createLogWorld(index)
  const run: Run = { world, watch: createLogWatch(world), open: new Set(), user: 'alice' }
  const { env, clock, tab, upTo } = world
  const problems: string[] = []
  const check = (): void => void problems.push(...run.watch.take(), ...checkAsked(world), ...CHANNELS.flatMap((channelId) => checkNow(world, channelId)))
  for (const channelId of CHANNELS) world.push(channelId, upTo(20))
  tab.connect('alice')
  for (let step = 0; step < 70 && problems.length === 0; step++) {
    problems.push(...await act(run))
    await clock.advance(upTo(3) === 0 ? upTo(3_000) : upTo(80))
    check()
  }
  world.calm()
  problems.push(...await checkPlaced(run))
  world.calm()
  env.network.drop()
  await clock.advance(120_000)
  check()
  if (problems.length === 0) problems.push(...await checkRest(run))
  check()
  return problems
}

describe('logs', () => {
  it('G1, G6, G7, G8: whatever a server has, lacks, loses or begins anew, each channel shows its log in the end, and nothing vanishes on the way', async () => {
    for (let run = 0; run < RUNS; run++) expect([run, createLogWorld(run).kind, await runLogs(run)]).toEqual([run, createLogWorld(run).kind, []])
  }, 300_000)
})
