import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Sequence } from '../../src/model'
import {
  appended, EMPTY_SEQUENCE, firstOf, fromEnd, fromStart, inserted, itemAt, itemsOf, lastOf, lengthOf, lowerBound, mapped, placeOf, removed, replaced,
  sequenceOf, slid, withoutFirst,
} from '../../src/policy/sequence'

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const longest = (sequence: Sequence<unknown>): number => Math.max(0, ...sequence.map(({ length }) => length))

/** A change of a sequence, and the same change of an array. */
type Step = (sequence: Sequence<number>, items: readonly number[]) => readonly [Sequence<number>, readonly number[]]

const size = fc.integer({ min: 0, max: 150 })
const without = (items: readonly number[], at: number): readonly number[] => items.filter((_, i) => i !== at)
const step: fc.Arbitrary<Step> = fc.oneof(
  size.map((count): Step => (sequence, items) => {
    const from = (items.at(-1) ?? 0) + 1
    return [appended(sequence, numbers(from, from + count)), [...items, ...numbers(from, from + count)]]
  }),
  fc.nat(500).map((n): Step => (sequence, items) =>
    [inserted(sequence, lowerBound(sequence, (item) => item < n), n), [...items.filter((item) => item < n), n, ...items.filter((item) => item >= n)]]),
  fc.nat(500).map((n): Step => (sequence, items) => {
    const place = placeOf(sequence, (item) => item === items[n % items.length])
    return place ? [removed(sequence, place), without(items, items.indexOf(items[n % items.length] ?? -1))] : [sequence, items]
  }),
  size.map((count): Step => (sequence, items) => [withoutFirst(sequence, count), items.slice(count)]),
  // So often that some chunk at the head is used up.
  fc.constantFrom(1, 100).map((count): Step => (sequence, items) => {
    const more = numbers((items.at(-1) ?? 0) + 1, (items.at(-1) ?? 0) + 1 + count)
    return [more.reduce((next, item) => slid(next, item), sequence), [...items, ...more].slice(count)]
  }),
)

describe('a list in chunks', () => {
  it('is an array, whatever was done to it', () => {
    fc.assert(fc.property(size, fc.array(step, { maxLength: 12 }), (count, steps) => {
      let [sequence, items]: readonly [Sequence<number>, readonly number[]] = [sequenceOf(numbers(0, count)), numbers(0, count)]
      for (const change of steps) {
        const before = JSON.stringify(sequence)
        const old = sequence
        ;[sequence, items] = change(sequence, items)
        expect(JSON.stringify(old)).toBe(before)
        expect(itemsOf(sequence)).toEqual(items)
        expect([lengthOf(sequence), firstOf(sequence), lastOf(sequence)]).toEqual([items.length, items[0], items.at(-1)])
        expect(sequence.every(({ length }) => length > 0)).toBe(true)
        expect(longest(sequence)).toBeLessThanOrEqual(64)
      }
    }))
  })

  it('finds a place by halving', () => {
    fc.assert(fc.property(size, fc.integer({ min: -1, max: 160 }), (count, wanted) => {
      const sequence = sequenceOf(numbers(0, count))
      expect(itemAt(sequence, lowerBound(sequence, (item) => item < wanted))).toBe(numbers(0, count).find((item) => item >= wanted))
    }))
  })

  it('G8: a change of one item copies one chunk', () => {
    const sequence = sequenceOf(numbers(0, 10_000))
    const same = (next: Sequence<number>): number => next.filter((chunk) => sequence.includes(chunk)).length
    const place = placeOf(sequence, (item) => item === 5_000) ?? expect.fail('not found')
    expect(same(appended(sequence, [1]))).toBe(156)
    for (const next of [replaced(sequence, place, 1), removed(sequence, place), inserted(sequence, place, 1), mapped(sequence, (item) => (item === 5_000 ? 1 : item))]) {
      expect(same(next)).toBe(156)
    }
    expect(mapped(sequence, (item) => item)).toBe(sequence)
  })

  it('visits from either end no further than it must', () => {
    const sequence = sequenceOf(numbers(0, 200))
    const seen: number[] = []
    fromStart(sequence, (item) => seen.push(item) < 3)
    fromEnd(sequence, (item) => seen.push(item) < 6)
    expect(seen).toEqual([0, 1, 2, 199, 198, 197])
    let looks = 0
    const changed = mapped(sequence, (item) => {
      looks++
      return item === 199 ? -1 : item
    }, () => looks > 0)
    expect([lastOf(changed), looks]).toEqual([-1, 1])
    expect(itemsOf(sequence)).toEqual(numbers(0, 200))
    expect(itemsOf(EMPTY_SEQUENCE)).toEqual([])
  })
})
