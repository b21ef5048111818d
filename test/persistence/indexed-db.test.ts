import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defaultStorage } from '../../src/persistence/default-storage'
import { createIndexedDbStorage } from '../../src/persistence/indexed-db'
import { record } from './support'

beforeEach(() => void vi.stubGlobal('IDBKeyRange', IDBKeyRange))
afterEach(() => vi.unstubAllGlobals())

const opened = (factory: IDBFactory): Promise<IDBDatabase> => new Promise((resolve, reject) => {
  const request = factory.open('chat')
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error)
})

describe('IndexedDB storage', () => {
  it('G1: asks for strict durability', async () => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.load('alice')
    const db = await opened(factory)
    const transaction = vi.spyOn(Object.getPrototypeOf(db) as IDBDatabase, 'transaction')
    await storage.write({ put: [record('a')], remove: [] })
    expect(transaction).toHaveBeenLastCalledWith('records', 'readwrite', { durability: 'strict' })
    transaction.mockRestore()
    db.close()
  })

  it('G1: a write is all or nothing, also when a record cannot be cloned', async () => {
    const storage = createIndexedDbStorage({ name: 'chat', factory: new IDBFactory() })
    const bad = record('b', 'tab', 'alice', { data: { cannot: () => 0 } })
    await expect(storage.write({ put: [record('a'), bad], remove: [] })).rejects.toMatchObject({ name: 'DataCloneError' })
    expect((await storage.load('alice')).records).toEqual([])
  })

  it('G3: an adoption is one put, of however many', async () => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    const all = Array.from({ length: 600 }, (_, i) => `m${i}`)
    await storage.write({ put: all.map((id) => record(id, 'ended')), remove: [] })
    const db = await opened(factory)
    const put = vi.spyOn(Object.getPrototypeOf(db.transaction('records').objectStore('records')) as IDBObjectStore, 'put')
    expect(await storage.adopt('alice', 'ended', 'heir', all)).toHaveLength(600)
    expect(put).toHaveBeenCalledOnce()
    put.mockRestore()
    db.close()
  })

  it('G2: a tab that was away does not bring back what somebody took over and removed', async () => {
    const storage = createIndexedDbStorage({ name: 'chat', factory: new IDBFactory() })
    await storage.write({ put: [record('a', 'away'), record('b', 'away')], remove: [] })
    await storage.adopt('alice', 'away', 'heir', ['a', 'b'])
    await storage.write({ put: [], remove: [record('a')] })
    expect(await storage.write({ put: [], update: [record('a', 'away'), record('b', 'away'), record('c', 'away')], remove: [] })).toEqual(['a', 'b'])
    expect((await storage.load('alice')).records.map(({ id, tab }) => [id, tab])).toEqual([['b', 'heir'], ['c', 'away']])
  })

  it('G2: nor does one that had taken them over before', async () => {
    const storage = createIndexedDbStorage({ name: 'chat', factory: new IDBFactory() })
    await storage.write({ put: [record('a', 'ended'), record('b', 'ended')], remove: [] })
    await storage.adopt('alice', 'ended', 'away', ['a', 'b'])
    await storage.adopt('alice', 'away', 'heir', ['a', 'b'])
    await storage.write({ put: [], remove: [record('a')] })
    expect(await storage.write({ put: [], update: [record('a', 'away'), record('b', 'away')], remove: [] })).toEqual(['a', 'b'])
  })

  it('G2: a mark that a woken tab puts again is its own', async () => {
    const storage = createIndexedDbStorage({ name: 'chat', factory: new IDBFactory() })
    await storage.write({ put: [record('read:#x', 'away'), record('a', 'away')], remove: [] })
    expect(await storage.adopt('alice', 'away', 'heir', ['read:#x', 'a'])).toHaveLength(2)
    expect((await storage.load('alice')).records.map(({ tab }) => tab)).toEqual(['heir', 'heir'])
    await storage.write({ put: [record('read:#x', 'away')], remove: [] })
    expect((await storage.load('alice')).records.map(({ id, tab }) => [id, tab])).toEqual([['a', 'heir'], ['read:#x', 'away']])
  })

  it.each([
    null, 5, {}, { from: null, tab: 'x', ids: ['a'] }, { from: ['ended'], tab: 'x', ids: null }, { from: ['ended'], ids: ['a'] }, { from: [null], tab: 'x', ids: [null] },
  ])('G1: a transfer that cannot be understood hides nothing (%j)', async (transfer) => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.write({ put: [record('a', 'ended')], remove: [] })
    const db = await opened(factory)
    db.transaction('records', 'readwrite').objectStore('records').put({ userId: 'alice', id: [], transfers: [transfer] })
    db.close()
    expect((await storage.load('alice')).records).toEqual([record('a', 'ended')])
    expect(await storage.write({ put: [], update: [record('a', 'ended')], remove: [] })).toEqual([])
    expect(await storage.adopt('alice', 'ended', 'heir', ['a'])).toEqual([record('a', 'heir')])
  })

  it('G8: nothing tells of what was taken over once it is gone, whatever else stays', async () => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    const all = ['a', 'b', 'c', 'd']
    await storage.write({ put: [record('newer', 'ended', 'alice', { version: 2 }), ...all.map((id) => record(id, 'ended'))], remove: [] })
    await storage.adopt('alice', 'ended', 'heir', all)
    const db = await opened(factory)
    const transfers = async () => new Promise<unknown>((resolve) => {
      const request = db.transaction('records').objectStore('records').get(['alice', []]) as IDBRequest<{ transfers: unknown } | undefined>
      request.onsuccess = () => resolve(request.result?.transfers)
    })
    await storage.write({ put: [], remove: ['a', 'b', 'c'].map((id) => record(id)) })
    await storage.load('alice')
    expect(await transfers()).toMatchObject([{ tab: 'heir', ids: ['d'] }])
    await storage.write({ put: [], update: [record('d', 'heir')], remove: [] })
    expect((await storage.load('alice')).records.map(({ id, tab }) => [id, tab])).toEqual([['d', 'heir'], ['newer', 'ended']])
    expect(await transfers()).toBeUndefined()
    db.close()
  })

  it('G8: nothing tells of what was taken over once it is gone', async () => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.load('alice')
    const db = await opened(factory)
    const count = async (): Promise<number> => new Promise((resolve) => {
      const request = db.transaction('records').objectStore('records').count()
      request.onsuccess = () => resolve(request.result)
    })
    for (const end of [() => storage.clear('alice'), () => storage.clear(), () => storage.write({ put: [], remove: [record('a'), record('b')] })]) {
      await storage.write({ put: [record('a', 'ended'), record('b', 'ended')], remove: [] })
      await storage.adopt('alice', 'ended', 'heir', ['a', 'b'])
      expect(await count()).toBe(3)
      await end()
      expect((await storage.load('alice')).records).toEqual([])
      expect(await count()).toBe(0)
    }
    db.close()
  })

  it('G1: tells when somebody deletes what it holds, and lets them', async () => {
    const factory = new IDBFactory()
    const dropped = vi.fn()
    const storage = createIndexedDbStorage({ name: 'chat', factory, dropped })
    await storage.write({ put: [record('a')], remove: [] })
    expect(dropped).not.toHaveBeenCalled()
    await new Promise((resolve) => { factory.deleteDatabase('chat').onsuccess = resolve })
    expect(dropped).toHaveBeenCalledOnce()
    expect((await storage.load('alice')).records).toEqual([])
  })

  it('G1: a write that the browser tells nothing of, because it closed the connection, ends all the same', async () => {
    const factory = new IDBFactory()
    const dropped = vi.fn()
    const storage = createIndexedDbStorage({ name: 'chat', factory, dropped })
    await storage.load('alice')
    const db = await opened(factory)
    // Chromium, when the origin's data is cleared amid it: neither complete nor abort ever comes.
    const begin = vi.spyOn(Object.getPrototypeOf(db) as IDBDatabase, 'transaction').mockImplementation(function (this: IDBDatabase) {
      setTimeout(() => this.onclose?.(new Event('close')))
      return { objectStore: () => ({ put: () => ({}), transaction: { commit: () => undefined } }), abort: () => undefined } as unknown as IDBTransaction
    })
    await expect(storage.write({ put: [record('a')], remove: [] })).rejects.toThrow('aborted')
    expect(dropped).toHaveBeenCalledOnce()
    begin.mockRestore()
    await storage.write({ put: [record('a')], remove: [] })
    expect((await storage.load('alice')).records).toHaveLength(1)
    db.close()
  })

  it('a browser that does not let it renew the log harms nothing', async () => {
    const factory = new IDBFactory()
    const deleted = vi.spyOn(factory, 'deleteDatabase').mockImplementation(() => { throw new DOMException('no', 'SecurityError') })
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.write({ put: [record('a')], remove: [] })
    await vi.waitFor(() => expect(deleted).toHaveBeenCalled())
    expect((await storage.load('alice')).records).toHaveLength(1)
  })

  it('opens nothing before it is used, and again after it was closed', async () => {
    const factory = new IDBFactory()
    const open = vi.spyOn(factory, 'open')
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    expect(open).not.toHaveBeenCalled()
    await storage.write({ put: [record('a')], remove: [] })
    await storage.load('alice')
    const opened = () => open.mock.calls.filter(([name]) => name === 'chat')
    expect(opened()).toHaveLength(1)
    storage.close()
    await Promise.resolve()
    expect((await storage.load('alice')).records).toHaveLength(1)
    expect(opened()).toHaveLength(2)
  })

  it('G1: has the browser renew its log once, by a database that comes and goes', async () => {
    const factory = new IDBFactory()
    const opened = vi.spyOn(factory, 'open')
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.write({ put: [record('a')], remove: [] })
    await vi.waitFor(async () => expect(await factory.databases()).toEqual([{ name: 'chat', version: 1 }]))
    storage.close()
    await storage.load('alice')
    expect(opened.mock.calls.map(([name]) => name)).toEqual(['chat', 'log-of:chat', 'chat'])
  })

  it('G7: and harms no chat whose name looks like that', async () => {
    const factory = new IDBFactory()
    const [one, two] = ['redux-chat:x', 'redux-chat:x:log'].map((name) => createIndexedDbStorage({ name, factory }))
    await two?.write({ put: [record('m')], remove: [] })
    await one?.load('alice')
    await new Promise((resolve) => { setTimeout(resolve, 50) })
    expect((await two?.load('alice'))?.records).toHaveLength(1)
  })

  it('gives way to newer code and says so afterwards', async () => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.write({ put: [record('a')], remove: [] })
    const newer = await new Promise<IDBDatabase>((resolve) => {
      const request = factory.open('chat', 2)
      request.onsuccess = () => resolve(request.result)
    })
    newer.close()
    await expect(storage.load('alice')).rejects.toMatchObject({ name: 'VersionError' })
  })

  it('a connection that was closed behind its back is opened once more', async () => {
    const factory = new IDBFactory()
    const connections: IDBDatabase[] = []
    const { open } = factory
    factory.open = (...args) => {
      const request = open.apply(factory, args)
      request.addEventListener('success', () => connections.push(request.result))
      return request
    }
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.write({ put: [record('a')], remove: [] })
    connections[0]?.close()
    expect((await storage.load('alice')).records).toHaveLength(1)
  })

  it('names what is no record, and loads the rest', async () => {
    const factory = new IDBFactory()
    const storage = createIndexedDbStorage({ name: 'chat', factory })
    await storage.write({ put: [record('a')], remove: [] })
    const db = await opened(factory)
    await new Promise<void>((resolve) => {
      const transaction = db.transaction('records', 'readwrite')
      transaction.objectStore('records').put({ userId: 'alice', id: 'odd', tab: 3 })
      transaction.oncomplete = () => resolve()
    })
    expect(await storage.load('alice')).toEqual({ records: [record('a')], unreadable: [{ id: 'odd', reason: 'corrupt' }] })
    db.close()
  })
})

describe('the default storage', () => {
  it('is none where IndexedDB does not exist', () => {
    vi.stubGlobal('indexedDB', undefined)
    expect(defaultStorage('chat')).toBeNull()
  })

  it('G1: refuses each use, visibly, where even the look at it is denied', async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB')
    Object.defineProperty(globalThis, 'indexedDB', { configurable: true, get() { throw new DOMException('denied', 'SecurityError') } })
    await expect(defaultStorage('chat')?.load('alice')).rejects.toMatchObject({ name: 'SecurityError' })
    Reflect.deleteProperty(globalThis, 'indexedDB')
    if (before) Object.defineProperty(globalThis, 'indexedDB', before)
  })
})
