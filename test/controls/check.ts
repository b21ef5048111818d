import type { System } from './systems'
import { describeFact, messagesOf, type Fact, type Trace } from './trace'

export const INVARIANTS = ['shown twice', 'vanished', 'final order', 'order matters', 'read mark fell'] as const
export type Invariant = (typeof INVARIANTS)[number]

export interface Violation {
  readonly invariant: Invariant
  readonly facts: readonly Fact[]
  readonly shown: readonly string[]
}

type Outcome = { readonly violations: readonly Violation[]; readonly final: readonly string[] }

/** Plays one order on a fresh system, looks after every fact, and gives the first violation of each invariant. */
function playOrder(system: System, { log }: Trace, facts: readonly Fact[]): Outcome {
  const subject = system.create()
  const violations = new Map<Invariant, Violation>()
  const wanted = new Set<string>()
  let mark = 0
  for (const [i, fact] of facts.entries()) {
    subject.apply(fact)
    if (fact.kind === 'compose') wanted.add(fact.key)
    else if (fact.kind !== 'read') for (const { key } of messagesOf(fact)) wanted.add(key)
    const shown = subject.shown()
    const note = (invariant: Invariant): void => {
      if (!violations.has(invariant)) violations.set(invariant, { invariant, facts: facts.slice(0, i + 1), shown })
    }
    if (new Set(shown).size !== shown.length) note('shown twice')
    if ([...wanted].some((key) => !shown.includes(key))) note('vanished')
    const read = subject.readMark('bob')
    if (read !== null && read < mark) note('read mark fell')
    mark = Math.max(mark, read ?? 0)
    const isLast = i === facts.length - 1
    if (isLast && shown.join() !== log.map(({ key }) => key).join()) note('final order')
  }
  return { violations: [...violations.values()], final: subject.shown() }
}

/** Every invariant that a trace violates on a system, in either order or between the two. */
export function checkTrace(system: System, trace: Trace): readonly Violation[] {
  const [first, second] = trace.orders.map((facts) => playOrder(system, trace, facts))
  if (!first || !second) return []
  const diverged: Violation[] = first.final.join() === second.final.join() ? []
    : [{ invariant: 'order matters', facts: trace.orders[1], shown: second.final }]
  const found = new Map([...second.violations, ...first.violations, ...diverged].map((violation) => [violation.invariant, violation]))
  return [...found.values()]
}

export const describeViolation = ({ facts, shown }: Violation): string => `${facts.map(describeFact).join(', ')} -> shows [${shown.join(' ')}]`
