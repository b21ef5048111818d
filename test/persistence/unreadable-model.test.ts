import fc from 'fast-check'
import { createMemoryLocks } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { createKeyValueStorage, type KeyValueStorage } from '../../src/persistence/key-value'
import type { StoredRecord } from '../../src/persistence/record-storage'
import { createBackend, loadPatiently, record } from './support'

/* A storage of keys and texts, some of which cannot be read: for a while, or any more. */

const RUNS = Number(process.env['UNREADABLE_RUNS'] ?? 400)
/** `refuses`: reading it throws, as Android does with a row that is too large; `once`, as a database that is busy does. The others are what a crash or a bug may leave of a text. */
const FAULTS = ['refuses', 'refuses', 'once', 'cut', 'garbage'] as const
type Fault = (typeof FAULTS)[number]

const isSlot = (key: string): boolean => /:\d+$/.test(key)
const idsOf = (texts: readonly string[]): readonly string[] => texts.map((text) => (JSON.parse(text) as StoredRecord).id).sort()
const shown = (records: readonly StoredRecord[]): readonly string[] => records.map(({ id }) => id).sort()

/** Some of its keys cannot be read. */
function createOdd(isAsync: boolean) {
  const backend = createBackend({ isAsync })
  const { items } = backend
  const refused = new Set<string>()
  const busy = new Set<string>()
  let isDown = false
  const storage: KeyValueStorage = {
    ...backend,
    getItem(key) {
      if (refused.has(key) || (isDown && isSlot(key)) || busy.delete(key)) throw new Error('Row too big to fit into CursorWindow')
      return backend.getItem(key)
    },
  }
  function spoil(key: string, fault: Fault): void {
    const text = items.get(key) ?? ''
    if (fault === 'refuses') refused.add(key)
    else if (fault === 'once') busy.add(key)
    else items.set(key, fault === 'cut' ? text.slice(0, text.length / 2) : '\0garbage')
  }
  return {
    storage, items, refused, spoil,
    slots: () => [...items.keys()].filter(isSlot),
    /** None of its records can be read, nor asked for. */
    goDown: (is: boolean): void => { isDown = is },
  }
}

interface Write { readonly by: number; readonly ids: readonly string[]; readonly removes: boolean }

const write: fc.Arbitrary<Write> = fc.record({
  by: fc.nat({ max: 2 }), ids: fc.uniqueArray(fc.nat({ max: 40 }).map(String), { minLength: 1, maxLength: 12 }), removes: fc.boolean(),
})
const fault = fc.option(fc.constantFrom(...FAULTS), { nil: null, freq: 3 })

describe('key-value storage, some of whose keys cannot be read', () => {
  it('G1, G7: shows all that can be read, names the rest, writes over nothing of it, and says so where it can read nothing', async () => {
    const faults = fc.array(fault, { minLength: 1, maxLength: 12 })
    await fc.assert(fc.asyncProperty(fc.boolean(), fc.array(write, { maxLength: 8 }), faults, faults, write, async (isAsync, writes, ofSlots, ofIndex, later) => {
      const device = createOdd(isAsync)
      const locks = createMemoryLocks()
      let tabs = 0
      const open = () => createKeyValueStorage({ name: 'chat', storage: device.storage, locks: locks.forTab(`tab-${++tabs}`) })
      const pages = [open(), open(), open()]
      for (const { by, ids, removes } of writes) {
        const own = ids.map((id) => record(`${by}.${id}`, `page-${by}`))
        await pages[by]?.write({ put: removes ? [] : own, remove: removes ? own : [] })
      }
      const slots = device.slots()
      const broken = slots.filter((key, at) => {
        const drawn = ofSlots[at % ofSlots.length]
        if (drawn) device.spoil(key, drawn)
        return drawn && drawn !== 'once'
      })
      // Of the two copies of each part of the index one is good.
      for (const [at, key] of [...device.items.keys()].filter((each) => each.includes('index') && !each.includes('copy')).entries()) {
        const drawn = ofIndex[at % ofIndex.length]
        if (drawn) device.spoil(at % 2 === 0 ? key : key.replace('index', 'index-copy'), drawn)
      }
      const readable = (): readonly string[] => idsOf(device.slots().filter((key) => !broken.includes(key)).map((key) => device.items.get(key) ?? ''))
      const reader = open()
      if (slots.length > 0) {
        device.goDown(true)
        await expect(reader.load('alice')).rejects.toThrow('Row too big')
        device.goDown(false)
      }
      // It may be for a moment: a part is taken for all there is only when that has been asked for again.
      const { records, unreadable } = await (broken.some((key) => device.refused.has(key)) ? loadPatiently(reader) : reader.load('alice'))
      expect(shown(records)).toEqual(readable())
      expect(new Map(unreadable.map(({ id, reason }) => [id, reason]))).toEqual(new Map(broken.map((key) => [key, device.refused.has(key) ? 'refused' : 'corrupt'])))
      // It goes on among them.
      const texts = new Map(broken.map((key) => [key, device.items.get(key)]))
      const removed = records.slice(0, later.by)
      await reader.write({ put: later.ids.map((id) => record(`new.${id}`, 'reader')), remove: removed })
      expect(readable().filter((id) => shown(removed).includes(id))).toEqual([])
      expect(new Map(broken.map((key) => [key, device.items.get(key)]))).toEqual(texts)
      // Whoever has written what is refused knows where it stands, and removes it as soon as it can be read.
      const refused = broken.filter((key) => device.refused.has(key))
      const [writer] = pages
      const settled = refused.filter((key) => device.items.get(key)?.includes('"page-0"')).slice(0, 1)
      const change = { put: [], remove: idsOf(settled.map((key) => device.items.get(key) ?? '')).map((id) => ({ userId: 'alice', id })) }
      if (writer && settled.length > 0) {
        await loadPatiently(writer)
        await expect(writer.write(change)).rejects.toThrow('Row too big')
      }
      device.refused.clear()
      await writer?.write(change)
      // What was refused for a while is there again.
      const last = await open().load('alice')
      const healed = refused.filter((key) => !settled.includes(key))
      expect(shown(last.records)).toEqual([...readable(), ...idsOf(healed.map((key) => device.items.get(key) ?? ''))].sort())
      expect(shown(last.records).filter((id) => id.startsWith('new.'))).toHaveLength(later.ids.length)
    }), { numRuns: RUNS })
  })
})
