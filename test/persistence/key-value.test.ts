import fc from 'fast-check'
import { createMemoryLocks } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import { createKeyValueStorage, type KeyValueStorage } from '../../src/persistence/key-value'
import { createBackend, loadPatiently, record } from './support'

type Backend = ReturnType<typeof createBackend>

const open = (storage: KeyValueStorage) => createKeyValueStorage({ name: 'chat', storage })
const idsOf = async (storage: KeyValueStorage) => (await open(storage).load('alice')).records.map(({ id }) => id)

/** Keys that hold a record. */
const slots = ({ items }: Backend) => [...items.keys()].filter((key) => /:\d+$/.test(key))

/** Each answer takes as many turns as it is told to. */
function createLateBackend(turns: () => number) {
  const items = new Map<string, string>()
  const late = <A extends readonly unknown[]>(call: (...args: A) => unknown) => async (...args: A): Promise<unknown> => {
    for (let left = turns(); left > 0; left--) await Promise.resolve()
    const answer = call(...args)
    for (let left = turns(); left > 0; left--) await Promise.resolve()
    return answer
  }
  return {
    getItem: late((key: string) => items.get(key) ?? null),
    setItem: late((key: string, value: string) => items.set(key, value)),
    removeItem: late((key: string) => items.delete(key)),
  }
}

/** As one sees it whose page ends after so many changes. */
function endingAfter(backend: Backend, changes: number): KeyValueStorage {
  let left = changes
  const whileAlive = (change: () => unknown): unknown => (left-- > 0 ? change() : new Promise(() => undefined))
  return {
    getItem: backend.getItem,
    setItem: (key, value) => whileAlive(() => backend.setItem(key, value)),
    removeItem: (key) => whileAlive(() => backend.removeItem(key)),
  }
}

/** localStorage as several processes of Chromium see it: each has a copy, and what it writes reaches the others when it is `spread`. */
function createCopies() {
  const truth = new Map<string, string>()
  const copies: Map<string, string>[] = []
  const under: (() => void)[] = []
  const apply = (items: Map<string, string>, key: string, value: string | null): void => void (value === null ? items.delete(key) : items.set(key, value))
  return {
    open(): KeyValueStorage {
      const own = new Map(truth)
      copies.push(own)
      const change = (key: string, value: string | null): void => {
        apply(own, key, value)
        under.push(() => { for (const items of [truth, ...copies]) apply(items, key, value) })
      }
      return { getItem: (key) => own.get(key) ?? null, setItem: change, removeItem: (key) => change(key, null) }
    },
    spread: (): void => { for (const each of under.splice(0)) each() },
  }
}

