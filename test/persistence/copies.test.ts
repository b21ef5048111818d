import fc from 'fast-check'
import { createManualClock, createMemoryLocks, type ManualClock } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { createKeyValueStorage, type KeyValueStorage } from '../../src/persistence/key-value'
import { contents, createDevice, entry, openTab, outbox } from './support'

/* localStorage as Chromium has it: each process has a copy, which hears late of what another has written, whatever lock is held. */

const RUNS = Number(process.env['COPIES_RUNS'] ?? 300)

function createCopies(clock: ManualClock, lateMs: number) {
  const copies: Map<string, string>[] = [new Map()]
  return function open(): KeyValueStorage {
    const mine = new Map(copies[0])
    copies.push(mine)
    function change(key: string, value: string | null): void {
      const apply = (copy: Map<string, string>): void => void (value === null ? copy.delete(key) : copy.set(key, value))
      apply(mine)
      clock.setTimer(lateMs, () => { for (const copy of copies) if (copy !== mine) apply(copy) })
    }
    return { getItem: (key) => mine.get(key) ?? null, setItem: change, removeItem: (key) => change(key, null) }
  }
}

describe('several tabs over copies of one storage', () => {
  it('G2: what a tab has left one of the others takes over, whether they were there when it ended or open at once afterwards', async () => {
    const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })
    const offsets = fc.array(fc.constantFrom(0, 0, 1, 5, 2_000), { minLength: 2, maxLength: 3 })
    await fc.assert(fc.asyncProperty(ids, offsets, fc.boolean(), fc.nat({ max: 60 }), async (left, waits, areThere, lateMs) => {
      const clock = createManualClock()
      const locks = createMemoryLocks()
      const copy = createCopies(clock, lateMs)
      const open = (tabId: string) =>
        openTab({ tabId, clock, locks, device: createDevice(createKeyValueStorage({ name: 'chat', storage: copy(), locks: locks.forTab(tabId) })) })
      const victim = open('victim')
      await victim.restore('alice')
      victim.update(outbox(left.map((id, i) => entry(id, i))))
      await clock.advance(1_000)
      expect([...victim.stored].sort()).toEqual([...left].sort())
      if (!areThere) victim.kill()
      const found: string[] = []
      const tabs = []
      for (const [i, wait] of waits.entries()) {
        const tab = open(`tab-${i}`)
        void tab.restore('alice').then((restored) => found.push(...contents(restored)))
        tabs.push(tab)
        await clock.advance(wait)
      }
      if (areThere) victim.kill()
      await clock.advance(20_000)
      expect([...found, ...tabs.flatMap(({ adopted }) => adopted.flatMap(contents))].sort()).toEqual([...left].sort())
      for (const tab of tabs) tab.stop()
      await clock.advance(1_000)
      expect(clock.pending).toBe(0)
    }), { numRuns: RUNS })
  })
})
