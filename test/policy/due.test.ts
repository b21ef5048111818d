import { describe, expect, it } from 'vitest'
import type { OutboxEntry } from '../../src/model'
import { due, failure, type Gate } from '../../src/policy/outbox'
import { sequenceOf } from '../../src/policy/sequence'
import { entry } from '../persistence/support'

const ALL: Gate<{}> = { owned: () => true, waiting: () => false, elsewhere: () => false }
const flying = (id: string): OutboxEntry => entry(id, 1, { attempts: 1, lease: { attempt: 1, deadline: 1 } })
const retried = (id: string): OutboxEntry => entry(id, 1, { attempts: 1 })
const refusedFor = (id: string): OutboxEntry => entry(id, 1, { attempts: 1, lastError: failure('out_of_order', 'wait', true, 1) })
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
  })

  it('looks no further than it must into a long queue', () => {
    let looks = 0
    const queue = [...Array(32).keys()].map((i) => flying(`f${i}`)).concat([...Array(5_000).keys()].map((i) => entry(`e${i}`)))
    due(sequenceOf(queue), 40, 32, { ...ALL, owned: () => { looks++; return true } })
    expect(looks).toBeLessThan(100)
  })
})
