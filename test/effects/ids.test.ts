import { afterEach, describe, expect, it, vi } from 'vitest'
import { validate, version } from 'uuid'
import { createEnvironment } from '../../src/create-environment'

afterEach(() => { vi.restoreAllMocks() })

describe('ids of the real environment', () => {
  it('G2: are version 7, never the same, and sort in the order in which they were made, whatever the clock does', () => {
    const { id } = createEnvironment()
    let now = 1_700_000_000_000
    vi.spyOn(Date, 'now').mockImplementation(() => now)
    const ids = Array.from({ length: 5_000 }, (_, i) => {
      now += i % 1_000 === 999 ? -500 : i % 7 === 0 ? 1 : 0
      return id()
    })
    expect(ids.every((one) => validate(one) && version(one) === 7)).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
  })

  it('G2: of two environments share nothing but the time', () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000)
    const [one, other] = [createEnvironment().id(), createEnvironment().id()]
    expect(one.slice(0, 13)).toBe(other.slice(0, 13))
    expect(one.slice(15)).not.toBe(other.slice(15))
  })
})
