import { median, middle, type Sample } from './measure'

/**
 * What the ratio means. `share`: our rate over the peer's; `faster`: how many times cheaper than the peer; `cost`: our cost over the
 * peer's. The first two are better when higher, the last when lower.
 */
export type Kind = 'share' | 'faster' | 'cost'

/** What a line is judged by: real elapsed time, this process's CPU time, or something counted. */
export type Clock = 'wall' | 'cpu' | 'count'

/** One line of the table. `ratio` is the median of the rounds' own ratios, `spread` their least and greatest. */
export interface Line {
  readonly id: string
  readonly what: string
  readonly peer: string
  readonly kind: Kind
  readonly unit: string
  readonly by: Clock
  readonly ours: number
  readonly theirs: number | null
  readonly ratio: number | null
  readonly spread: readonly [number, number] | null
  /** The ratio by the clock that the line is not judged by. */
  readonly other: number | null
  readonly budget: number | null
  readonly met: boolean | null
}

interface Named {
  readonly id: string
  readonly what: string
  readonly peer: string
  readonly kind: Kind
  readonly budget?: number
}

export const meets = (kind: Kind, ratio: number, budget: number): boolean => (kind === 'cost' ? ratio <= budget : ratio >= budget)

const ratiosOf = (kind: Kind, ours: readonly number[], theirs: readonly number[]): number[] =>
  ours.flatMap((value, i) => {
    const other = theirs[i] ?? theirs.at(-1)
    return other === undefined ? [] : [kind === 'cost' ? value / other : other / value]
  })

function rounds({ budget, ...named }: Named, by: 'wall' | 'cpu', ours: readonly Sample[], theirs: readonly Sample[]): Line {
  const { kind } = named
  const ratiosBy = (clock: 'wall' | 'cpu') => ratiosOf(kind, ours.map((sample) => sample[clock]), theirs.map((sample) => sample[clock]))
  const shown = (sample: Sample): number => (kind === 'share' ? 1_000_000 / sample[by] : sample[by])
  const ratios = ratiosBy(by)
  const ratio = median(ratios)
  return {
    ...named, by, unit: kind === 'share' ? '/s' : 'us', ours: shown(middle(ours)), theirs: shown(middle(theirs)),
    ratio, spread: [Math.min(...ratios), Math.max(...ratios)], other: median(ratiosBy(by === 'wall' ? 'cpu' : 'wall')),
    budget: budget ?? null, met: budget === undefined ? null : meets(kind, ratio, budget),
  }
}

/** Rounds of two sides that took turns and wait for others: judged by elapsed time. Rates (`share`) are per second, costs in microseconds. */
export const timed = (named: Named, ours: readonly Sample[], theirs: readonly Sample[]): Line => rounds(named, 'wall', ours, theirs)

/** Rounds of work that waits for nobody: judged by CPU time, because elapsed time is that plus whatever else the machine does. */
export const computed = (named: Named, ours: readonly Sample[], theirs: readonly Sample[]): Line => rounds(named, 'cpu', ours, theirs)

/** Something counted: bytes, actions, sizes. One figure for each side; `theirs` null when there is nothing to compare with. */
export function counted({ budget, ...named }: Named, unit: string, ours: number, theirs: number | null): Line {
  const ratio = theirs === null ? null : ratiosOf(named.kind, [ours], [theirs])[0] ?? null
  return { ...named, unit, by: 'count', ours, theirs, ratio, spread: null, other: null, budget: budget ?? null, met: ratio === null || budget === undefined ? null : meets(named.kind, ratio, budget) }
}

/** A figure with a limit of its own, compared with nobody. */
export const limited = (id: string, what: string, unit: string, ours: number, most: number): Line =>
  ({ ...counted({ id, what, peer: 'the limit', kind: 'cost' }, unit, ours, most), budget: 1, met: ours <= most })

const number = (value: number): string => {
  const size = Math.abs(value)
  return size >= 100 ? Math.round(value).toLocaleString('en') : size === 0 ? '0' : value.toPrecision(3)
}
const figure = (value: number | null, unit: string): string => (value === null ? '' : `${number(value)}${unit === '/s' ? '' : ' '}${unit}`)

function cellsOf({ what, peer, kind, unit, by, ours, theirs, ratio, spread, other, budget, met }: Line): string[] {
  return [
    what, figure(ours, unit), peer, figure(theirs, unit), ratio === null ? '' : `${number(ratio)}x`,
    spread ? `${number(spread[0])}..${number(spread[1])}` : '', by,
    other === null ? '' : `${number(other)}${by === 'wall' ? ' cpu' : ' wall'}`,
    budget === null ? '' : `${kind === 'cost' ? '<=' : '>='} ${number(budget)}`, met === null ? '' : met ? 'met' : 'NOT MET',
  ]
}

export function table(lines: readonly Line[]): string {
  const cells = [['what', 'ours', 'peer', 'theirs', 'ratio', 'spread', 'by', 'other', 'budget', ''], ...lines.map(cellsOf)]
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n')
}
