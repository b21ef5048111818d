import { createManualClock } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { createAgenda } from '../../src/effects/agenda'

/** An agenda whose keys are dealt with at once, or at the moment that `moments` names; `dealt` tells in which order. */
function openAgenda(haste = 0) {
  const clock = createManualClock()
  const moments = new Map<string, number>()
  const dealt: string[] = []
  let busyAfter = Infinity
  const run = (): void => agenda.run(() => dealt.length >= busyAfter, (key, now) => {
    dealt.push(key)
    return moments.get(key) ?? now
  })
  const agenda = createAgenda({ ...clock, setTimer: (delayMs, task) => clock.setTimer(Math.max(delayMs - haste, delayMs / 2), task) }, run)
  return { agenda, clock, dealt, moments, run, limit: (count: number) => { busyAfter = count } }
}

describe('agenda', () => {
  it('deals with the urgent first, until it is busy; the rest stays', () => {
    const { agenda, dealt, run, limit } = openAgenda()
    agenda.add('z', 'last')
    agenda.add('a', 'usual')
    agenda.add('b', 'urgent')
    agenda.add('c', 'usual')
    limit(2)
    run()
    expect(dealt).toEqual(['b', 'a'])
    limit(Infinity)
    run()
    run()
    expect(dealt).toEqual(['b', 'a', 'c', 'z'])
  })

  it('looks at none of 10,000 that wait, before the first of their moments, however often it runs', async () => {
    const { agenda, clock, dealt, moments, run } = openAgenda()
    for (let i = 0; i < 10_000; i++) {
      moments.set(`key-${i}`, 1_000 + i)
      agenda.add(`key-${i}`, i % 2 === 0 ? 'urgent' : 'usual')
    }
    run()
    expect(dealt).toHaveLength(10_000)
    for (let i = 0; i < 100; i++) run()
    expect(dealt).toHaveLength(10_000)
    await clock.advance(1_001)
    expect(dealt.slice(10_000)).toEqual(['key-0', 'key-1'])
  })

  it('keeps one timer, for the earliest moment, and none when nothing waits; one that rings too early is set again', async () => {
    const { agenda, clock, dealt, moments, run } = openAgenda(1)
    moments.set('late', 500).set('soon', 100)
    agenda.add('late', 'urgent')
    agenda.add('soon', 'urgent')
    run()
    expect([clock.pending, clock.nextDue]).toEqual([1, 99])
    await clock.advance(110)
    expect(dealt).toEqual(['late', 'soon', 'soon'])
    agenda.remove('late')
    run()
    expect(clock.pending).toBe(0)
  })

  it('deals at once with what is added again, and never with what is told to wait for that', () => {
    const { agenda, clock, dealt, moments, run } = openAgenda()
    moments.set('refused', Infinity).set('paused', 1_000)
    agenda.add('refused', 'urgent')
    agenda.add('paused', 'urgent')
    run()
    agenda.add('paused', 'usual')
    run()
    expect(dealt).toEqual(['refused', 'paused', 'paused'])
    agenda.clear()
    run()
    expect(clock.pending).toBe(0)
  })
})
