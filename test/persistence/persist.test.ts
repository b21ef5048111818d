import { createManualClock, createMemoryLocks } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { TabLocks } from '../../src/persistence/tabs'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { contents, createDevice, entry, openTab, outbox, record } from './support'

const failure = { code: 'too_large', message: 'no', retryable: false, attempt: 0 }

describe('writing', () => {
  it('G1: a message is durable, then reported, without any time passing', async () => {
    const tab = openTab()
    tab.update(outbox([entry('a')]))
    expect(tab.stored).toEqual([])
    await tab.clock.flush()
    expect(await tab.device.ids()).toEqual(['a'])
    expect(tab.stored).toEqual(['a'])
  })

  it('G1: not reported before the device has it', async () => {
    const tab = openTab()
    tab.device.hangs = true
    tab.update(outbox([entry('a')]))
    await tab.clock.flush()
    expect(tab.stored).toEqual([])
    tab.device.release()
    await tab.clock.flush()
    expect(tab.stored).toEqual(['a'])
  })

  it('writes the difference, and nothing for a lease, a count of emits or a report', async () => {
    const { update, device, clock } = openTab()
    const [a, b] = [entry('a', 1), entry('b', 2)]
    update(outbox([a, b]))
    await clock.flush()
    update(outbox([{ ...a, stored: true }, { ...b, stored: true, attempts: 1, lease: { attempt: 1, deadline: 5 } }]))
    await clock.flush()
    expect(device.writes).toHaveLength(1)
    update(outbox([a, { ...b, failure }]))
    await clock.flush()
    update(outbox([{ ...b, failure }], 'alice', { '#general': { seq: 3 } }))
    await clock.flush()
    expect(device.writes.map(({ put, remove }) => [put.map(({ id }) => id), remove.map(({ id }) => id)]))
      .toEqual([[['a', 'b'], []], [['b'], []], [['read:#general'], ['a']]])
  })

  it('G8: one burst is one transaction, and each of 10,000 messages is written once', async () => {
    const { update, device, clock } = openTab()
    const queue = Array.from({ length: 10_000 }, (_, i) => entry(`018f0000-0000-7000-8000-${String(i).padStart(12, '0')}`, i))
    for (let n = 9_000; n <= queue.length; n++) update(outbox(queue.slice(0, n)))
    await clock.flush()
    expect(device.writes).toHaveLength(1)
    const payload = JSON.stringify(queue.map(({ message }) => message)).length
    expect(JSON.stringify(device.writes).length).toBeLessThan(payload * 3)
    for (let n = 1; n <= 100; n++) {
      update(outbox(queue.slice(n)))
      await clock.flush()
    }
    expect(device.writes.flatMap(({ put }) => put)).toHaveLength(10_000)
    expect(device.writes.flatMap(({ remove }) => remove)).toHaveLength(100)
  })

  it('G3: an earlier slow write is never overtaken by a later one', async () => {
    const { update, device, clock } = openTab()
    device.hangs = true
    update(outbox([entry('a', 1)]))
    await clock.flush()
    update(outbox([entry('a', 1), entry('b', 2)]))
    update(outbox([entry('b', 2)]))
    await clock.flush()
    expect(device.writes).toHaveLength(1)
    device.release()
    await clock.flush()
    device.release()
    await clock.flush()
    expect(device.writes).toHaveLength(2)
    expect(await device.ids()).toEqual(['b'])
  })

  it('G2: a message that was acked while its first write was under way is removed after it', async () => {
    const { update, device, clock } = openTab()
    device.hangs = true
    update(outbox([entry('a')]))
    await clock.flush()
    update(outbox([{ ...entry('a'), failure }]))
    update(outbox([]))
    for (let i = 0; i < 4; i++) {
      device.release()
      await clock.flush()
    }
    expect(await device.ids()).toEqual([])
  })

  it('opens the storage once, and closes it when stopped', async () => {
    const { update, device, clock, stop } = openTab()
    update(outbox([entry('a')]))
    await clock.flush()
    update(outbox([]))
    await clock.flush()
    expect(device.opened).toBe(1)
    stop()
    await clock.flush()
    expect([device.closed, clock.pending]).toEqual([1, 0])
  })
})

