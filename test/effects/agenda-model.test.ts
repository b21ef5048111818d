import fc from 'fast-check'
import { createManualClock } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { createAgenda } from '../../src/effects/agenda'

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
/** How much too early a timer may ring, of its delay. */
const HASTE = [1, 1, 0.9, 0.5] as const

/** Each key is to be dealt with at its own moment, and is looked at no more than once before that. */
function createRun(haste: number) {
  const clock = createManualClock()
  const dueAt = new Map<string, number>()
  const looks = new Map<string, number>()
  const problems: string[] = []
  let isBusy = false
  const run = (): void => agenda.run(() => isBusy, (key, now) => {
    const due = dueAt.get(key)
    if (due === undefined) {
      problems.push(`${key} is dealt with, and nobody asked for it`)
      return now
    }
    looks.set(key, (looks.get(key) ?? 0) + 1)
    if ((looks.get(key) ?? 0) > 2) problems.push(`${key} is looked at ${looks.get(key)} times`)
    if (due > now) return due
    dueAt.delete(key)
    return due === now ? now : Infinity
  })
  const agenda = createAgenda({ ...clock, setTimer: (delayMs, task) => clock.setTimer(Math.ceil(delayMs * haste), task) }, run)

  const steps = {
    add(key: string, delayMs: number): void {
      agenda.add(key, delayMs % 2 === 0 ? 'urgent' : 'usual')
      dueAt.set(key, clock.monotonic() + delayMs)
      looks.delete(key)
      run()
    },
    remove(key: string): void {
      agenda.remove(key)
      dueAt.delete(key)
    },
    run,
    rest: (ms: number) => clock.advance(ms),
    work(on: boolean): void {
      isBusy = on
      if (!on) run()
    },
  }
  /** What is due has been dealt with, unless all hands were busy. */
  function check(): readonly string[] {
    const late = isBusy ? [] : [...dueAt].filter(([, at]) => at <= clock.monotonic()).map(([key, at]) => `${key} was due at ${at}, it is ${clock.monotonic()}`)
    return [...problems, ...late, ...(clock.pending > 1 ? [`${clock.pending} timers`] : [])]
  }
  return { ...steps, check, left: () => dueAt.size, pending: () => clock.pending }
}

type Run = ReturnType<typeof createRun>
const named = (name: string, act: (run: Run) => void | Promise<void>) => Object.assign(act, { toString: () => name })
const key = fc.constantFrom(...KEYS)
const step = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(key, fc.constantFrom(0, 0, 7, 20, 100, 1_000)).map(([each, ms]) => named(`add ${each} ${ms}`, (run) => run.add(each, ms))) },
  { weight: 1, arbitrary: key.map((each) => named(`remove ${each}`, (run) => run.remove(each))) },
  { weight: 2, arbitrary: fc.constant(named('run', (run) => run.run())) },
  { weight: 4, arbitrary: fc.constantFrom(1, 5, 50, 400).map((ms) => named(`${ms} ms`, (run) => run.rest(ms))) },
  { weight: 1, arbitrary: fc.boolean().map((on) => named(on ? 'busy' : 'free', (run) => run.work(on))) },
)

describe('agenda, by model', () => {
  it('G6, G8: each key is dealt with at its moment, however early the timers ring, and is not looked at while it waits', async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom(...HASTE), fc.array(step, { maxLength: 25 }), async (haste, steps) => {
      const run = createRun(haste)
      for (const each of steps) {
        await each(run)
        // Timers of no delay ring now.
        await run.rest(0)
        expect(run.check()).toEqual([])
      }
      run.work(false)
      await run.rest(2_000)
      expect([run.check(), run.left(), run.pending()]).toEqual([[], 0, 0])
    }), { numRuns: 400 })
  })
})
