import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import type { SocketConfig } from '../../../src/index'
import { createIndexedDbStorage } from '../../../src/persistence/indexed-db'
import { withMemory } from '../chat'
import { chatSend } from '../chat-runs'
import { timed } from '../lines'
import { interleave } from '../measure'
import type { Part } from '../part'
import { rawSend } from '../raw-runs'

const CHANNELS = 100
const IN_FLIGHT = 100

/** All of it runs in this process: what a browser gives to another one is counted as ours. `chromium` has the real one. */
const withIndexedDb = (): Partial<SocketConfig> => {
  const factory = new IDBFactory()
  return { environment: { storage: (name) => createIndexedDbStorage({ name, factory }) } }
}

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
