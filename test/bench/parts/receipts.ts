import { loaded } from '../chat'
import { computed } from '../lines'
import { interleave, timeCalls, type Side } from '../measure'
import type { Part } from '../part'

const READERS = 10
/** Of each reader: a hundred fit into the small window, so that each is news in both. */
const RECEIPTS = 100

/** Read receipts that rise through the window. Each round begins anew. */
function receipts(messages: number): Side {
  return () => {
    const { store } = loaded(messages, messages)
    const actions = Array.from({ length: RECEIPTS * READERS }, (_, i) => ({
      type: 'chat/receiptsReceived',
      payload: { receipts: [{ kind: 'read', channelId: 'general', userId: `reader-${i % READERS}`, seq: (messages / RECEIPTS) * (Math.floor(i / READERS) + 1) }] },
    }))
    // What loading has left behind is not what a receipt costs.
    globalThis.gc?.()
    return timeCalls(actions.map((action) => () => void store.dispatch(action)))
  }
}

/** What a UI does with it: the row that it looks at has its new status. One message is read, whatever is loaded. */
export const run: Part = async ({ isQuick }) => {
  const found = await interleave(isQuick ? 3 : 5, { small: receipts(100), large: receipts(100_000) })
  return [computed({ id: 'receipts', what: 'read receipt over 100,000 messages', peer: 'ours over 100', kind: 'cost', budget: 2 }, found.large, found.small)]
}
