import { describe, expect, it } from 'vitest'
import { createManualClock } from 'redux-chat/testing'

describe('manual clock', () => {
  it('fires due timers in order of time, then of creation, and settles promises between them', async () => {
    const clock = createManualClock({ now: 1000 })
    const seen: string[] = []
    const at = (label: string) => () => {
      seen.push(`${label}@${clock.monotonic()}`)
      void Promise.resolve().then(() => Promise.resolve()).then(() => seen.push(`${label} settled`))
    }
    clock.setTimer(20, at('late'))
    clock.setTimer(10, at('first'))
    clock.setTimer(10, at('second'))
    await clock.advance(15)
    expect(seen).toEqual(['first@10', 'first settled', 'second@10', 'second settled'])
    expect([clock.now(), clock.monotonic(), clock.pending, clock.nextDue]).toEqual([1015, 15, 1, 20])
  })

  it('fires a timer that a timer sets within the advance, and not one that was stopped', async () => {
    const clock = createManualClock()
    const seen: number[] = []
    clock.setTimer(5, () => clock.setTimer(5, () => seen.push(clock.monotonic())))
    const stop = clock.setTimer(6, () => seen.push(-1))
    stop()
    stop()
    await clock.advance(10)
    expect(seen).toEqual([10])
    expect(clock.pending).toBe(0)
  })

  it('does not fire a timer that an earlier one of the same moment stopped', async () => {
    const clock = createManualClock()
    const seen: string[] = []
    clock.setTimer(5, () => stop())
    const stop = clock.setTimer(5, () => seen.push('stopped'))
    await clock.advance(5)
    expect(seen).toEqual([])
  })

  it('jumps the wall clock without moving the monotonic one', async () => {
    const clock = createManualClock({ now: 5000 })
    clock.setTimer(10, () => {})
    clock.setWall(100)
    expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([100, 0, 1])
    await clock.advance(5)
    expect(clock.now()).toBe(105)
  })

  it('sleeps without firing and fires what is overdue on waking', async () => {
    const clock = createManualClock({ now: 0 })
    const seen: number[] = []
    clock.setTimer(10, () => seen.push(clock.monotonic()))
    clock.sleep(1000)
    expect([clock.now(), seen.length]).toEqual([1000, 0])
    await clock.advance(0)
    expect(seen).toEqual([1000])
  })

  it('rejects with what a timer throws, and goes on afterwards', async () => {
    const clock = createManualClock()
    clock.setTimer(1, () => { throw new Error('thrown by the timer') })
    clock.setTimer(2, () => {})
    await expect(clock.advance(5)).rejects.toThrow('thrown by the timer')
    await clock.advance(5)
    expect(clock.pending).toBe(0)
  })
})
