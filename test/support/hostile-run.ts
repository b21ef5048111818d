import { countBadMarks, fieldsOf, isAcceptable, isAckOf, isMessage, judgeResponse } from './hostile-oracle'
import { argumentsOf, CHANNELS, responseOf, type Step } from './hostile-steps'
import { createBook, createWatch, fail, type Book } from './hostile-watch'
import { createHostileWorld, ME, type Asked, type HostileWorld } from './hostile-world'

/** State may hold what was fed to it, and the library's own words about it. */
const ROOM_BYTES = 200_000
const ACK_TIMEOUT_MS = 10_000

type EventStep = Extract<Step, { do: 'event' }>
type AckStep = Extract<Step, { do: 'ack' }>
type ActStep = Extract<Step, { do: 'act' }>

interface Run {
  readonly world: HostileWorld
  readonly book: Book
  readonly watch: (taken: unknown) => void
  readonly note: (kind: string) => void
  readonly answered: Set<Asked>
}

/** Characters of what was said; what JSON cannot say is not kept either. */
function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0
  } catch {
    return 0
  }
}

/** Whatever the server named, it may have. */
function release({ sent, released }: Book, value: unknown): void {
  if (!isMessage(value)) return
  const { id, userId, channelId } = fieldsOf(value) ?? {}
  if (typeof id === 'string' && userId === ME && sent.get(id)?.channelId === channelId) released.add(id)
}

/** `expected` null: one at most, where nothing outside can tell whether the library still waits for it. `orNone`: likewise, all or none. */
function counted({ world }: Run, expected: number | null, act: () => void, taken: unknown, orNone = false): void {
  const before = world.invalid()
  act()
  const dropped = world.invalid() - before
  if (expected === null ? dropped > 1 : dropped !== expected && !(orNone && dropped === 0)) fail(`${expected ?? 'at most 1'} payloads should have been dropped and counted, ${dropped} were`, taken)
}

function hear(run: Run, taken: EventStep): void {
  const { world, book, note } = run
  const args = argumentsOf(taken, [...book.sent.keys()])
  const told = { event: taken.event, args }
  const accepted = isAcceptable(taken.event, args[0])
  book.fed += sizeOf(args)
  if (taken.event === 'message:new') release(book, args[0])
  if (!accepted) book.drops.invalid_event++
  const before = world.store.actions.length
  counted(run, taken.event === 'app:checked' ? null : accepted ? 0 : 1, () => world.say(taken.event, args), told)
  const isBound = taken.event.startsWith('app:')
  const isApplied = world.store.actions.slice(before).some(({ type }) => type.startsWith('app/'))
  note(`${taken.event} ${!accepted || (isBound && !isApplied) ? 'dropped' : 'accepted'}`)
  run.watch(told)
}

/** How many payloads of an answer are to be dropped. */
function expectedDrops(run: Run, asked: Asked, response: unknown, isLate: boolean): number | null {
  const { verdict, data } = judgeResponse(response)
  run.note(`ack ${asked.event} ${verdict}`)
  if (asked.event === 'message:send') return afterSend(run, asked, response)
  const isPage = asked.event === 'message:sync' || asked.event === 'message:history'
  if (asked.event === 'message:delivered' || asked.event === 'message:read') return verdict === 'unreadable' ? null : 0
  if (isLate || verdict === 'refused') return 0
  if (asked.event === 'auth:refresh' && verdict === 'unreadable') run.book.drops.invalid_ack++
  if (verdict === 'unreadable') return 1
  if (!isPage) return 0
  if (!Array.isArray(data['messages'])) return 1
  const wrong = Array.from<unknown>(data['messages']).filter((raw) => !isMessage(raw) || fieldsOf(raw)?.['channelId'] !== asked.payload['channelId'])
  for (const raw of data['messages']) release(run.book, raw)
  return wrong.length + countBadMarks(data['receipts'])
}

function afterSend({ book, note }: Run, asked: Asked, response: unknown): number {
  const { verdict, data, code } = judgeResponse(response)
  const id = String(asked.payload['id'])
  const isOther = verdict === 'accepted' && !isAckOf(id, data)
  if (isOther) note('ack message:send wrong id')
  else if (verdict === 'accepted' || code === 'duplicate') book.released.add(id)
  const dropped = isOther || verdict === 'unreadable' ? 1 : 0
  book.drops.invalid_ack += dropped
  return dropped
}

