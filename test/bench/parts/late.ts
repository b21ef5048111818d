import { message, type Item } from '../chat'
import { computed, type Line } from '../lines'
import { interleave, timeCalls, type Side } from '../measure'
import type { Part } from '../part'
import { chatHolder, entityAdapter, mattermost, streamChat, type Holder } from '../peers'

const WINDOW = 1_000
const DELAY = 100

type Order = (from: number, count: number) => readonly Item[]

/** Every second message overtakes its neighbour. */
const swapped: Order = (from, count) => Array.from({ length: count }, (_, k) => message(from + (k ^ 1)))

/** Every tenth message comes a hundred places late: into the middle of the window. */
function late(from: number, count: number): readonly Item[] {
  const places = Array.from({ length: count }, (_, k) => ({ k, at: k % 10 === 0 ? Math.min(k + DELAY, count) - 0.5 : k }))
  return places.sort((a, b) => a.at - b.at).map(({ k }) => message(from + k))
}

function side(create: () => Holder, order: Order, count: number): Side {
  const holder = create()
  let next = WINDOW
  return () => {
    const calls = holder.each(order(next, count))
    next += count
    return timeCalls(calls)
  }
}

/** A channel as the peer has it after a page of a thousand; it goes on growing, as they all do but ours. */
function filled(create: () => Holder): () => Holder {
  return () => {
    const holder = create()
    holder.load(Array.from({ length: WINDOW }, (_, i) => message(i)))
    return holder
  }
}

async function compare(id: string, what: string, order: Order, isQuick: boolean): Promise<readonly Line[]> {
  const count = isQuick ? 200 : 400
  const ours = () => chatHolder(WINDOW, WINDOW)
  const found = await interleave(isQuick ? 3 : 5, {
    ours: side(ours, order, count),
    inOrder: side(ours, (from, length) => Array.from({ length }, (_, k) => message(from + k)), count),
    stream: side(filled(streamChat), order, count),
    sorted: side(filled(() => entityAdapter(true)), order, count),
    mattermost: side(filled(mattermost), order, count),
  })
  const against = (peer: string, name: 'stream' | 'sorted' | 'mattermost'): Line =>
    computed({ id: `late.${id}.${name}`, what, peer, kind: 'faster' }, found.ours, found[name])
  return [
    computed({ id: `late.${id}`, what, peer: 'ours in order', kind: 'cost' }, found.ours, found.inOrder),
    against('stream-chat channel state', 'stream'), against('RTK entity adapter, sorted', 'sorted'), against('mattermost-redux posts', 'mattermost'),
  ]
}

export const run: Part = async ({ isQuick }) => [
  ...await compare('swapped', 'every second message early, full window', swapped, isQuick),
  ...await compare('late', `every tenth message ${DELAY} late, full window`, late, isQuick),
]
