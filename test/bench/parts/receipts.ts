import { loaded } from '../chat'
import { computed } from '../lines'
import { interleave, timeCalls, type Side } from '../measure'
import type { Part } from '../part'

const RECEIPTS = 1_000

/** Read receipts that rise through the window. Each begins anew, so that each of them is news. */
function receipts(messages: number): Side {
  return () => {
    const { store } = loaded(messages, messages)
    const actions = Array.from({ length: RECEIPTS }, (_, i) => ({
      type: 'chat/receiptsReceived',
      payload: { receipts: [{ kind: 'read', channelId: 'general', userId: 'carol', seq: Math.max(1, Math.ceil((messages * (i + 1)) / RECEIPTS)) }] },
    }))
    return timeCalls(actions.map((action) => () => void store.dispatch(action)))
  }
}

/** What a UI does with it: the row that it looks at has its new status. One message is read, whatever is loaded. */
export const run: Part = async ({ isQuick }) => {
  const found = await interleave(isQuick ? 3 : 5, { small: receipts(100), large: receipts(100_000) })
  return [computed({ id: 'receipts', what: 'read receipt over 100,000 messages', peer: 'ours over 100', kind: 'cost', budget: 2 }, found.large, found.small)]
}