/** Answers a question, mostly one that waits; sometimes twice, or one of an earlier connection. */
function answer(run: Run, taken: AckStep): number {
  const { world, book, answered, note } = run
  const waiting = taken.pick % 4 === 0 ? world.asked : world.asked.filter((each) => !answered.has(each))
  const kinds = [...new Set(waiting.map(({ event }) => event))]
  const asked = waiting.filter(({ event }) => event === kinds[taken.pick % kinds.length]).at(-1)
  if (!asked) return 0
  const response = responseOf(taken, asked, [...book.sent.keys()])
  book.fed += sizeOf(response)
  for (let i = 0; i < taken.times; i++) {
    const isOld = asked.connection !== world.connection()
    if (isOld) note('ack late')
    if (answered.has(asked)) note('ack twice')
    const isOver = isOld || answered.has(asked)
    const isPage = asked.event === 'message:sync' || asked.event === 'message:history'
    const isLate = world.env.clock.monotonic() - asked.at >= ACK_TIMEOUT_MS
    answered.add(asked)
    const told = { answerTo: asked.event, asked: asked.payload, response }
    // A page that was asked for again is given longer.
    counted(run, expectedDrops(run, asked, response, isOver || isLate && !isPage), () => asked.answer(response), told, isLate && isPage)
    run.watch(told)
  }
  return taken.times
}

/** What the user does meanwhile, so that there is something to answer. */
function act({ world, book }: Run, { act: what, channel }: ActStep): void {
  const { dispatch, chat: { actions } } = world.store
  const channelId = CHANNELS[channel] ?? 'general'
  if (what === 'send') {
    const draft = { channelId, content: `mine ${book.sent.size}`, topic: 'kept' }
    book.sent.set(dispatch(actions.sendMessage(draft)).payload.id, draft)
  } else if (what === 'open') dispatch(actions.openChannel({ channelId }))
  else if (what === 'close') dispatch(actions.closeChannel({ channelId }))
  else if (what === 'older') dispatch(actions.loadOlder({ channelId }))
  else if (what === 'newer') dispatch(actions.loadNewer({ channelId }))
  else if (what === 'retry') dispatch(actions.retryAllFailed())
  else {
    const seq = 100 + world.store.actions.length
    world.say('message:new', [{ id: `read-${seq}`, channelId, userId: 'bob', content: 'read me', createdAt: world.env.clock.now(), seq }])
    dispatch(actions.markRead({ channelId }))
  }
}

/** One store and what a hostile server does to it. After each step everything that must always hold is looked at. */
export function createHostileRun(tally: Map<string, number>) {
  const world = createHostileWorld()
  const book = createBook()
  const watch = createWatch(world, book)
  const note = (kind: string): void => void tally.set(kind, (tally.get(kind) ?? 0) + 1)
  const run: Run = { world, book, watch, note, answered: new Set() }
  const { env, store } = world

  return {
    async start(): Promise<void> {
      await world.connect()
      for (const channel of [0, 1]) {
        act(run, { do: 'act', act: 'open', channel })
        act(run, { do: 'act', act: 'send', channel })
      }
    },
    /** How many payloads the step was. */
    async take(taken: Step): Promise<number> {
      if (taken.do === 'wait') await env.clock.advance(taken.ms)
      else if (taken.do === 'cut') world.cut({ reason: 'transport_close', message: 'cut' })
      else if (taken.do === 'act') act(run, taken)
      if (!world.isOpen()) await world.connect()
      if (taken.do === 'ack') return answer(run, taken)
      if (taken.do === 'event') hear(run, taken)
      else watch(taken)
      return taken.do === 'event' ? 1 : 0
    },
    /** Characters of the state as JSON, once what is under way has come to rest. */
    async size(): Promise<number> {
      await env.clock.advance(5_000)
      watch('at rest')
      return JSON.stringify(store.state()).length
    },
    /** The state is no larger than what was said, and a disconnect leaves nothing. */
    async finish(): Promise<void> {
      const size = await this.size()
      if (size > ROOM_BYTES + book.fed * 4) fail(`the state has ${size} bytes after ${book.fed} were fed`, 'the end')
      store.dispatch(store.chat.actions.disconnect())
      await env.clock.flush()
      if (env.timers > 0) fail(`${env.timers} timers are left`, 'disconnect')
      watch('disconnect')
    },
  }
}