describe('key-value storage', () => {
  it('G8: bytes per record stay flat from the first to the 10,000th, three times the payload at most', async () => {
    const backend = createBackend()
    const storage = open(backend)
    let payload = 0
    for (let i = 0; i < 10_000; i++) {
      const each = record(`018f0000-0000-7000-8000-${String(i).padStart(12, '0')}`, '018f0000-0000-7000-8000-00000000000a')
      payload += JSON.stringify(each.data).length
      await storage.write({ put: [each], remove: [] })
    }
    expect(backend.bytes).toBeLessThan(payload * 3)
  })

  it('G1: one broken index hides nothing, nor do two that break in the middle', async () => {
    const backend = createBackend()
    await open(backend).write({ put: [record('a', 'one')], remove: [] })
    await open(backend).write({ put: [record('b', 'two')], remove: [] })
    backend.items.set('redux-chat:chat:index', '\0garbage')
    expect(await idsOf(backend)).toEqual(['a', 'b'])
    backend.items.set('redux-chat:chat:index-copy', '{"one":32,"two":32,#')
    expect(await idsOf(backend)).toEqual(['a', 'b'])
  })

  it('G7: a broken record is named and left, and all others load', async () => {
    const backend = createBackend()
    await open(backend).write({ put: [record('a'), record('b')], remove: [] })
    const [first = ''] = slots(backend)
    backend.items.set(first, '{"userId":"alice","id":"a"')
    const storage = open(backend)
    expect(await storage.load('alice')).toEqual({ records: [record('b')], unreadable: [{ id: first, reason: 'corrupt' }] })
    await storage.write({ put: [record('c'), record('d')], remove: [] })
    expect(backend.items.get(first)).toBe('{"userId":"alice","id":"a"')
    expect((await idsOf(backend)).sort()).toEqual(['b', 'c', 'd'])
  })

  it('G1: two tabs that write at the same time lose nothing', async () => {
    const backend = createBackend({ isAsync: true })
    const [one, two] = [open(backend), open(backend)]
    for (let i = 0; i < 65; i++) {
      await Promise.all([one.write({ put: [record(`a${i}`, 'one')], remove: [] }), two.write({ put: [record(`b${i}`, 'two')], remove: [] })])
    }
    expect(await idsOf(backend)).toHaveLength(130)
  })

  it('G1: tabs that announce their first slots at once, over a storage that answers in any order, hide no record of each other', async () => {
    await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 11 })), fc.integer({ min: 2, max: 3 }), async (delays, tabs) => {
      const storage = createLateBackend(() => delays.next().value ?? 0)
      const locks = createMemoryLocks()
      const names = Array.from({ length: tabs }, (_, i) => `tab-${i}`)
      await Promise.all(names.map(async (tab) => {
        const engine = createKeyValueStorage({ name: 'chat', storage, locks: locks.forTab(tab) })
        await engine.load('alice')
        await engine.write({ put: [record(`of ${tab}`, tab)], remove: [] })
      }))
      const { records } = await createKeyValueStorage({ name: 'chat', storage }).load('alice')
      expect(records.map(({ tab }) => tab).sort()).toEqual(names)
    }), { numRuns: 300 })
  })

  it('G1: tabs that write at once hide no record of each other where each process has its own copy, as Chromium has of localStorage', async () => {
    const copies = createCopies()
    const locks = createMemoryLocks()
    const tabs = ['one', 'two', 'three'].map((tab) => ({ tab, storage: createKeyValueStorage({ name: 'chat', storage: copies.open(), locks: locks.forTab(tab) }) }))
    for (const { tab, storage } of tabs) await storage.write({ put: [record(`of ${tab}`, tab)], remove: [] })
    copies.spread()
    const { records } = await createKeyValueStorage({ name: 'chat', storage: copies.open() }).load('alice')
    expect(records.map(({ tab }) => tab).sort()).toEqual(['one', 'three', 'two'])
  })

  it("G7: a tab that goes on in an ended one's part of the index hides nothing of what somebody else left there", async () => {
    const storage = createBackend()
    const locks = createMemoryLocks()
    await createKeyValueStorage({ name: 'chat', storage, locks: locks.forTab('gone') }).write({ put: [record('m', 'gone', 'bob')], remove: [] })
    locks.kill('gone')
    const next = createKeyValueStorage({ name: 'chat', storage, locks: locks.forTab('next') })
    await next.load('alice')
    await next.write({ put: [record('n', 'next')], remove: [] })
    expect((await open(storage).load('bob')).records).toHaveLength(1)
  })

  it('G9: a storage that is closed leaves its part of the index to others', async () => {
    const locks = createMemoryLocks()
    const storage = createKeyValueStorage({ name: 'chat', storage: createBackend(), locks: locks.forTab('tab') })
    await storage.write({ put: [record('a')], remove: [] })
    expect([...locks.holders().keys()]).toEqual(['redux-chat:chat:index'])
    storage.close()
    await Promise.resolve()
    expect(locks.size).toBe(0)
  })

  it('G1: a refused write leaves nothing of what was new in it', async () => {
    const backend = createBackend()
    const storage = open(backend)
    await storage.write({ put: [record('a')], remove: [] })
    backend.refusesAfter = 1
    await expect(storage.write({ put: [record('b'), record('c')], remove: [] })).rejects.toMatchObject({ name: 'QuotaExceededError' })
    expect(await idsOf(backend)).toEqual(['a'])
    backend.refusesAfter = Infinity
    await storage.write({ put: [record('b'), record('c')], remove: [] })
    expect((await idsOf(backend)).sort()).toEqual(['a', 'b', 'c'])
  })

  it('G1: a storage that keeps nothing, as redux-persist gives where localStorage is denied, is refused', async () => {
    const noop = { getItem: async () => null, setItem: async () => undefined, removeItem: async () => undefined }
    await expect(createKeyValueStorage({ name: 'chat', storage: noop }).write({ put: [record('a')], remove: [] })).rejects.toMatchObject({ name: 'NotAllowedError' })
  })

  it('G8: slots are used again, and lives of the page that left nothing leave no trace in the index', async () => {
    const backend = createBackend()
    for (let life = 0; life < 50; life++) {
      const storage = open(backend)
      await storage.load('alice')
      await storage.write({ put: [record('a', `life-${life}`)], remove: [] })
      await storage.write({ put: [], remove: [{ userId: 'alice', id: 'a' }] })
    }
    await open(backend).load('alice')
    expect(backend.items.get('redux-chat:chat:index')).toBe('{}')
    const storage = open(backend)
    for (let i = 0; i < 200; i++) await storage.write({ put: [record(`m${i}`)], remove: [{ userId: 'alice', id: `m${i - 1}` }] })
    expect(backend.items.get('redux-chat:chat:index')).toBe('{"tab":32}')
    expect(slots(backend)).toHaveLength(1)
  })

  it('G1: a tab whose empty segment was tidied away announces it again before it writes', async () => {
    const backend = createBackend()
    const storage = open(backend)
    await storage.write({ put: [record('a')], remove: [] })
    await storage.write({ put: [], remove: [record('a')] })
    await open(backend).load('alice')
    await storage.write({ put: [record('b')], remove: [] })
    expect(await idsOf(backend)).toEqual(['b'])
  })

  it.each(['read:#general', 'm'])('G1: a record is found that is written again where another tab has removed it (%s)', async (id) => {
    const storage = createBackend()
    const locks = createMemoryLocks()
    const open = (tab: string) => createKeyValueStorage({ name: 'chat', storage, locks: locks.forTab(tab) })
    const [gone, one, two] = [open('gone'), open('one'), open('two')]
    await gone.write({ put: [record(id, 'gone')], remove: [] })
    await one.adopt('alice', 'gone', 'one', [id])
    await two.load('alice')
    await two.write({ put: [], remove: [{ userId: 'alice', id }] })
    // Finds nothing of the tab that is gone, and takes it out of the index.
    await open('three').load('alice')
    await one.write({ put: [], update: [record(id, 'one')], remove: [] })
    expect((await open('four').load('alice')).records.map((each) => each.id)).toEqual([id])
  })

  it.each([{ remove: [record('m')] }, { remove: [], update: [record('m', 'heir')] }])('G1: a place that a woken tab has used again is left to it (%j)', async (change) => {
    const storage = createBackend()
    const [away, heir] = [open(storage), open(storage)]
    await away.write({ put: [record('m', 'away')], remove: [] })
    await heir.adopt('alice', 'away', 'heir', ['m'])
    await away.write({ put: [], remove: [record('m')] })
    await away.write({ put: [record('n', 'away')], remove: [] })
    await heir.write({ put: [], ...change })
    expect(await idsOf(storage)).toContain('n')
  })

  it('G1: a tab that opens while another writes its first record hides it from nobody', async () => {
    await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 11 })), fc.nat({ max: 400 }), async (delays, wait) => {
      const storage = createLateBackend(() => delays.next().value ?? 0)
      const locks = createMemoryLocks()
      const [one, two] = ['one', 'two'].map((tab) => createKeyValueStorage({ name: 'chat', storage, locks: locks.forTab(tab) }))
      await one?.load('alice')
      const writing = one?.write({ put: [record('a', 'one')], remove: [] })
      for (let turn = 0; turn < wait; turn++) await Promise.resolve()
      await Promise.all([writing, two?.load('alice')])
      const { records } = await createKeyValueStorage({ name: 'chat', storage }).load('alice')
      expect(records.map(({ id }) => id)).toEqual(['a'])
    }), { numRuns: 500 })
  })

  it('G3: a tab that ends anywhere in a take-over leaves no part of it to somebody else', async () => {
    const all = ['a', 'b', 'c']
    const tabs = async (backend: Backend) => new Set((await open(backend).load('alice')).records.map(({ tab }) => tab))
    await fc.assert(fc.asyncProperty(fc.array(fc.nat({ max: 8 }), { minLength: 1, maxLength: 4 }), async (ends) => {
      const backend = createBackend()
      await open(backend).write({ put: all.map((id) => record(id, 'tab-0')), remove: [] })
      let [owner, heirs] = ['tab-0', 0]
      for (const end of ends) {
        const storage = createKeyValueStorage({ name: 'chat', storage: endingAfter(backend, end) })
        void storage.load('alice')
        const heir = `tab-${++heirs}`
        let isOver = false
        void storage.adopt('alice', owner, heir, all).then(() => { isOver = true })
        await new Promise((resolve) => { setImmediate(resolve) })
        const now = await tabs(backend)
        expect(now.size).toBe(1)
        expect([owner, heir]).toContain([...now][0])
        if (isOver) expect(now).toContain(heir)
        owner = [...now][0] ?? ''
      }
      const last = open(backend)
      await last.load('alice')
      expect((await last.adopt('alice', owner, 'last', all)).map(({ id }) => id)).toEqual(all)
      expect(await tabs(backend)).toEqual(new Set(['last']))
      // Nothing tells any more of what was begun.
      expect(slots(backend)).toHaveLength(all.length)
    }))
  })

  it('G3: a take-over that is refused anywhere leaves no part of it to somebody else, and what was said is done', async () => {
    const all = ['a', 'b', 'c']
    for (let writes = 0; writes < 8; writes++) {
      const backend = createBackend()
      await open(backend).write({ put: all.map((id) => record(id, 'ended')), remove: [] })
      const storage = open(backend)
      await storage.load('alice')
      backend.refusesAfter = writes
      const isDone = await storage.adopt('alice', 'ended', 'heir', all).then(() => true, () => false)
      backend.refusesAfter = Infinity
      expect((await open(backend).load('alice')).records.map(({ tab }) => tab)).toEqual(all.map(() => (isDone ? 'heir' : 'ended')))
      if (!isDone) continue
      expect(await storage.write({ put: [], update: all.map((id) => record(id, 'heir')), remove: [] })).toEqual([])
      await storage.write({ put: [], remove: all.map((id) => record(id)) })
      await open(backend).load('alice')
      expect(slots(backend)).toEqual([])
    }
  })

  it('G3: a tab that ends in a take-over after another has looked leaves no part of it to that one alone', async () => {
    const all = ['a', 'b', 'c']
    for (let changes = 0; changes < 9; changes++) {
      const backend = createBackend()
      await open(backend).write({ put: all.map((id) => record(id, 'ended')), remove: [] })
      const next = open(backend)
      await next.load('alice')
      const dying = open(endingAfter(backend, changes))
      void dying.adopt('alice', 'ended', 'dying', all)
      await new Promise((resolve) => { setImmediate(resolve) })
      await next.adopt('alice', 'ended', 'next', all)
      expect(new Set((await open(backend).load('alice')).records.map(({ tab }) => tab)).size).toBe(1)
    }
  })

  it('G2: a tab that was away leaves alone what somebody has begun to take over', async () => {
    const all = ['a', 'b', 'c']
    const backend = createBackend()
    const away = open(backend)
    await away.write({ put: all.map((id) => record(id, 'away')), remove: [] })
    // The index twice, what is said, and one of the records.
    void open(endingAfter(backend, 4)).adopt('alice', 'away', 'dying', all)
    await new Promise((resolve) => { setImmediate(resolve) })
    await away.load('alice')
    expect(await away.write({ put: [], update: all.map((id) => record(id, 'away')), remove: [] })).toEqual(all)
  })

  it('G8: what a tab that ended in a take-over has said goes with what it told of', async () => {
    const all = ['a', 'b', 'c']
    for (let changes = 0; changes < 9; changes++) {
      const backend = createBackend()
      await open(backend).write({ put: all.map((id) => record(id, 'ended')), remove: [] })
      void open(endingAfter(backend, changes)).adopt('alice', 'ended', 'dying', all)
      await new Promise((resolve) => { setImmediate(resolve) })
      await open(backend).write({ put: [], remove: all.map((id) => record(id)) })
      await open(backend).load('alice')
      expect(slots(backend)).toEqual([])
    }
  })

  it('G8: of take-overs that follow each other on a device where nothing can be moved the last is kept', async () => {
    const backend = createBackend()
    await open(backend).write({ put: ['a', 'b', 'c'].map((id) => record(id, 'life-0')), remove: [] })
    const setItem = (key: string, value: string): unknown => {
      if (/:\d+$/.test(key) && !value.includes('transfer:')) throw new DOMException('full', 'QuotaExceededError')
      return backend.setItem(key, value)
    }
    for (let life = 1; life < 10; life++) await open({ ...backend, setItem }).adopt('alice', `life-${life - 1}`, `life-${life}`, ['a', 'b', 'c'])
    expect((await open(backend).load('alice')).records.map(({ tab }) => tab)).toEqual(['life-9', 'life-9', 'life-9'])
    expect(slots(backend)).toHaveLength(4)
  })

  it('G1: a device that is full shows what it holds', async () => {
    const backend = createBackend()
    await open(backend).write({ put: [record('a', 'one')], remove: [] })
    // Leaves an entry in the index that a look would tidy away.
    const other = open(backend)
    await other.write({ put: [record('b', 'two')], remove: [] })
    await other.write({ put: [], remove: [record('b', 'two')] })
    backend.refusesAfter = 0
    expect(await idsOf(backend)).toEqual(['a'])
  })

  it('G1: one key that cannot be read hides no other; a storage that reads none says so', async () => {
    const backend = createBackend({ isAsync: true })
    await open(backend).write({ put: [record('a'), record('b')], remove: [] })
    const { getItem } = backend
    const refuse = (isUnreadable: (key: string) => boolean) => Object.assign(backend, { getItem: (key: string) => {
      if (isUnreadable(key)) throw new Error('Row too big to fit into CursorWindow')
      return getItem(key)
    } })
    refuse((key) => key.endsWith('tab:0'))
    const { records, unreadable } = await loadPatiently(open(backend))
    expect([records.map(({ id }) => id), unreadable]).toEqual([['b'], [{ id: expect.stringContaining('tab:0') as unknown, reason: 'refused' }]])
    refuse((key) => !key.includes('index'))
    await expect(open(backend).load('alice')).rejects.toThrow('Row too big')
  })

  it.each(['index', 'index-copy'])('G1: an index of which one copy cannot be read hides nothing (%s)', async (copy) => {
    const backend = createBackend()
    await open(backend).write({ put: [record('a')], remove: [] })
    const { getItem } = backend
    backend.getItem = (key) => {
      if (key.endsWith(copy)) throw new Error('Row too big to fit into CursorWindow')
      return getItem(key)
    }
    expect(await idsOf(backend)).toEqual(['a'])
  })

  it('G1: a broken index that tells of any number of slots hides nothing', async () => {
    const backend = createBackend()
    await open(backend).write({ put: [record('a')], remove: [] })
    backend.items.set('redux-chat:chat:index', '{"tab":320000000000}')
    expect(await idsOf(backend)).toEqual(['a'])
  })
})
