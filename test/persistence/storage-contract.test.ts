import { afterEach, describe, expect, it, vi } from 'vitest'
import { ENGINES, record } from './support'

afterEach(() => vi.unstubAllGlobals())

const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id).sort()

describe.each(ENGINES)('record storage: %s', (name, create) => {
  it('G1: a later page finds what was written', async () => {
    const open = create()
    await open().write({ put: [record('a'), record('b')], remove: [] })
    const { records, unreadable } = await open().load('alice')
    expect([...records].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([record('a'), record('b')])
    expect(unreadable).toEqual([])
  })

  it('replaces by user and id, and removes', async () => {
    const open = create()
    const storage = open()
    await storage.write({ put: [record('a'), record('b')], remove: [] })
    await storage.write({ put: [record('a', 'other')], remove: [{ userId: 'alice', id: 'b' }, { userId: 'alice', id: 'unknown' }] })
    expect((await open().load('alice')).records).toEqual([record('a', 'other')])
  })

  it('G7: users do not see each other, even where their ids look alike', async () => {
    const storage = create()()
    await storage.write({ put: [record('x', 'tab', 'alice'), record('x', 'tab', 'alicex'), record('xx', 'tab', 'alic')], remove: [] })
    expect((await storage.load('alice')).records).toEqual([record('x', 'tab', 'alice')])
    await storage.clear('alice')
    expect((await storage.load('alice')).records).toEqual([])
    expect(ids((await storage.load('alicex')).records)).toEqual(['x'])
    await storage.clear()
    expect((await storage.load('alicex')).records).toEqual([])
  })

  it('G2: gives records to exactly one of two who ask', async () => {
    const open = create()
    await open().write({ put: [record('a', 'dead'), record('b', 'dead'), record('c', 'alive')], remove: [] })
    const [one, two] = [open(), open()]
    const [first, second] = await Promise.all([one.adopt('alice', 'dead', 'one', ['a', 'b', 'c']), two.adopt('alice', 'dead', 'two', ['a', 'b', 'c'])])
    if (name === 'IndexedDB' || name === 'memory') expect(ids([...first, ...second])).toEqual(['a', 'b'])
    expect(await one.adopt('alice', 'dead', 'three', ['a', 'b', 'c'])).toEqual([])
    expect((await open().load('alice')).records.filter(({ tab }) => tab === 'dead')).toEqual([])
    expect((await open().load('alice')).records.filter(({ tab }) => tab === 'alive')).toHaveLength(1)
  })

  it('leaves records alone that were not named for adoption', async () => {
    const storage = create()()
    await storage.write({ put: [record('a', 'dead'), record('newer', 'dead', 'alice', { version: 2 })], remove: [] })
    expect(ids(await storage.adopt('alice', 'dead', 'one', ['a']))).toEqual(['a'])
    expect((await storage.load('alice')).records.find(({ id }) => id === 'newer')?.tab).toBe('dead')
  })

  it('G2: an update leaves alone what another tab owns by now, and says so', async () => {
    const open = create()
    const storage = open()
    await storage.write({ put: [record('mine', 'one'), record('taken', 'one')], remove: [] })
    await open().adopt('alice', 'one', 'two', ['taken'])
    const lost = await storage.write({ put: [], update: [record('mine', 'one', 'alice', { data: { changed: true } }), record('taken', 'one'), record('evicted', 'one')], remove: [] })
    expect(lost).toEqual(['taken'])
    const found = new Map((await open().load('alice')).records.map((each) => [each.id, each]))
    expect(found.get('mine')?.data).toEqual({ changed: true })
    expect(found.get('taken')?.tab).toBe('two')
    expect(found.get('evicted')?.tab).toBe('one')
    // Whoever has it, what is settled is settled.
    await storage.write({ put: [], remove: [{ userId: 'alice', id: 'taken' }] })
    expect(ids((await open().load('alice')).records)).toEqual(['evicted', 'mine'])
  })

  it('keeps many records, written one by one and removed from the front', async () => {
    const open = create()
    const storage = open()
    for (let i = 0; i < 100; i++) await storage.write({ put: [record(`m${i}`)], remove: [] })
    for (let i = 0; i < 50; i++) await storage.write({ put: [record(`n${i}`)], remove: [{ userId: 'alice', id: `m${i}` }] })
    expect((await open().load('alice')).records).toHaveLength(100)
  })
})
