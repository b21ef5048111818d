import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedKeys, EMPTY_TABLE, entriesOf, keysOf, tableOf, valueAt, valuesOf, withoutKey, withValue } from '../../src/policy/table'
import type { Table } from '../../src/model'

const key = fc.oneof(fc.constantFrom('#__proto__', '#constructor', '__proto__', 'toString', ''), fc.nat({ max: 60 }).map((n) => `#channel-${n}`))
const step = fc.record({ key, value: fc.option(fc.nat(), { nil: undefined }) })

const sorted = (keys: Iterable<string>) => [...keys].sort()

describe('a table', () => {
  it('holds what a Map holds, tells what changed, and leaves every older version as it was', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const model = new Map<string, number>()
      let table: Table<number> = EMPTY_TABLE
      for (const { key: name, value } of steps) {
        const [before, was] = [table, JSON.stringify(table)]
        if (value === undefined) model.delete(name)
        else model.set(name, value)
        table = value === undefined ? withoutKey(table, name) : withValue(table, name, value)
        expect(valueAt(table, name)).toBe(value)
        expect(JSON.stringify(before)).toBe(was)
        expect(changedKeys(before, table).filter((other) => valueAt(before, other) !== valueAt(table, other)))
          .toEqual(valueAt(before, name) === value ? [] : [name])
      }
      expect(sorted(keysOf(table))).toEqual(sorted(model.keys()))
      expect(new Map(entriesOf(table))).toEqual(model)
      expect(valuesOf(table)).toHaveLength(model.size)
      if (model.size === 0) expect(table).toBe(EMPTY_TABLE)
    }))
  })

  it('is one list while it is small, and keeps its parts small when it is large', () => {
    const named = (count: number) => tableOf(Array.from({ length: count }, (_, i) => [`#channel-${i}`, i] as const))
    expect(named(12)).toHaveLength(1)
    expect(Math.max(...named(5_000).map((shard) => shard.length))).toBeLessThanOrEqual(24)
    expect(named(5_000).length).toBeLessThanOrEqual(1_024)
  })
})
