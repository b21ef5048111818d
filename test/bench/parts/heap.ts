import { loaded, message, type Item } from '../chat'
import { counted, type Line } from '../lines'
import { median } from '../measure'
import type { Part } from '../part'
import { entityAdapter, mattermost, streamChat, type Holder } from '../peers'

const COUNT = 10_000

const settle = (): number => {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** As a socket gives them: every string its own. */
const parsed = (from: number, count: number): Item[] => JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => message(from + i)))) as Item[]

/** Bytes of heap per message once all are in and what brought them is gone. `look` reads as a UI reads. */
function bytes<T>(create: () => T, fill: (made: T) => void, look: (made: T) => unknown = () => null): number {
  const made = create()
  const before = settle()
  fill(made)
  const seen = look(made)
  const after = settle()
  // Alive until here, both of them.
  if (seen === made) throw new Error('never')
  return (after - before) / COUNT
}

function fill(holder: Holder): void {
  const BURST = 500
  for (let from = 0; from < COUNT; from += BURST) holder.load(parsed(from, BURST))
}

export const run: Part = async ({ isQuick }) => {
  const middleOf = (measure: () => number): number => median(Array.from({ length: isQuick ? 1 : 3 }, measure))
  // With one message: what is kept beside the newest window is this one's, and not an earlier round's.
  const empty = () => loaded(1, COUNT)
  const fillOurs = ({ store }: ReturnType<typeof empty>): void => {
    for (let from = 0; from < COUNT; from += 500) store.dispatch({ type: 'chat/messagesReceived', payload: { messages: parsed(from, 500) } })
  }
  const ours = middleOf(() => bytes(empty, fillOurs))
  const shown = middleOf(() => bytes(empty, fillOurs, ({ chat, store }) => chat.selectors.selectMessages(store.getState(), 'general')))
  const peers: readonly (readonly [string, string, number])[] = [
    ['adapter', 'RTK entity adapter', middleOf(() => bytes(() => entityAdapter(false), fill))],
    ['stream', 'stream-chat channel state', middleOf(() => bytes(streamChat, fill))],
    ['mattermost', 'mattermost-redux posts', middleOf(() => bytes(mattermost, fill))],
  ]
  const line = (id: string, what: string, bytesOfOurs: number) => ([name, peer, theirs]: readonly [string, string, number]): Line =>
    counted({ id: `heap.${id}.${name}`, what, peer, kind: 'cost' }, 'B', bytesOfOurs, theirs)
  return [
    ...peers.map(line('loaded', 'heap per loaded message (10k in the window)', ours)),
    ...peers.slice(0, 1).map(line('shown', 'heap per loaded message, once selectMessages has shown it', shown)),
  ]
}
