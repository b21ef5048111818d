import type { Transport } from '../../../src/index'
import { CONTENT, openChat, series } from '../chat'
import { counted } from '../lines'
import { turn } from '../measure'
import type { Part } from '../part'
import { chatHolder, entityAdapter, streamChat, type Holder } from '../peers'

/*
 * Bytes allocated per step. A count and not a time: a busy machine does not change it. The process has a young generation that a round fits
 * into, so that between two readings nothing is collected and what the heap has more is what was allocated.
 */

const BEFORE = 1_000
const BATCH = 100
/** Allocations fall until the hot path is compiled (hence the many warm-ups: a busy machine compiles late); after that they hardly vary. */
const ROUNDS = 31

/** What is allocated while a task runs, per message of its batch. */
async function allocated(task: () => Promise<void> | void): Promise<number> {
  const before = process.memoryUsage().heapUsed
  await task()
  const bytes = process.memoryUsage().heapUsed - before
  return bytes / BATCH
}

/** The lower quartile: some rounds have more because something was compiled, or a table grew, in the middle of them. */
function checked(found: readonly number[]): number {
  if (found.some((bytes) => bytes <= 0)) throw new Error('unable to count allocations: something was collected in between')
  return [...found].sort((a, b) => a - b)[Math.floor(found.length / 4)] ?? Number.NaN
}

const runAll = (calls: readonly (() => void)[]): void => { for (const call of calls) call() }

/** One live message after the other for something that holds a thousand; peers, which evict nothing, begin anew each round. */
async function live(create: () => Holder, isEvicting: boolean, warmUps: number): Promise<number> {
  const fresh = (): { holder: Holder; next: number } => {
    const holder = create()
    if (!isEvicting) holder.load(series(0, BEFORE))
    return { holder, next: BEFORE }
  }
  let held = fresh()
  const found: number[] = []
  for (let round = -warmUps; round < ROUNDS; round++) {
    if (!isEvicting) held = fresh()
    const calls = held.holder.each(series(held.next, BATCH))
    held.next += BATCH
    if (round >= 0) globalThis.gc?.()
    const bytes = await allocated(() => runAll(calls))
    if (round >= 0) found.push(bytes)
  }
  return checked(found)
}

/** A link that opens at once, takes everything and answers when it is told to. */
function held() {
  const waiting: (() => void)[] = []
  const seqs = new Map<string, number>()
  const answer = (payload: unknown, onAck: (response: unknown) => void) => (): void => {
    const { id, channelId, createdAt } = payload as { id: string; channelId: string; createdAt: number }
    const seq = (seqs.get(channelId) ?? 0) + 1
    seqs.set(channelId, seq)
    onAck({ success: true, data: { id, seq, createdAt } })
  }
  const transport: Transport = {
    open(_, handlers) {
      queueMicrotask(() => {
        handlers.onOpen()
        handlers.onEvent('session', [{ capabilities: ['ordered'] }])
      })
      return {
        emit: (event, [payload], onAck) => { if (event === 'message:send' && onAck) waiting.push(answer(payload, onAck)) },
        close: () => undefined,
      }
    },
  }
  return { transport, waiting }
}

/** From the dispatch to the emit, and from the ack to `sent`; storage off. */
async function sends(warmUps: number): Promise<{ readonly send: number; readonly ack: number }> {
  const { transport, waiting } = held()
  const { chat, store } = openChat({ storage: false, history: { windowSize: BATCH }, environment: { transport } })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  while (chat.selectors.selectConnection(store.getState()).status !== 'connected') await turn()
  const [send, ack]: [number[], number[]] = [[], []]
  for (let round = -warmUps; round < ROUNDS; round++) {
    if (round >= 0) globalThis.gc?.()
    const sending = await allocated(async () => {
      for (let i = 0; i < BATCH; i++) store.dispatch(chat.actions.sendMessage({ channelId: `channel-${i % 10}`, content: CONTENT }))
      while (waiting.length < BATCH) await turn()
    })
    const answers = waiting.splice(0)
    const acking = await allocated(async () => {
      runAll(answers)
      await turn()
    })
    if (round >= 0) send.push(sending)
    if (round >= 0) ack.push(acking)
  }
  return { send: checked(send), ack: checked(ack) }
}

export const run: Part = async () => {
  const ours = await live(() => chatHolder(BEFORE, BEFORE), true, 1_000)
  // Its figure is there at once.
  const adapter = await live(() => entityAdapter(false), false, 15)
  const stream = await live(streamChat, false, 100)
  const { send, ack } = await sends(150)
  const what = 'allocated per live message, with 1,000 before'
  return [
    counted({ id: 'steps.live.unsorted', what, peer: 'RTK entity adapter, unsorted', kind: 'faster' }, 'B', ours, adapter),
    counted({ id: 'steps.live.stream', what, peer: 'stream-chat channel state', kind: 'faster' }, 'B', ours, stream),
    counted({ id: 'steps.send', what: 'allocated per send: dispatch to emit, storage off', peer: '', kind: 'cost' }, 'B', send, null),
    counted({ id: 'steps.ack', what: 'allocated per ack: answer to sent, storage off', peer: '', kind: 'cost' }, 'B', ack, null),
  ]
}
