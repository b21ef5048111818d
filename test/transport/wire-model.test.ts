import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWire } from '../../src/transport/wire'

const INBOUND = ['message:new', 'message:delivered', 'message:read', 'auth:expired', 'session'] as const

describe('the wire, whatever an app maps', () => {
  it('G10: throws nothing into the store: what a mapping throws, or makes of what came, is told as unreadable or is well formed', () => {
    const message = fc.record({ id: fc.string(), channelId: fc.string(), userId: fc.string(), content: fc.string(), createdAt: fc.nat(), seq: fc.nat() }, { requiredKeys: [] })
    const mapping = fc.oneof(fc.constant('throws' as const), fc.anything(), message)
    fc.assert(fc.property(fc.constantFrom(...INBOUND), mapping, fc.array(fc.anything(), { maxLength: 3 }), (event, made, args) => {
      const map = (): unknown => {
        if (made === 'throws') throw new Error('from the app')
        return made
      }
      const wire = createWire({ protocol: { incoming: { [event]: map }, ack: map } })
      const parsed = wire.inbound(event, args)
      expect(parsed === null ? 'unknown' : typeof parsed.ok).toBe('boolean')
      if (made === 'throws') expect([parsed?.ok, wire.response('message:send', args).unclear]).toEqual([false, 'unreadable'])
    }), { numRuns: 1_000 })
  })
})
