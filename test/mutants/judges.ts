/** Who may notice a mutant: the simulation and the properties, whose input is generated, before the examples, whose input somebody wrote. */

/** A property: a test that draws its input, by the part of its name that does not change. */
interface Property { readonly file: string; readonly test: string }

const inTest = (file: string, ...tests: readonly string[]): readonly Property[] => tests.map((test) => ({ file: `test/${file}`, test }))

export const PROPERTIES: readonly Property[] = [
  ...inTest('policy/policy.test.ts',
    'full jitter stays between 0 and the capped exponential step', 'tells what survives JSON, and how long it is', 'a union in order, each once, whatever the batches',
    'is what a plain sorted list would be', 'without seq the order is createdAt'),
  ...inTest('policy/due.test.ts', 'is all that may go and nothing else'),
  ...inTest('policy/sequence.test.ts', 'is an array, whatever was done to it', 'finds a place by halving'),
  ...inTest('policy/table.test.ts', 'holds what a Map holds'),
  ...inTest('policy/defaults.test.ts', 'stand in for whatever was not given'),
  ...inTest('transport/wire-model.test.ts', 'what a mapping throws, or makes of what came'),
  ...inTest('effects/agenda-model.test.ts', 'each key is dealt with at its moment'),
  ...inTest('persistence/fitting.test.ts', 'takes the smallest as far as there is room', 'what has no room at first is tried again'),
  ...inTest('persistence/edits-model.test.ts', 'whatever the device takes, refuses, loses or leaves open'),
  ...inTest('persistence/fuzz.test.ts', 'in the end the device holds what the state shows'),
  ...inTest('persistence/tabs-model.test.ts', 'whoever comes, goes, crashes or returns'),
  ...inTest('persistence/looks.test.ts', 'each that ends is noticed'),
  ...inTest('persistence/copies.test.ts', 'what a tab has left one of the others takes over'),
  ...inTest('persistence/key-value.test.ts', 'announce their first slots at once', 'opens while another writes its first record', 'ends anywhere in a take-over'),
  ...inTest('persistence/unreadable-model.test.ts', 'shows all that can be read, names the rest'),
  ...inTest('persistence/visits-model.test.ts', 'each user finds what they left, and nothing of anybody else'),
  ...inTest('persistence/sleep-model.test.ts', 'nothing is sent by two, nothing again that another has sent'),
  ...inTest('persistence/purges-model.test.ts', 'what was there when a purge was asked for is removed'),
  ...inTest('persistence/torn-log.test.ts', 'what was written is there in each later life'),
  ...inTest('persistence/storage-model.test.ts', 'as one that keeps all in one list'),
  ...inTest('react/lives.test.tsx', 'what is open and connected is what is mounted'),
  ...inTest('guarantees/convergence.test.ts', 'the same facts in any order and any multiplicity'),
  ...inTest('guarantees/caches.test.ts', 'never show: a state that was copied'),
  ...inTest('guarantees/bursts.test.ts', 'one that is longer than the window leaves no gap'),
  ...inTest('guarantees/suspects.test.ts', 'all else goes on meanwhile, and itself when'),
  ...inTest('guarantees/silence.test.ts', 'of messages that are never answered', 'of pages that are never answered'),
  ...inTest('guarantees/slow-servers.test.ts', 'a message that waits its turn at the server', 'one that got no answer is, though the server goes on', 'one that got no answer, and was overtaken', 'of long messages no more is in flight'),
  ...inTest('guarantees/patience.test.ts', 'it is asked for no more than it allows'),
  ...inTest('guarantees/windows.test.ts', 'whatever is scrolled, lost, doubled or reordered', 'of pages that are longer than what was asked for'),
  ...inTest('guarantees/logs.test.ts', 'whatever a server has, lacks, loses or begins anew'),
  ...inTest('guarantees/refusals.test.ts', 'whatever a server refuses, no message is lost'),
  ...inTest('guarantees/marks.test.ts', 'whatever is told of them, in any form'),
  ...inTest('guarantees/lives.test.ts', 'whoever comes, goes, freezes or returns, what was composed'),
  ...inTest('guarantees/moving-clock.test.ts', 'whatever they and the readings take'),
  ...inTest('guarantees/nested.test.ts', 'nothing is lost, doubled, reordered or sent as somebody else'),
  ...inTest('guarantees/sessions.test.ts', 'there is one connection at most, it is asked for within bounds'),
  ...inTest('guarantees/model.test.ts', 'schedules converge to what the facts say', 'one message, every order of'),
  ...inTest('guarantees/hostile.test.ts', 'malformed payloads and answers', 'one store that is lied to for a long time'),
]

const SLOW: ReadonlySet<string> = new Set(['test/guarantees/model.test.ts', 'test/guarantees/hostile.test.ts'])

export const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

function filter(isAsked: (property: Property) => boolean): readonly string[] {
  const asked = PROPERTIES.filter(isAsked)
  return [...new Set(asked.map(({ file }) => file)), '-t', asked.map(({ test }) => literally(test)).join('|')]
}

/** Arguments of Vitest: the properties that take seconds, and the longer ones. */
export const QUICK_PROPERTIES = filter(({ file }) => !SLOW.has(file))
export const SLOW_PROPERTIES = filter(({ file }) => SLOW.has(file))

/** Everything else that judges: the examples. */
export const EXAMPLES: readonly string[] = ['test/policy', 'test/guarantees', 'test/persistence', 'test/effects']

/** As many seeds as a mutant is given. */
export const SIM_SEEDS = 300

/** Who noticed a mutant: asked first the next time, which takes seconds where all of them take minutes. */
export type Witness =
  /** `plan`: a seed, or the name of a regression. `seed`: what the property drew. */
  | { readonly by: 'simulation'; readonly plan: string }
  | { readonly by: 'property'; readonly file: string; readonly test: string; readonly seed: number }
  | { readonly by: 'example'; readonly file: string; readonly test: string }

export const isProperty = ({ file, test }: { readonly file: string; readonly test: string }): boolean =>
  PROPERTIES.some((property) => property.file === file && test.includes(property.test))
