/**
 * How much the tests with accidents do. Few of each in CI; `SOAK=1` for the full number, or `KILLS`, `CUTS`, `CRASHES`, `TABS` for one kind.
 * The test under load takes `LOAD_SECONDS` of `LOAD_RATE` messages per second, and a history of `HISTORY` messages.
 * `SEED` repeats the choices of a run (not its timing, which is the machine's).
 */
const number = (name: string): number | undefined => {
  const given = process.env[name]
  return given === undefined || given === '' ? undefined : Number(given)
}

const isSoak = number('SOAK') === 1
const rounds = (name: string, few: number, many: number): number => number(name) ?? (isSoak ? many : few)

export const KILLS = rounds('KILLS', 12, 100)
export const CUTS = rounds('CUTS', 12, 100)
export const CRASHES = rounds('CRASHES', 8, 60)
export const TAB_ROUNDS = rounds('TABS', 2, 20)

export const LOAD_SECONDS = rounds('LOAD_SECONDS', 3, 30)
export const LOAD_RATE = number('LOAD_RATE') ?? 1_000
export const HISTORY = rounds('HISTORY', 3_000, 100_000)

export const SEED = String(number('SEED') ?? Date.now() % 1_000_000)
