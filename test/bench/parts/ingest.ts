import { series } from '../chat'
import { computed, type Line } from '../lines'
import { interleave, middle, timeCalls, type Sample, type Side } from '../measure'
import type { Part } from '../part'
import { chatHolder, entityAdapter, mattermost, oneByOne, streamChat, type Holder } from '../peers'

const BURST = 100
const RECEIVED = { '1k': 1_000, '10k': 10_000, '50k': 50_000, '100k': 100_000, '1M': 1_000_000 } as const
const QUICK_RECEIVED = { '1k': 1_000, '10k': 10_000, '100k': 100_000 } as const

/** How many one by one, and where the peers' curve is measured: a peer that copies all it holds takes half a minute to be filled with 50,000. */
interface Size { readonly live: number; readonly stops: readonly number[] }
const FULL: Size = { live: 50_000, stops: [1, 1_000, 5_000, 10_000, 25_000, 50_000] }
const QUICK: Size = { live: 10_000, stops: [1, 1_000, 5_000, 10_000] }

function byBursts(holder: Holder, before: number, count: number): () => Sample {
  let next = before
  return () => {
    const bursts = Array.from({ length: count / BURST }, (_, i) => holder.burst(series(next + i * BURST, BURST)))
    next += count
    const { wall, cpu } = timeCalls(bursts)
    return { wall: wall / BURST, cpu: cpu / BURST }
  }
}

/**
 * A channel that has been here for a while, as one with 1M received always has: what has moved to the old generation of V8's heap costs a burst
 * a third more than what was just made, however much was received.
 */
function aged(before: number): Holder {
  const holder = chatHolder(before, 1_000)
  globalThis.gc?.()
  globalThis.gc?.()
  return holder
}

/** Ours after 1k to 1M received: the window is bounded, so the cost must not move. */
async function flatness(isQuick: boolean): Promise<Line[]> {
  const COUNT = 5_000
  const all: Readonly<Record<string, number>> = isQuick ? QUICK_RECEIVED : RECEIVED
  const sides: { [name: string]: Side } = {}
  for (const [name, before] of Object.entries(all)) {
    // Those that are cheap to fill begin anew each round, so that 1k stays 1k.
    const big = before > 10_000 ? aged(before) : null
    const single = big && oneByOne(big, before, COUNT)
    sides[`one ${name}`] = () => (single ?? oneByOne(aged(before), before, COUNT))()
    const burst = big && byBursts(aged(before), before, COUNT * 5)
    sides[`burst ${name}`] = () => (burst ?? byBursts(aged(before), before, COUNT * 5))()
  }
  const found = await interleave(isQuick ? 7 : 15, sides, 3)
  const lineOf = (how: 'one' | 'burst', name: string): Line => computed({
    id: `ingest.${how}.${name}`, kind: 'cost', peer: 'ours after 1k', budget: 1.25,
    what: `live ${how === 'one' ? 'one by one' : `in bursts of ${BURST}`}, after ${name} received`,
  }, found[`${how} ${name}`] ?? [], found[`${how} 1k`] ?? [])
  const names = Object.keys(all).slice(1)
  return [...names.map((name) => lineOf('one', name)), ...names.map((name) => lineOf('burst', name))]
}

interface Peer { readonly id: string; readonly name: string; readonly create: () => Holder; readonly budget?: number }

const PEERS: readonly Peer[] = [
  { id: 'stream', name: 'stream-chat channel state', create: streamChat, budget: 500 },
  { id: 'sorted', name: 'RTK entity adapter, sorted', create: () => entityAdapter(true), budget: 1_000 },
  { id: 'unsorted', name: 'RTK entity adapter, unsorted', create: () => entityAdapter(false) },
  { id: 'mattermost', name: 'mattermost-redux posts', create: mattermost },
]

/** What one more message costs a peer that holds so many. The load itself is not measured. */
function marginal(create: () => Holder, before: number, count: number): Sample[] {
  const holder = create()
  holder.load(series(0, before))
  const step = oneByOne(holder, before, count)
  step()
  const samples = [step(), step(), step()]
  if (holder.size() !== before + count * 4) throw new Error(`unable to compare: the peer holds ${holder.size()} of ${before + count * 4} messages`)
  return samples
}

