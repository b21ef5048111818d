import { withMemory } from '../chat'
import { chatDrain } from '../chat-runs'
import { timed } from '../lines'
import { interleave } from '../measure'
import type { Part } from '../part'
import { rawSend } from '../raw-runs'

const PIPELINED = 32

export const run: Part = async ({ url, isQuick }) => {
  const backlog = isQuick ? 3_000 : 10_000
  const plain = `${url}/plain`
  const found = await interleave(isQuick ? 1 : 3, {
    raw: () => rawSend(url, backlog, 1, PIPELINED),
    ordered: () => chatDrain(url, backlog, withMemory()),
    orderedOff: () => chatDrain(url, backlog, { storage: false }),
    rawOne: () => rawSend(plain, backlog, 1, 1),
    one: () => chatDrain(plain, backlog, withMemory()),
  }, isQuick ? 0 : 1)
  const what = `drain of ${backlog.toLocaleString('en')} in one channel`
  const [peer, kind] = ['raw emitWithAck, 32 in flight', 'share'] as const
  return [
    timed({ id: 'drain.ordered', what: `${what}, ordered, persistence on (memory)`, peer, kind, budget: 0.8 }, found.ordered, found.raw),
    timed({ id: 'drain.off', what: `${what}, ordered, storage off`, peer, kind }, found.orderedOff, found.raw),
    timed({ id: 'drain.plain', what: `${what}, not ordered (1 in flight)`, peer: 'raw emitWithAck, one by one', kind }, found.one, found.rawOne),
  ]
}
