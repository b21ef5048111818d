import { without, type Plan } from './plan'
import { simulate, type Outcome } from './simulate'
import type { Sabotage } from './world'

const MAX_TRIES = 400

/** The smallest plan found that breaks the same promise: first steps are left out, in ever smaller runs, then faults. */
export async function shrink(outcome: Outcome, sabotage: Sabotage = {}): Promise<Outcome> {
  let best = outcome
  let tries = 0
  const attempt = async (plan: Plan): Promise<boolean> => {
    if (++tries > MAX_TRIES) return false
    const next = await simulate(plan, sabotage)
    if (next.failure?.invariant !== outcome.failure?.invariant) return false
    best = next
    return true
  }
  for (let size = best.plan.steps.length >> 1; size >= 1; size = size >> 1) {
    for (let at = 0; at < best.plan.steps.length;) {
      const { steps } = best.plan
      if (!await attempt({ ...best.plan, steps: [...steps.slice(0, at), ...steps.slice(at + size)] })) at += size
    }
  }
  for (const fault of best.plan.faults) await attempt(without(best.plan, fault))
  return best
}
