import fc from 'fast-check'
import { problemsOf } from './hostile-checker'
import { countBadMarks, isAcceptable, isAckOf, isMessage, judgeResponse, fieldsOf } from './hostile-oracle'
import { argumentsOf, CHANNELS, responseOf, type Step } from './hostile-steps'
import { createHostileWorld, ME, type Asked } from './hostile-world'

type Sent = { readonly channelId: string; readonly content: string; readonly topic: string }

/** State may hold what was fed to it, and the library's own words about it. */
const ROOM_BYTES = 200_000
const ERROR_QUIET_MS = 1_000

class HostileServerWon extends Error {}

const fail = (what: string, taken: unknown): never => {
  throw new HostileServerWon(`${what}\n  at ${fc.stringify(taken)}`)
}

/** Characters of what was said; what JSON cannot say is not kept either. */
function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0
  } catch {
    return 0
  }
}

/** One store and what a hostile server does to it. After each step everything that must always hold is looked at. */
export function createHostileRun(tally: Map<string, number>) {
  const world = createHostileWorld()
  const { store, env } = world
  const { actions, selectors } = store.chat
  const sent = new Map<string, Sent>()
  /** Ids of mine that the server has named as committed: these may leave the outbox. */
  const released = new Set<string>()
  const drops = { invalid_event: 0, invalid_ack: 0 }
  let fed = 0
  let reads = 0
  let readActions = 0
  const lastError = new Map<string, number>()

  const note = (kind: string): void => void tally.set(kind, (tally.get(kind) ?? 0) + 1)
  const own = (): readonly string[] => [...sent.keys()]

  /** Whatever the server named, it may have. */
  function release(value: unknown): void {
    if (!isMessage(value)) return
    const fields = fieldsOf(value)
    const id = fields?.['id']
    if (typeof id === 'string' && fields?.['userId'] === ME && sent.get(id)?.channelId === fields['channelId']) released.add(id)
  }

  function counted(expected: number | null, act: () => void, taken: unknown): void {
    const before = world.invalid()
    act()
    const dropped = world.invalid() - before
    if (expected === null ? dropped > 1 : dropped !== expected) fail(`${expected ?? 'at most 1'} payloads should have been dropped and counted, ${dropped} were`, taken)
  }

  function hear(taken: Extract<Step, { do: 'event' }>): void {
    const args = argumentsOf(taken, own())
    const told = { event: taken.event, args }
    const accepted = isAcceptable(taken.event, args[0])
    fed += sizeOf(args)
    if (taken.event === 'message:new') release(args[0])
    if (!accepted) drops.invalid_event++
    const heard = store.actions.length
    counted(taken.event === 'app:checked' ? null : accepted ? 0 : 1, () => world.say(taken.event, args), told)
    const isBound = taken.event === 'app:checked' || taken.event === 'app:plain'
    const isApplied = store.actions.slice(heard).some(({ type }) => type.startsWith('app/'))
    note(`${taken.event} ${isBound && !isApplied || !accepted ? 'dropped' : 'accepted'}`)
    look(told)
  }

  /** How many payloads of an answer are to be dropped; null where one at most is. */
  function expectedDrops(asked: Asked, response: unknown, isLate: boolean): number | null {
    const { verdict, data, code } = judgeResponse(response)
    note(`ack ${asked.event} ${verdict}`)
    if (asked.event === 'message:send') return afterSend(asked, verdict, data, code)
    const isPage = asked.event === 'message:sync' || asked.event === 'message:history'
    if (!isPage || isLate || verdict === 'refused') return isLate || verdict !== 'unreadable' ? 0 : null
    if (verdict === 'unreadable' || !Array.isArray(data['messages'])) return null
    const wrong = Array.from<unknown>(data['messages']).filter((raw) => !isMessage(raw) || fieldsOf(raw)?.['channelId'] !== asked.payload['channelId'])
    for (const raw of data['messages']) release(raw)
    return wrong.length + countBadMarks(data['receipts'])
  }

  function afterSend(asked: Asked, verdict: string, data: { readonly [name: string]: unknown }, code: unknown): number {
    const { id } = asked.payload
    if (verdict === 'refused' && code === 'duplicate') released.add(String(id))
    if (verdict !== 'accepted') return verdict === 'unreadable' ? 1 : 0
    if (isAckOf(id, data)) {
      released.add(String(id))
      return 0
    }
    note('ack message:send wrong id')
    return 1
  }

  const answered = new Set<Asked>()

  function answer(taken: Extract<Step, { do: 'ack' }>): number {
    const waiting = taken.pick % 4 === 0 ? world.asked : world.asked.filter((each) => !answered.has(each))
    const kinds = [...new Set(waiting.map(({ event }) => event))]
    const asked = waiting.filter(({ event }) => event === kinds[taken.pick % kinds.length]).at(-1)
    if (!asked) return 0
    const response = responseOf(taken, asked, own())
    fed += sizeOf(response)
    for (let i = 0; i < taken.times; i++) {
      const isSecond = answered.has(asked)
      const isLate = isSecond || asked.connection !== world.connection() || env.clock.monotonic() - (asked.at) >= 10_000
      if (isSecond) note('ack twice')
      if (asked.connection !== world.connection()) note('ack late')
      answered.add(asked)
      const told = { answerTo: asked.event, asked: asked.payload, response }
      const expected = expectedDrops(asked, response, isLate)
      if (asked.event === 'message:send') drops.invalid_ack += expected ?? 0
      counted(expected, () => asked.answer(response), told)
      look(told)
    }
    return taken.times
  }

  function act({ act: what, channel }: Extract<Step, { do: 'act' }>): void {
    const channelId = CHANNELS[channel] ?? 'general'
    if (what === 'send') {
      const draft = { channelId, content: `mine ${sent.size}`, topic: 'kept' }
      sent.set(store.dispatch(actions.sendMessage(draft)).payload.id, draft)
    } else if (what === 'open') store.dispatch(actions.openChannel({ channelId }))
    else if (what === 'close') store.dispatch(actions.closeChannel({ channelId }))
    else if (what === 'read') read(channelId)
    else if (what === 'older') store.dispatch(actions.loadOlder({ channelId }))
    else if (what === 'newer') store.dispatch(actions.loadNewer({ channelId }))
    else store.dispatch(actions.retryAllFailed())
  }

  /** Something is there to be read. */
  function read(channelId: string): void {
    const seq = 100 + ++reads
    world.say('message:new', [{ id: `read-${seq}`, channelId, userId: 'bob', content: 'read me', createdAt: env.clock.now(), seq }])
    store.dispatch(actions.markRead({ channelId }))
  }

  function lookAtMine(taken: unknown): void {
    const { outbox, messages } = store.state()
    for (const [id, draft] of sent) {
      const queued = outbox.channels[`#${draft.channelId}`]?.find((entry) => entry.message.id === id)?.message
      if (!queued && !released.has(id)) fail(`message ${id} of mine is gone, and the server never had it`, taken)
      const shown = queued ?? messages[`#${draft.channelId}`]?.messages.find((each) => each.id === id && each.userId === ME)
      const isWhole = !shown || (shown.content === draft.content && 'topic' in shown && shown.topic === draft.topic && shown.userId === ME)
      if (!isWhole && (queued || !released.has(id))) fail(`message ${id} of mine was changed`, taken)
    }
  }

  /** A flood of bad payloads is one action a second and code, and its count leaves none out. */
  function lookAtErrors(taken: unknown): void {
    for (const action of store.actions.slice(readActions)) {
      const error = action.type === 'chat/errorReported' ? (action['payload'] as { readonly error: { readonly type: string; readonly code: string; readonly at: number; readonly count?: number } }).error : null
      if (error?.type !== 'invalid_payload') continue
      const last = lastError.get(error.code)
      if (last !== undefined && error.at - last < ERROR_QUIET_MS) fail(`error ${error.code} was reported again after ${error.at - last} ms`, taken)
      lastError.set(error.code, error.at)
      if (error.code !== 'invalid_event' && error.code !== 'invalid_ack') continue
      drops[error.code] -= error.count ?? 1
      if (drops[error.code] !== 0) fail(`the reports of ${error.code} differ from the drops by ${drops[error.code]}`, taken)
    }
    readActions = store.actions.length
  }

  function look(taken: unknown): void {
    const [problem] = problemsOf(store.state())
    if (problem) fail(`malformed state: ${problem}`, taken)
    lookAtMine(taken)
    lookAtErrors(taken)
    const root = { chat: store.state() }
    for (const channelId of CHANNELS) {
      selectors.selectMessages(root, channelId)
      selectors.selectChannel(root, channelId)
      selectors.selectUnreadCount(root, channelId)
      selectors.selectReceipts(root, channelId)
    }
  }

  return {
    async start(): Promise<void> {
      await world.connect()
      for (const channel of [0, 1]) {
        act({ do: 'act', act: 'open', channel })
        act({ do: 'act', act: 'send', channel })
      }
    },
    /** How many cases the step was. */
    async take(taken: Step): Promise<number> {
      if (taken.do === 'wait') await env.clock.advance(taken.ms)
      else if (taken.do === 'cut') world.cut({ reason: 'transport_close', message: 'cut' })
      else if (taken.do === 'act') act(taken)
      if (!world.isOpen()) await world.connect()
      if (taken.do === 'ack') return answer(taken)
      if (taken.do === 'event') {
        hear(taken)
        return 1
      }
      look(taken)
      return 0
    },
    /** Characters of the state as JSON, once what is under way has come to rest. */
    async size(): Promise<number> {
      await env.clock.advance(5_000)
      look('at rest')
      return JSON.stringify(store.state()).length
    },
    /** Whatever was under way ends by itself, and the state is no larger than what was said. */
    async finish(): Promise<void> {
      const size = await this.size()
      if (size > ROOM_BYTES + fed * 4) fail(`the state has ${size} bytes after ${fed} were fed`, 'the end')
      store.dispatch(actions.disconnect())
      await env.clock.flush()
      if (env.timers > 0) fail(`${env.timers} timers are left`, 'disconnect')
      look('disconnect')
    },
  }
}