describe('trouble', () => {
  it.each([['QuotaExceededError', 'storage_quota'], ['SecurityError', 'storage_denied'], ['UnknownError', 'storage_failed']])(
    'G1: %s is told once, tried again by itself, and over when the device recovers', async (name, code) => {
      const { update, device, clock, failed, stored } = openTab()
      device.refuses = name
      update(outbox([entry('a', 1)]))
      await clock.advance(30_000)
      update(outbox([entry('a', 1), entry('b', 2)]))
      await clock.advance(60_000)
      expect(failed.map((each) => each.code)).toEqual([code])
      expect(stored).toEqual([])
      device.refuses = null
      await clock.advance(60_000)
      expect(stored).toEqual(['a', 'b'])
      expect(await device.ids()).toEqual(['a', 'b'])
    })

  it('G1: a message too large for the device keeps no other from being stored, is named once, and stored when there is room', async () => {
    const { update, device, clock, failed, stored, persistence } = openTab()
    const large = entry('large', 1)
    device.room = 1_000
    const huge = { ...large, message: { ...large.message, content: 'x'.repeat(2_000) } }
    update(outbox([huge]))
    await clock.advance(100)
    const queue = [huge, ...Array.from({ length: 100 }, (_, i) => entry(`m${i}`, 2 + i))]
    update(outbox(queue))
    await clock.advance(2_000)
    expect(stored).toEqual(queue.slice(1).map(({ message }) => message.id))
    update(outbox([...queue, entry('next', 200)]))
    await clock.flush()
    expect(stored.at(-1)).toBe('next')
    await clock.advance(600_000)
    update(outbox([...queue, entry('next', 200), entry('later', 201)]))
    await clock.flush()
    expect(stored.at(-1)).toBe('later')
    expect(failed.map(({ message }) => message.includes('message large'))).toEqual([false, true])
    await expect(persistence.flush()).rejects.toThrow('message large')
    device.room = Infinity
    await clock.advance(60_000)
    expect(stored.at(-1)).toBe('large')
    await persistence.flush()
  })

  it('G1: a message that was too large by itself holds up none that comes later', async () => {
    const { update, device, clock, stored } = openTab()
    device.room = 1_000
    const large = entry('large', 1)
    const huge = { ...large, message: { ...large.message, content: 'x'.repeat(2_000) } }
    update(outbox([huge]))
    await clock.advance(600_000)
    update(outbox([huge, entry('small', 2)]))
    await clock.flush()
    expect(stored).toEqual(['small'])
  })

  it('G8: a message too large for the device that is sent or discarded leaves nothing to write', async () => {
    const { update, device, clock, stop } = openTab()
    const [large, small] = [entry('large', 1), entry('small', 2)]
    device.room = 1_000
    update(outbox([{ ...large, message: { ...large.message, content: 'x'.repeat(2_000) } }, small]))
    await clock.advance(2_000)
    expect(await device.ids()).toEqual(['small'])
    update(outbox([small]))
    const before = device.writes.length
    await clock.advance(600_000)
    expect([device.writes.length, clock.pending]).toEqual([before, 0])
    stop()
    await clock.flush()
    expect(clock.pending).toBe(0)
  })

  it('G8: a device that is full is not asked for each message by itself again and again', async () => {
    const { update, device, clock } = openTab()
    device.room = 0
    update(outbox(Array.from({ length: 1_000 }, (_, i) => entry(`m${i}`, i))))
    await clock.flush()
    expect(device.writes.length).toBeLessThan(30)
  })

  it('what was refused, and what was too large, is not tried again while paused', async () => {
    const { update, device, clock, handle, stored } = openTab()
    const [large, small] = [entry('large', 1), entry('small', 2)]
    device.room = 1_000
    update(outbox([{ ...large, message: { ...large.message, content: 'x'.repeat(2_000) } }, small]))
    await clock.flush()
    device.refuses = 'QuotaExceededError'
    update(outbox([{ ...large, message: { ...large.message, content: 'x'.repeat(2_000) } }, small, entry('refused', 3)]))
    await clock.flush()
    handle({ type: 'persist/PAUSE' })
    device.refuses = null
    device.room = Infinity
    const before = device.writes.length
    await clock.advance(600_000)
    expect([device.writes.length, stored]).toEqual([before, ['small']])
    handle({ type: 'persist/PERSIST', key: 'x', register: () => undefined, rehydrate: () => undefined })
    await clock.advance(100)
    expect([...stored].sort()).toEqual(['large', 'refused', 'small'])
  })

  it('G8: what is sent while the device refuses leaves nothing behind to write', async () => {
    const { update, device, clock, stored } = openTab()
    device.refuses = 'QuotaExceededError'
    for (let i = 0; i < 50; i++) {
      update(outbox([entry(`m${i}`)]))
      await clock.advance(2_000)
      update(outbox([]))
      await clock.advance(2_000)
    }
    const before = device.writes.length
    await clock.advance(600_000)
    expect(device.writes.slice(before)).toEqual([])
    expect(clock.pending).toBe(0)
    device.refuses = null
    update(outbox([entry('last')]))
    await clock.flush()
    expect(stored).toEqual(['last'])
  })

  it('G2: what a device may have written before it failed is removed when it recovers', async () => {
    const { update, device, clock } = openTab()
    device.refuses = 'UnknownError'
    update(outbox([entry('a')]))
    await clock.flush()
    await device.inner.write({ put: [record('a')], remove: [] })
    update(outbox([]))
    device.refuses = null
    await clock.advance(60_000)
    expect(await device.ids()).toEqual([])
  })

  it('G1: a hung write is told, and what follows is written when it ends', async () => {
    const { update, device, clock, failed, stored } = openTab()
    const a = entry('a', 1)
    device.hangs = true
    update(outbox([a]))
    await clock.advance(4_999)
    expect(failed).toEqual([])
    await clock.advance(60_000)
    expect(failed.map(({ code }) => code)).toEqual(['storage_slow'])
    update(outbox([a, entry('b', 2)]))
    device.hangs = false
    device.release()
    await clock.flush()
    expect(stored).toEqual(['a', 'b'])
  })

  it('G1: a write that a frozen page did not hear the end of is no slow one', async () => {
    const { update, device, clock, failed, stored } = openTab()
    device.hangs = true
    update(outbox([entry('a')]))
    await clock.flush()
    clock.sleep(60_000)
    await clock.advance(0)
    device.hangs = false
    device.release()
    await clock.advance(60_000)
    expect([failed, stored]).toEqual([[], ['a']])
  })

  it('a device without storage is no error, and nothing waits', async () => {
    const { persistence, device, clock, failed } = openTab({ device: { ...createDevice(), open: () => null as never } })
    persistence.update(outbox([entry('a')]))
    await clock.flush()
    await persistence.flush()
    expect(contents(await persistence.restore('alice'))).toEqual([])
    expect([failed.length, clock.pending, device.writes.length]).toEqual([0, 0, 0])
  })

  it('G1: stored messages that cannot be read come when the device recovers', async () => {
    const device = createDevice()
    await device.inner.write({ put: [record('a', 'dead')], remove: [] })
    const { restore, clock, adopted } = openTab({ device })
    device.refuses = 'UnknownError'
    await expect(restore('alice')).rejects.toMatchObject({ name: 'UnknownError' })
    await clock.advance(10_000)
    device.refuses = null
    await clock.advance(60_000)
    expect(adopted.map(contents)).toEqual([['a']])
    expect(clock.pending).toBe(0)
  })

  it('G1, G9: what a device refuses when its user disconnects is tried again as long as it waits in the queue, and then nothing is left', async () => {
    const { update, device, clock, stop, stored } = openTab()
    device.refuses = 'UnknownError'
    update(outbox([entry('a', 1)]))
    await clock.advance(100)
    stop()
    await clock.flush()
    update(outbox([entry('a', 1), entry('b', 2)]))
    await clock.advance(100)
    expect([stored, clock.pending]).toEqual([[], 1])
    device.refuses = null
    await clock.advance(60_000)
    expect([[...stored].sort(), clock.pending]).toEqual([['a', 'b'], 0])
    update(outbox([]))
    await clock.flush()
    expect([await device.ids(), clock.pending, device.closed]).toEqual([[], 0, device.opened])
  })
})

