import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutboxEntry } from '../../src/model'
import { due, failure, type Gate } from '../../src/policy/outbox'
import { sequenceOf } from '../../src/policy/sequence'
import { entry } from '../persistence/support'

const ALL: Gate<{}> = { owned: () => true, waiting: () => false, elsewhere: () => false, refused: () => false }
const flying = (id: string): OutboxEntry => entry(id, 1, { attempts: 1, lease: { attempt: 1, deadline: 1 } })
const retried = (id: string): OutboxEntry => entry(id, 1, { attempts: 1 })
const refusedFor = (id: string, code = 'out_of_order'): OutboxEntry => entry(id, 1, { attempts: 1, lastError: failure(code, 'wait', true, 1) })
const ids = (queue: readonly OutboxEntry[], room: number, gate = ALL): readonly string[] => due([queue], room, queue.filter(({ lease }) => lease).length, gate).map(({ message }) => message.id)

describe('what is due', () => {
  it('fills the room that is left, in order', () => {
    expect(ids([flying('a'), flying('b'), entry('c'), entry('d'), entry('e')], 4)).toEqual(['c', 'd'])
    expect(ids([flying('a'), entry('b')], 1)).toEqual([])
    expect(ids([entry('a', 1, { failure: failure('no', 'no', false, 1) }), entry('b')], 1)).toEqual(['b'])
  })

  it('G3: stops at one that waits or is not ours', () => {
    expect(ids([entry('a'), entry('b'), entry('c')], 3, { ...ALL, waiting: ({ message }) => message.id === 'b' })).toEqual(['a'])
    expect(ids([entry('a'), entry('b')], 3, { ...ALL, owned: ({ message }) => message.id !== 'a' })).toEqual([])
  })

  it('G3: what another tab may be sending is not overtaken', () => {
    const taken = entry('a', 1, { failure: failure('taken_over', 'gone', true, 1) })
    expect(ids([taken, entry('b')], 8, { ...ALL, elsewhere: ({ message }) => message.id === 'a' })).toEqual([])
    expect(ids([taken, entry('b')], 8)).toEqual(['b'])
  })

  it('counts what is in flight behind a retried message', () => {
    expect(ids([retried('a'), flying('b'), entry('c')], 1)).toEqual([])
    expect(ids([retried('a'), flying('b'), entry('c')], 2)).toEqual(['a'])
    // Its budget was over before its first emit.
    expect(ids([entry('a'), flying('b'), entry('c')], 1)).toEqual([])
  })

  it('counts what is in flight behind all that never left', () => {
    expect(ids([entry('a'), entry('b'), flying('c')], 1)).toEqual([])
    expect(ids([entry('a'), entry('b', 1, { failure: failure('no', 'no', false, 0) }), flying('c')], 1)).toEqual([])
    expect(ids([entry('a'), entry('b'), flying('c')], 2)).toEqual(['a'])
    expect(ids([entry('a'), entry('b'), flying('c')], 1, { ...ALL, waiting: ({ message }) => message.id === 'b' })).toEqual([])
  })

  it('G3: what was refused for the sake of another waits for its outcome', () => {
    expect(ids([flying('a'), refusedFor('b'), entry('c')], 8)).toEqual([])
    expect(ids([retried('a'), refusedFor('b'), entry('c')], 8)).toEqual(['a', 'b', 'c'])
    // Nobody can tell what an answer meant that nobody can read.
    expect(ids([flying('a'), refusedFor('b', 'invalid_ack'), entry('c')], 8)).toEqual([])
    expect(ids([flying('a'), refusedFor('b', 'rate_limited'), entry('c')], 8)).toEqual(['b', 'c'])
  })

  it('G3: what was refused for now waits for what comes before it for the first time', () => {
    const refused = (...names: readonly string[]): Gate<{}> => ({ ...ALL, refused: ({ message }) => names.includes(message.id) })
    expect(ids([entry('a'), retried('b'), entry('c')], 8, refused('b'))).toEqual(['a'])
    expect(ids([flying('a'), retried('b'), entry('c')], 8, refused('b'))).toEqual([])
    expect(ids([retried('a'), retried('b'), entry('c')], 8, refused('a', 'b'))).toEqual(['a', 'b', 'c'])
    expect(ids([flying('a'), retried('b'), entry('c')], 8, refused('a', 'b'))).toEqual(['b', 'c'])
  })

  it('looks no further than it must into a long queue', () => {
    let looks = 0
    const queue = [...Array(32).keys()].map((i) => flying(`f${i}`)).concat([...Array(5_000).keys()].map((i) => entry(`e${i}`)))
    due(sequenceOf(queue), 40, 32, { ...ALL, owned: () => { looks++; return true } })
    expect(looks).toBeLessThan(100)
  })

  it('G3, G12: is all that may go and nothing else, whatever stands in the queue', () => {
    fc.assert(fc.property(fc.array(fc.record({
      place: fc.constantFrom('idle', 'idle', 'idle', 'flying', 'failed', 'elsewhere'), isOwned: fc.constantFrom(true, true, true, false),
      isWaiting: fc.constantFrom(false, false, false, true), isRefusedForAnother: fc.constantFrom(false, false, false, true), isRefused: fc.constantFrom(false, false, true),
    }), { maxLength: 12 }), fc.nat({ max: 6 }), (specs, room) => {
      const queue = specs.map(({ place, isRefusedForAnother }, i) => entry(`m${i}`, i, {
        lease: place === 'flying' ? { attempt: 1, deadline: 1 } : null,
        failure: place === 'failed' || place === 'elsewhere' ? failure('x', 'x', true, 1) : null,
        lastError: isRefusedForAnother ? failure('out_of_order', 'wait', true, 1) : null,
      }))
      const specOf = ({ message: { id } }: OutboxEntry) => specs[Number(id.slice(1))]
      const gate: Gate<{}> = {
        owned: (each) => specOf(each)?.isOwned === true, waiting: (each) => specOf(each)?.isWaiting === true, elsewhere: (each) => specOf(each)?.place === 'elsewhere',
        refused: (each) => specOf(each)?.isRefused === true,
      }
      const found = ids(queue, room, gate)
      const flights = specs.filter(({ place }) => place === 'flying').length
      // What holds all behind it: one that waits, is not ours, may be on its way from another tab, was refused for the sake of one before it that
      // flies, or was refused at all, and something before it flies or goes that was not.
      const holds = ({ place, isOwned, isWaiting, isRefusedForAnother, isRefused }: (typeof specs)[number], i: number): boolean => {
        const before = specs.slice(0, i)
        return place === 'elsewhere' || (place === 'idle' && (!isOwned || isWaiting ||
          (isRefusedForAnother && before.some((other) => other.place === 'flying')) ||
          (isRefused && before.some((other) => !other.isRefused && (other.place === 'flying' || other.place === 'idle')))))
      }
      const end = specs.findIndex(holds)
      const free = specs.flatMap(({ place }, i) => (place === 'idle' && (end === -1 || i < end) ? [`m${i}`] : []))
      expect(found).toEqual(free.slice(0, Math.max(0, room - flights)))
    }), { numRuns: 500 })
  })
})
