import type { Line } from './lines'

/*
 * What a change may not cost. Ratios to what ran beside it, and counts; no times, which are the machine's. A floor is no budget: it lies
 * where noise does not reach, so that falling through it means that the code is slower and not that the machine was busy.
 */

interface Floor {
  /** As measured with `--quick` when the floor was set, on a busy machine. */
  readonly measured: number
  /** A ratio, or the figure itself where there is nothing to compare with: not less than, or not more than. */
  readonly least?: number
  readonly most?: number
}

export const FLOORS: Readonly<Record<string, Floor>> = {
  'ingest.stream.total': { measured: 23, least: 7 },
  'ingest.sorted.total': { measured: 759, least: 250 },
  'ingest.unsorted.total': { measured: 598, least: 200 },
  'ingest.mattermost.total': { measured: 663, least: 200 },
  'ingest.burst.stream': { measured: 127, least: 30 },
  'ingest.burst.sorted': { measured: 118, least: 30 },
  'ingest.one.100k': { measured: 0.92, most: 2.5 },
  'ingest.burst.100k': { measured: 1.1, most: 3 },
  'channels.100': { measured: 1.1, most: 4 },
  'channels.1000': { measured: 1.5, most: 5 },
  'late.swapped.sorted': { measured: 40, least: 12 },
  'late.late.sorted': { measured: 87, least: 25 },
  'send.memory': { measured: 0.148, least: 0.06 },
  'send.indexeddb': { measured: 0.198, least: 0.07 },
  'send.off': { measured: 0.231, least: 0.09 },
  'receive.one': { measured: 0.58, least: 0.2 },
  'receive.many': { measured: 0.5, least: 0.15 },
  'drain.ordered': { measured: 0.34, least: 0.12 },
  'drain.off': { measured: 0.38, least: 0.12 },
  'receipts': { measured: 1.2, most: 8 },
  'enqueue.flat': { measured: 1, most: 4 },
  'enqueue.persist': { measured: 17.1, least: 5 },
  'bytes.records.total': { measured: 2.48, most: 2.55 },
  'bytes.records.many': { measured: 2.48, most: 2.55 },
  'bytes.texts.total': { measured: 2.48, most: 2.55 },
  'bytes.texts.many': { measured: 2.5, most: 2.6 },
  'bytes.records.persist': { measured: 1_434, least: 1_200 },
  'bytes.texts.persist': { measured: 1_445, least: 1_200 },
  'rehydrate.records': { measured: 22.3, most: 70 },
  'rehydrate.texts': { measured: 26.3, most: 80 },
  'unrelated': { measured: 1.83, most: 4 },
  'steps.live.unsorted': { measured: 237, least: 210 },
  'steps.live.stream': { measured: 13.1, least: 11.7 },
  'steps.send': { measured: 6_335, most: 7_100 },
  'steps.ack': { measured: 3_865, most: 4_400 },
  'heap.loaded.adapter': { measured: 1, most: 1.15 },
  'heap.loaded.stream': { measured: 0.46, most: 0.55 },
  'heap.shown.adapter': { measured: 3.2, most: 3.7 },
  'size.core': { measured: 4.11, most: 4.13 },
  'size.react': { measured: 0.932, most: 1 },
  'size.bare': { measured: 2.49, most: 2.53 },
}

const valueOf = ({ ratio, ours }: Line): number => ratio ?? ours

const isWithin = (value: number, { least = -Infinity, most = Infinity }: Floor): boolean => value >= least && value <= most

function complaint(id: string, floor: Floor, value: number): string {
  const limit = floor.least === undefined ? `more than ${floor.most}` : `less than ${floor.least}`
  return `${id}: ${value.toPrecision(3)} is ${limit} (it was ${floor.measured} when the floor was set)`
}

/** Names each line that fell through its floor and, when all parts were asked for, each floor whose line is gone. Gives the exit code. */
export function check(lines: readonly Line[], isAll: boolean): 0 | 1 {
  const found = new Map(lines.map((line) => [line.id, valueOf(line)]))
  const complaints = Object.entries(FLOORS).flatMap(([id, floor]) => {
    const value = found.get(id)
    if (value === undefined) return isAll ? [`${id}: it has a floor and was not measured`] : []
    return isWithin(value, floor) ? [] : [complaint(id, floor, value)]
  })
  const checked = Object.keys(FLOORS).filter((id) => found.has(id)).length
  for (const text of complaints) process.stdout.write(`GUARD ${text}\n`)
  process.stdout.write(`guard: ${checked} lines looked at, ${complaints.length === 0 ? 'none' : complaints.length} failed\n`)
  return complaints.length === 0 ? 0 : 1
}