describe('restoring', () => {
  const kept = async (...records: ReturnType<typeof record>[]) => {
    const device = createDevice()
    await device.inner.write({ put: records, remove: [] })
    return device
  }

  it('G1: a later page gets what an earlier one wrote, pending again, in order', async () => {
    const device = createDevice()
    const first = openTab({ device })
    first.update(outbox([entry('b', 1), entry('a', 2, { attempts: 3, spent: 1, lease: { attempt: 3, deadline: 1 }, failure })], 'alice', { '#general': { seq: 7 } }))
    await first.clock.flush()
    first.kill()
    const restored = await openTab({ device, tabId: 'second' }).restore('alice')
    expect(restored).toEqual({
      lost: [],
      entries: [entry('b', 1, { stored: true }), entry('a', 2, { stored: true, attempts: 3, spent: 1, failure })],
      reads: { '#general': { seq: 7 } },
      unreadable: [],
    })
  })

  it('G1: nothing is removed because the state does not show it', async () => {
    const device = await kept(record('a'), record('b', 'dead'))
    const { update, restore, clock } = openTab({ device })
    update(outbox([]))
    update(outbox([entry('new')]))
    update(outbox([]))
    await clock.flush()
    expect((await device.ids()).sort()).toEqual(['a', 'b'])
    expect([...contents(await restore('alice'))].sort()).toEqual(['a', 'b'])
    expect((await device.ids()).sort()).toEqual(['a', 'b'])
  })

  it('G7: another user sees nothing of it, and the first finds all again', async () => {
    const { update, restore, device, clock } = openTab()
    update(outbox([entry('a')], 'alice'))
    update(outbox([], null))
    update(outbox([], 'bob'))
    expect(contents(await restore('bob'))).toEqual([])
    update(outbox([entry('b', 1, {}, { userId: 'bob' })], 'bob'))
    await clock.flush()
    expect([await device.ids('alice'), await device.ids('bob')]).toEqual([['a'], ['b']])
    update(outbox([], 'alice'))
    expect(contents(await restore('alice'))).toEqual(['a'])
    expect(device.writes.flatMap(({ remove }) => remove)).toEqual([])
  })

  it('G1: what the device has refused so far comes back with its user', async () => {
    const { update, restore, device, clock } = openTab()
    device.refuses = 'QuotaExceededError'
    update(outbox([entry('a')]))
    await clock.flush()
    update(outbox([], null))
    await clock.flush()
    device.refuses = null
    update(outbox([], 'alice'))
    expect(contents(await restore('alice'))).toEqual(['a'])
  })

  it('G2: what was acked is not restored, though its removal waits to be written', async () => {
    const { update, restore, device, clock } = openTab()
    update(outbox([entry('a'), entry('b', 2)]))
    await clock.flush()
    device.hangs = true
    update(outbox([{ ...entry('a'), stored: true }, { ...entry('b', 2), stored: true, failure }]))
    await clock.flush()
    update(outbox([{ ...entry('b', 2), stored: true, failure }]))
    const restored = restore('alice')
    device.hangs = false
    device.release()
    expect(contents(await restored)).toEqual([])
    expect(await device.ids()).toEqual(['b'])
  })

  it('G2: nor is it when the device refused the removal', async () => {
    const { update, restore, device, clock } = openTab()
    update(outbox([entry('a')]))
    await clock.flush()
    device.refuses = 'UnknownError'
    update(outbox([]))
    await clock.flush()
    device.refuses = null
    expect(contents(await restore('alice'))).toEqual([])
    await clock.advance(60_000)
    expect(await device.ids()).toEqual([])
  })

  it('I9: corrupt and newer records are named, left as they are, and hinder nothing', async () => {
    const strange = [
      record('newer', 'dead', 'alice', { version: 2 }), record('broken', 'dead', 'alice', { data: { message: { id: 'broken' } } }),
      record('foreign', 'dead', 'alice', { data: { message: entry('foreign', 1, {}, { userId: 'bob' }).message, order: 1 } }),
    ]
    const device = await kept(record('good', 'dead'), ...strange)
    // The testing kit's storage gives away all of a tab's records; this one does as the port says.
    Object.assign(device.inner, {
      adopt: async (userId: string, _from: string, tab: string, ids: readonly string[]) => {
        expect(ids).toEqual(['good'])
        const records = (await device.inner.load(userId)).records.filter(({ id }) => ids.includes(id)).map((each) => ({ ...each, tab }))
        await device.inner.write({ put: records, remove: [] })
        return records
      },
    })
    const restored = await openTab({ device }).restore('alice')
    expect(contents(restored)).toEqual(['good'])
    expect([...restored.unreadable].map(({ id, reason }) => `${id}:${reason}`).sort()).toEqual(['broken:corrupt', 'foreign:corrupt', 'newer:newer_version'])
    const left = (await device.inner.load('alice')).records.filter(({ id }) => id !== 'good')
    expect(left).toEqual(strange)
  })

  it('discard removes that user\'s records, what waits included, and no other user\'s', async () => {
    const { update, discard, device, clock } = openTab({ device: await kept(record('old', 'dead'), record('b', 'tab', 'bob')) })
    device.refuses = 'UnknownError'
    update(outbox([entry('a')]))
    await clock.flush()
    device.refuses = null
    await discard('alice', 1)
    await clock.advance(120_000)
    expect([await device.ids('alice'), await device.ids('bob')]).toEqual([[], ['b']])
  })
})

