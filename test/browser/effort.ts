/**
 * How much the tests with accidents do. Few of each in CI; `SOAK=1` for the full number, or `KILLS`, `CUTS`, `CRASHES`, `TABS` for one kind.
 * The test under load takes `LOAD_SECONDS` of `LOAD_RATE` messages per second, and a history of `HISTORY` messages.
 * `MONKEY_ROUNDS` rounds of tabs to which anything happens, of the seed `MONKEY_SEED`, in Chromium or in `MONKEY_BROWSER=firefox`.
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

/** `700-6` is one round of the seed 700; with `MONKEY_ROUNDS`, that many from there on. */
function monkeySeeds(): readonly string[] {
  const [seed = SEED, first] = process.env['MONKEY_SEED']?.split('-') ?? []
  const count = first === undefined ? rounds('MONKEY_ROUNDS', 2, 20) : number('MONKEY_ROUNDS') ?? 1
  return Array.from({ length: count }, (_, i) => `${seed}-${Number(first ?? 1) + i}`)
}

export const MONKEY = { seeds: monkeySeeds(), browser: process.env['MONKEY_BROWSER'] === 'firefox' ? 'firefox' : 'chromium' } as const
