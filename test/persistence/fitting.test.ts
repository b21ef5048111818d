import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeFitting } from '../../src/persistence/fitting'

/** However many items there are, a device that refuses is asked no more often. */
const MAX_REFUSALS = 20

interface Item { readonly id: number; readonly size: number }

const sizesOf = (items: readonly Item[]): number => items.reduce((sum, { size }) => sum + size, 0)

/** Takes a part whole or not at all: it has room for so much in all, and for no single item larger than the largest. */
function createDevice({ room, largest, error }: { readonly room: number; readonly largest: number; readonly error: string }) {
  const taken: Item[] = []
  let refusals = 0
  const fits = (part: readonly Item[]): boolean => sizesOf(taken) + sizesOf(part) <= room && part.every(({ size }) => size <= largest)
  return {
    taken, fits,
    refusals: () => refusals,
    write: async (part: readonly Item[]): Promise<void> => {
      if (!fits(part)) {
        refusals++
        throw new DOMException('no', error)
      }
      taken.push(...part)
    },
  }
}

describe('writing what fits', () => {
  it('G1, G8: takes the smallest as far as there is room, each once, refuses only what does not fit, and asks few times', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 100, max: 1_000 })), { minLength: 1, maxLength: 120 })
    const limit = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 20_000 }), fc.constant(Infinity))
    const error = fc.constantFrom('QuotaExceededError', 'QuotaExceededError', 'SecurityError')
    await fc.assert(fc.asyncProperty(sizes, limit, limit, error, async (given, room, largest, name) => {
      const items = given.map((size, id) => ({ id, size }))
      const device = createDevice({ room, largest, error: name })
      const outcome = await writeFitting(items, device.write, ({ size }) => size).catch((reason: unknown) => reason)
      const refused = Array.isArray(outcome) ? outcome as readonly Item[] : items
      expect([...device.taken, ...refused].map(({ id }) => id).sort((a, b) => a - b)).toEqual(items.map(({ id }) => id))
      // Nothing that fits is left out; a device that is denied is asked for nothing more.
      if (name !== 'SecurityError') expect(refused.filter((item) => device.fits([item]))).toEqual([])
      else expect(device.refusals()).toBeLessThanOrEqual(1)
      expect(device.refusals()).toBeLessThanOrEqual(MAX_REFUSALS)
    }), { numRuns: 300 })
  })

  it('G1: what has no room at first is tried again when there is some in between', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 12 }), fc.nat({ max: 12 }), async (given, refusing) => {
      let calls = 0
      const taken: number[] = []
      const refused = await writeFitting(given, async (part) => {
        if (calls++ < refusing) throw new DOMException('no', 'QuotaExceededError')
        taken.push(...part)
      }, (size) => size).catch(() => given)
      expect([...taken, ...refused].sort()).toEqual([...given].sort())
      if (taken.length > 0) expect(refused).toEqual([])
    }), { numRuns: 200 })
  })
})
