import { withIndexedDb, withMemory } from '../chat'
import { chatSend } from '../chat-runs'
import { timed } from '../lines'
import { interleave } from '../measure'
import type { Part } from '../part'
import { rawSend } from '../peers'

const CHANNELS = 100
const IN_FLIGHT = 100

export const run: Part = async ({ url, isQuick }) => {
  const count = isQuick ? 2_000 : 4_000
  const ours = (config: Parameters<typeof chatSend>[4]) => () => chatSend(url, count, CHANNELS, IN_FLIGHT, config)
  const found = await interleave(isQuick ? 3 : 7, {
    raw: () => rawSend(url, count, CHANNELS, IN_FLIGHT),
    memory: () => ours(withMemory())(),
    indexedDb: () => ours(withIndexedDb())(),
    off: ours({ storage: false }),
    quiet: ours({ storage: false, userTiming: false }),
  })
  const peer = 'raw emitWithAck, 100 in flight'
  const kind = 'share'
  return [
    timed({ id: 'send.memory', what: 'send end to end, persistence on (memory)', peer, kind, budget: 0.8 }, found.memory, found.raw),
    timed({ id: 'send.indexeddb', what: 'send end to end, persistence on (fake-indexeddb)', peer, kind, budget: 0.8 }, found.indexedDb, found.raw),
    timed({ id: 'send.off', what: 'send end to end, storage off', peer, kind }, found.off, found.raw),
    timed({ id: 'send.quiet', what: 'send end to end, storage and user timing off', peer, kind }, found.quiet, found.raw),
  ]
}
