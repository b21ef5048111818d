import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutboxEntry } from '../../src/model'
import { createOutboxPersistence } from '../../src/persistence/persist'
import { createManualClock } from 'redux-chat/testing'
import { createDevice, entry, outbox } from './support'

/* Purges amid what is sent, changed and settled, on a device that answers when it likes. */

const RUNS = Number(process.env['PURGE_RUNS'] ?? 1_000)

function createRun() {
  const clock = createManualClock()
  const device = createDevice()
  let now: readonly OutboxEntry[] = []
  let composed = 0
  const wrong: string[] = []
  /** What is there once all is written: each message that was sent or changed after the last purge was asked for. */
  const wanted = new Set<string>()

  const show = (entries: readonly OutboxEntry[]): void => {
    now = entries
    persistence.update(outbox(now))
  }
  const mark = (ids: readonly string[], stored: boolean): void => show(now.map((each) => (ids.includes(each.message.id) ? { ...each, stored } : each)))
  const persistence = createOutboxPersistence<{}>({
    key: 'chat', storage: device.open, locks: null, clock, random: () => 0.5, tabId: 'tab',
    report: {
      stored: (ids) => mark(ids, true),
      unstored: (ids = now.map(({ message }) => message.id)) => mark(ids, false),
      failed: () => undefined,
      adopted: (_, { entries }) => void wrong.push(...entries.map(({ message }) => message.id)),
      lost: (ids) => void wrong.push(...ids),
    },
  })
  const release = (): void => {
    while (device.release());
  }

  const steps = {
    send(): void {
      const sent = entry(`m${composed}`, composed++)
      wanted.add(sent.message.id)
      show([...now, sent])
    },
    change(at: number): void {
      const changed = now[at % now.length]
      if (!changed) return
      wanted.add(changed.message.id)
      show(now.map((each) => (each === changed ? { ...each, spent: each.spent + 1 } : each)))
    },
    settle(at: number): void {
      const settled = now[at % now.length]
      if (!settled) return
      wanted.delete(settled.message.id)
      show(now.filter((each) => each !== settled))
    },
    purge(): void {
      wanted.clear()
      persistence.handle({ type: 'persist/PURGE', result: () => undefined })
    },
    hang(): void { device.hangs = true },
    release: (): void => void device.release(),
    answer(): void {
      device.hangs = false
      release()
    },
    wait: (): Promise<void> => clock.flush(),
  }
  return { steps, wanted, wrong, device, rest: () => clock.advance(300_000) }
}

type Run = ReturnType<typeof createRun>
interface Step { readonly does: keyof Run['steps']; readonly at: number; readonly turns: number }

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('send', 'send', 'send', 'change', 'change', 'settle', 'purge', 'hang', 'hang', 'release', 'answer', 'wait'),
  at: fc.nat({ max: 5 }),
  turns: fc.constantFrom(0, 0, 0, 1, 2, 5),
})

describe('purges, by model', () => {
  it('G1: what was there when a purge was asked for is removed, and what was sent or changed since is there', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (given) => {
      const { steps, wanted, wrong, device, rest } = createRun()
      for (const { does, at, turns } of given) {
        await steps[does](at)
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      }
      steps.answer()
      await rest()
      expect([new Set(await device.ids()), wrong]).toEqual([wanted, []])
    }), { numRuns: RUNS })
  })
})