type Tab = ReturnType<typeof openTab>

const world = () => ({ device: createDevice(), clock: createManualClock(), locks: createMemoryLocks() })

/** A tab with more messages than are taken over at once, on a device that moves them when it is told to. */
async function withLongQueue() {
  const inner = createMemoryStorage()
  const moves: (() => void)[] = []
  const adopt: RecordStorage['adopt'] = async (...args) => {
    await new Promise<void>((resolve) => { moves.push(resolve) })
    return inner.adopt(...args)
  }
  const shared = { ...world(), device: createDevice({ ...inner, adopt }) }
  const one = openTab({ ...shared, tabId: 'one' })
  await one.restore('alice')
  const ids = Array.from({ length: 1_100 }, (_, i) => `m${10_000 + i}`)
  one.update(outbox(ids.map((id, i) => entry(id, i))))
  await shared.clock.flush()
  return { shared, moves, one, ids }
}

describe('tabs', () => {
  const withMessage = async (shared: ReturnType<typeof world>, tabId: string) => {
    const tab = openTab({ ...shared, tabId })
    await tab.restore('alice')
    tab.update(outbox([entry(`of ${tabId}`)]))
    await shared.clock.flush()
    return tab
  }

  it('G2: a living tab\'s messages stay its own; when it has ended, one of the others takes them', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    const [two, three] = [openTab({ ...shared, tabId: 'two' }), openTab({ ...shared, tabId: 'three' })]
    expect([contents(await two.restore('alice')), contents(await three.restore('alice'))]).toEqual([[], []])
    await shared.clock.advance(10_000)
    one.kill()
    await shared.clock.advance(10_000)
    expect([...two.adopted, ...three.adopted].map(contents)).toEqual([['of one']])
  })

  it('G1: the messages of a tab that came later, and ended, are taken too', async () => {
    const shared = world()
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    const one = await withMessage(shared, 'one')
    await shared.clock.advance(10_000)
    expect(two.adopted).toEqual([])
    one.kill()
    await shared.clock.advance(10_000)
    expect(two.adopted.map(contents)).toEqual([['of one']])
  })

  it('G1: the messages that a tab wrote after another came are taken by that one', async () => {
    const shared = world()
    const one = openTab({ ...shared, tabId: 'one' })
    await one.restore('alice')
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    one.update(outbox([entry('late')]))
    await shared.clock.advance(10_000)
    one.kill()
    await shared.clock.advance(10_000)
    expect(two.adopted.map(contents)).toEqual([['late']])
  })

  it('G1: what a tab queues after a disconnect is taken when that tab ends', async () => {
    const shared = world()
    const [one, two] = [openTab({ ...shared, tabId: 'one' }), openTab({ ...shared, tabId: 'two' })]
    await one.restore('alice')
    await two.restore('alice')
    await shared.clock.advance(10_000)
    one.stop()
    await shared.clock.advance(10_000)
    one.update(outbox([entry('late')]))
    await shared.clock.advance(10_000)
    expect([one.stored, two.adopted]).toEqual([['late'], []])
    one.kill()
    await shared.clock.advance(10_000)
    expect(two.adopted.flatMap(contents)).toEqual(['late'])
  })

  it('G1: a tab that opens after that learns of it too', async () => {
    const shared = world()
    const one = openTab({ ...shared, tabId: 'one' })
    await one.restore('alice')
    shared.device.refuses = 'QuotaExceededError'
    one.update(outbox([entry('late')]))
    await shared.clock.flush()
    one.stop()
    await shared.clock.advance(10_000)
    shared.device.refuses = null
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    one.update(outbox([entry('late'), entry('later', 2)]))
    await shared.clock.advance(10_000)
    expect(one.stored).toEqual(['late', 'later'])
    one.kill()
    await shared.clock.advance(10_000)
    expect(two.adopted.flatMap(contents)).toEqual(['late', 'later'])
  })

  const ofBob = outbox([entry('of bob', 3, {}, { userId: 'bob' })], 'bob')
  it.each<[string, (one: Tab) => void]>([
    ['at once', (one) => {
      one.update(outbox([], 'bob'))
      one.stop()
    }],
    ['after a disconnect', (one) => one.stop()],
    ['who has sent something already', (one) => {
      one.update(ofBob)
      one.stop()
    }],
  ])('G3: who leaves a tab to somebody else keeps the lock until the device has all (%s)', async (_, leave) => {
    const shared = world()
    const { device, clock, locks } = shared
    const one = openTab({ ...shared, tabId: 'one' })
    await one.restore('alice')
    one.update(outbox([entry('a', 1)]))
    await clock.flush()
    device.refuses = 'QuotaExceededError'
    one.update(outbox([entry('a', 1, { stored: true }), entry('b', 2)]))
    await clock.flush()
    leave(one)
    void one.restore('bob').catch(() => undefined)
    one.update(outbox([], 'bob'))
    await clock.advance(10_000)
    const isHeld = () => locks.holders().has('redux-chat:chat:tab:one:alice')
    expect(isHeld()).toBe(true)
    device.refuses = null
    await clock.advance(120_000)
    expect([isHeld(), new Set(await device.ids())]).toEqual([false, new Set(['a', 'b'])])
  })

  it('G9: a lock that was kept for what a purge has removed is let go', async () => {
    const { restore, update, persistence, device, clock, locks } = openTab()
    await restore('alice')
    device.refuses = 'QuotaExceededError'
    update(outbox([entry('a')]))
    await clock.flush()
    update(outbox([], 'bob'))
    persistence.stop()
    void restore('bob').catch(() => undefined)
    await clock.flush()
    device.refuses = null
    persistence.handle({ type: 'persist/PURGE', result: () => undefined })
    await clock.flush()
    expect([...locks?.holders().keys() ?? []].filter((name) => name.endsWith(':alice'))).toEqual([])
  })

  it('a tab that reloads gets its own back at once, before any other tab takes them', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    one.kill()
    await shared.clock.advance(3_000)
    expect(contents(await openTab({ ...shared, tabId: 'one again' }).restore('alice'))).toEqual(['of one'])
    await shared.clock.advance(60_000)
    expect(two.adopted).toEqual([])
  })

  it('a reload that starts before the old page has let go does not wait', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    const again = openTab({ ...shared, tabId: 'one again' })
    expect(contents(await again.restore('alice'))).toEqual([])
    await shared.clock.advance(200)
    one.kill()
    await shared.clock.advance(0)
    expect(again.adopted.map(contents)).toEqual([['of one']])
  })

  it('G2: two tabs that open at once share out a dead tab\'s messages', async () => {
    const shared = world()
    ;(await withMessage(shared, 'one')).kill()
    const tabs = [openTab({ ...shared, tabId: 'two' }), openTab({ ...shared, tabId: 'three' })]
    const restored = await Promise.all(tabs.map((tab) => tab.restore('alice')))
    expect(restored.flatMap(contents)).toEqual(['of one'])
  })

  it('G2: a tab that lost its lock, and looks while another adopts, sees what that one has taken', async () => {
    const inner = createMemoryStorage()
    let go = (): void => undefined
    const mayMove = new Promise<void>((resolve) => { go = resolve })
    const adopt: RecordStorage['adopt'] = async (...args) => {
      await mayMove
      return inner.adopt(...args)
    }
    const shared = { ...world(), device: createDevice({ ...inner, adopt }) }
    const one = await withMessage(shared, 'one')
    one.update(outbox([entry('of one', 1, { stored: true })]))
    one.loseLocks()
    const restored = openTab({ ...shared, tabId: 'two' }).restore('alice')
    // It has seen that the first tab is gone, and is about to move what that left.
    await shared.clock.flush()
    const again = one.restore('alice')
    await shared.clock.flush()
    let isSure = false
    const third = one.restore('alice').finally(() => { isSure = true })
    await shared.clock.flush()
    expect(isSure).toBe(false)
    go()
    expect(contents(await restored)).toEqual(['of one'])
    expect((await again).lost).toEqual(['of one'])
    expect((await third).lost).toEqual(['of one'])
  })

  it('G3: who signs in again while another tab moves what they left sees all of it moved, or nothing', async () => {
    const { shared, moves, one, ids } = await withLongQueue()
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    one.update(outbox([], ''))
    one.stop()
    await shared.clock.advance(6_000)
    moves.shift()?.()
    await shared.clock.flush()
    // A part has been moved.
    one.update(outbox([], 'alice'))
    const back = one.restore('alice')
    await shared.clock.flush()
    for (let move = moves.shift(); move; move = moves.shift()) {
      move()
      await shared.clock.flush()
    }
    expect([contents(await back), two.adopted.flatMap(contents)]).toEqual([[], ids])
  })

  it('G3: of a takeover that ended with its tab another gets the earlier part first', async () => {
    const { shared, moves, one, ids } = await withLongQueue()
    const heir = openTab({ ...shared, tabId: 'heir' })
    await heir.restore('alice')
    await shared.clock.advance(10_000)
    one.kill()
    const two = openTab({ ...shared, tabId: 'two' })
    void two.restore('alice')
    await shared.clock.advance(100)
    moves.shift()?.()
    await shared.clock.advance(100)
    two.kill()
    // What it was about to do never happens.
    moves.length = 0
    for (let i = 0; i < 20; i++) {
      await shared.clock.advance(500)
      moves.shift()?.()
    }
    expect(heir.adopted.flatMap(contents)).toEqual(ids)
  })

  it('G1: a tab that was away and is back keeps its messages, and its end is noticed all the same', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    one.update(outbox([entry('of one', 1, { stored: true })]))
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    one.loseLocks()
    await shared.clock.advance(1_000)
    expect((await one.restore('alice')).lost).toEqual([])
    await shared.clock.advance(60_000)
    expect(two.adopted).toEqual([])
    one.kill()
    await shared.clock.advance(10_000)
    expect(two.adopted.map(contents)).toEqual([['of one']])
  })

  it('G1: nor does the end of another go unnoticed by a tab that was away', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    two.loseLocks()
    await two.restore('alice')
    await shared.clock.advance(60_000)
    one.kill()
    await shared.clock.advance(10_000)
    expect(two.adopted.map(contents)).toEqual([['of one']])
  })

  it('G2: a lock that another tab has got meanwhile is not mistaken for its own', async () => {
    const { update, restore, device, clock, locks, loseLocks, purged } = openTab()
    await restore('alice')
    const a = entry('a', 1)
    update(outbox([a]))
    await clock.flush()
    update(outbox([{ ...a, stored: true }]))
    // Who waits for the end of this tab holds its lock for a moment, takes the message over, and sends it.
    locks?.forTab('heir').hold('redux-chat:chat:tab:tab:alice')
    loseLocks()
    await device.inner.clear('alice')
    expect((await restore('alice')).lost).toEqual(['a'])
    expect(purged).not.toHaveBeenCalled()
  })

  /** A tab that shows a stored message. */
  async function withStored() {
    const tab = openTab()
    await tab.restore('alice')
    tab.update(outbox([entry('a', 1)]))
    await tab.clock.flush()
    tab.update(outbox([entry('a', 1, { stored: true })]))
    await tab.clock.flush()
    return tab
  }

  it('G2: what another takes over from an ended tab amid its look is not its own any more', async () => {
    const { restore, device, locks, loseLocks } = await withStored()
    loseLocks()
    locks?.forTab('heir').hold('redux-chat:chat:tab:heir:alice')
    const { adopt } = device.inner
    await adopt('alice', 'tab', 'ended', ['a'])
    device.inner.adopt = async (...args) => {
      await adopt('alice', 'ended', 'heir', ['a'])
      return adopt(...args)
    }
    expect((await restore('alice')).lost).toEqual(['a'])
  })

  it('G2: that its lock was lost is not forgotten by a look that the device refuses', async () => {
    const { restore, device, clock, loseLocks, purged, lost } = await withStored()
    // Somebody takes the message over and sends it.
    loseLocks()
    await device.inner.clear('alice')
    device.refuses = 'UnknownError'
    await expect(restore('alice')).rejects.toThrow('no')
    device.refuses = null
    await clock.advance(60_000)
    expect([lost, purged.mock.calls]).toEqual([['a'], []])
  })

  it('G1: what the device has lost under a living tab is written again', async () => {
    const { update, restore, device, clock, stored, purged } = openTab()
    await restore('alice')
    const [a, b] = [entry('a', 1), entry('b', 2)]
    update(outbox([a, b]))
    await clock.flush()
    update(outbox([{ ...a, stored: true }, { ...b, stored: true }]))
    await device.inner.clear('alice')
    purged.mockImplementation(() => update(outbox([a, b])))
    await restore('alice')
    await clock.flush()
    expect(purged.mock.calls).toEqual([[['a', 'b']]])
    expect(await device.ids()).toEqual(['a', 'b'])
    expect(stored).toEqual(['a', 'b', 'a', 'b'])
  })

  it('G2: a tab that was away overwrites nothing of what another has taken, and is told', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    one.update(outbox([entry('of one', 1, { stored: true })]))
    one.loseLocks()
    await openTab({ ...shared, tabId: 'two' }).restore('alice')
    one.update(outbox([entry('of one', 1, { stored: true, spent: 1 })]))
    await shared.clock.flush()
    expect(one.lost).toEqual(['of one'])
    expect((await shared.device.inner.load('alice')).records.map(({ tab }) => tab)).toEqual(['two'])
  })

  it('G1: the end of a tab is noticed whose lock took its time when it came', async () => {
    const shared = world()
    const { locks, clock } = shared
    const slow = (inner: TabLocks): TabLocks => ({
      ...inner,
      hold(name, onGranted) {
        let stop = (): void => undefined
        const stopWaiting = clock.setTimer(50, () => { stop = inner.hold(name, onGranted) })
        return () => {
          stopWaiting()
          stop()
        }
      },
    })
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    const one = openTab({ ...shared, tabId: 'one', locks: { ...locks, forTab: (tab) => slow(locks.forTab(tab)) } })
    await one.restore('alice')
    await clock.advance(40)
    await clock.advance(20)
    one.update(outbox([entry('of one')]))
    await clock.advance(20_000)
    expect(two.adopted).toEqual([])
    one.kill()
    await clock.advance(20_000)
    expect(two.adopted.map(contents)).toEqual([['of one']])
  })

  it('G1: a long queue is taken over whole', async () => {
    const shared = world()
    const ids = Array.from({ length: 250 }, (_, i) => `m${1_000 + i}`)
    await shared.device.inner.write({ put: ids.map((id) => record(id, 'dead')), remove: [] })
    expect(contents(await openTab({ ...shared, tabId: 'two' }).restore('alice'))).toEqual(ids)
  })

  it('G9: a look whose turn comes after the user has left claims nothing', async () => {
    const tab = openTab()
    tab.device.hangs = true
    const first = tab.restore('alice')
    const second = tab.restore('alice')
    await tab.clock.flush()
    tab.persistence.stop()
    tab.device.hangs = false
    tab.device.release()
    await Promise.all([first, second])
    await tab.clock.flush()
    expect(tab.locks?.size).toBe(0)
  })

  it('G7: a user who has left takes over nothing', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    one.kill()
    await shared.clock.advance(1_000)
    expect(shared.clock.pending).toBe(1)
    two.stop()
    expect(shared.clock.pending).toBe(0)
    await two.restore('bob')
    await shared.clock.advance(60_000)
    expect(two.adopted).toEqual([])
    expect(await shared.device.ids()).toEqual(['of one'])
  })

  it('G9: a tab that ends after the user left starts nothing', async () => {
    const shared = world()
    const one = await withMessage(shared, 'one')
    const two = openTab({ ...shared, tabId: 'two' })
    await two.restore('alice')
    await shared.clock.advance(10_000)
    two.stop()
    one.kill()
    await shared.clock.flush()
    expect(shared.clock.pending).toBe(0)
  })

  it('without locks every record is taken', async () => {
    const shared = { ...world(), locks: null }
    await shared.device.inner.write({ put: [record('a', 'one'), record('b', 'two')], remove: [] })
    expect(contents(await openTab({ ...shared, tabId: 'three' }).restore('alice'))).toEqual(['a', 'b'])
  })
})
