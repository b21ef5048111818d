import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withDefaults } from '../../src/policy/defaults'

describe('defaults', () => {
  it('stand in for whatever was not given, an undefined one too', () => {
    const name = fc.constantFrom('a', 'b', 'c', '__proto__x')
    const value = fc.oneof(fc.integer(), fc.constantFrom(null, false, '', 0))
    fc.assert(fc.property(fc.dictionary(name, value), fc.dictionary(name, fc.option(value, { nil: undefined })), (defaults, given) => {
      const all = withDefaults<Record<string, unknown>>(defaults, given)
      for (const key of ['a', 'b', 'c', '__proto__x']) expect(all[key]).toBe(given[key] === undefined ? defaults[key] : given[key])
    }))
  })
})