/** The area under the measured curve: what all of them cost one by one, in microseconds. */
const area = (stops: readonly number[], costs: readonly number[]): number => stops.slice(1).reduce((sum, stop, i) =>
  sum + (stop - (stops[i] ?? 0)) * ((costs[i] ?? 0) + (costs[i + 1] ?? 0)) / 2, 0)

/** All of them in one go. */
function whole(holder: Holder, live: number): Sample {
  const { wall, cpu } = timeCalls(holder.each(series(0, live)))
  return { wall: wall * live, cpu: cpu * live }
}

function against({ id, name, create, budget }: Peer, ours: readonly Sample[], size: Size): Line[] {
  const { live, stops } = size
  const curve = stops.map((before) => marginal(create, before, 15))
  const at = (before: number): readonly Sample[] => curve[stops.indexOf(before)] ?? []
  const totalBy = (clock: 'wall' | 'cpu'): number => area(stops, curve.map((samples) => middle(samples)[clock]))
  const perMessage = ours.map(({ wall, cpu }) => ({ wall: wall / live, cpu: cpu / live }))
  const atStops = [1_000, 10_000, 50_000].filter((before) => stops.includes(before)).map((before) => computed(
    { id: `ingest.${id}.${before}`, what: `live, one by one, with ${before.toLocaleString('en')} before`, peer: name, kind: 'faster' }, perMessage, at(before)))
  const sum = computed({
    id: `ingest.${id}.total`, what: `${live.toLocaleString('en')} live messages one by one, in all`, kind: 'faster',
    // The budget is for 50,000.
    ...(budget !== undefined && size === FULL && { budget }),
    peer: `${name} (extrapolated: area under its measured curve)`,
  }, ours, [{ wall: totalBy('wall'), cpu: totalBy('cpu') }])
  return [sum, ...atStops]
}

/** stream-chat's 50,000 without any extrapolation: a minute or more. */
const streamWhole = (ours: readonly Sample[]): Line => computed({
  id: 'ingest.stream.whole', what: '50,000 live messages one by one, in all', kind: 'faster', budget: 500, peer: 'stream-chat channel state, all 50,000 run',
}, ours, [whole(streamChat(), FULL.live)])

/** Like for like with peers that evict nothing: everything in the window. */
async function wide(isQuick: boolean): Promise<Line[]> {
  const COUNT = isQuick ? 40 : 100
  const [ours, stream] = [oneByOne(chatHolder(10_000, 100_000), 10_000, COUNT), oneByOne(filled(streamChat(), 10_000), 10_000, COUNT)]
  const found = await interleave(isQuick ? 3 : 7, { ours, stream })
  return [computed({ id: 'ingest.wide', what: 'live, one by one, 10k all kept (windowSize 100k)', peer: 'stream-chat channel state', kind: 'faster' }, found.ours, found.stream)]
}

function filled(holder: Holder, count: number): Holder {
  holder.load(series(0, count))
  return holder
}

async function bursts(isQuick: boolean): Promise<Line[]> {
  const COUNT = BURST * 2
  const found = await interleave(isQuick ? 3 : 7, {
    ours: byBursts(chatHolder(10_000, 1_000), 10_000, COUNT),
    stream: byBursts(filled(streamChat(), 10_000), 10_000, COUNT),
    sorted: byBursts(filled(entityAdapter(true), 10_000), 10_000, COUNT),
  })
  const what = `live in bursts of ${BURST}, with 10,000 before`
  return [
    computed({ id: 'ingest.burst.stream', what, peer: 'stream-chat channel state', kind: 'faster' }, found.ours, found.stream),
    computed({ id: 'ingest.burst.sorted', what, peer: 'RTK entity adapter, sorted', kind: 'faster' }, found.ours, found.sorted),
  ]
}

export const run: Part = async ({ isQuick }) => {
  const size = isQuick ? QUICK : FULL
  const once = (): Sample => whole(chatHolder(0, 1_000), size.live)
  once()
  const ours = Array.from({ length: 7 }, once)
  const lines = PEERS.flatMap((peer) => against(peer, ours, size))
  return [...lines, ...(isQuick ? [] : [streamWhole(ours)]), ...await bursts(isQuick), ...await wide(isQuick), ...await flatness(isQuick)]
}
