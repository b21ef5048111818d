import { describe, expect, it } from 'vitest'
import {
  createManualClock, createManualLifecycle, createMemoryLocks, createSeededIds, createSeededRandom, createTestEnvironment,
} from 'redux-chat/testing'
import { connect } from '../transport/contract'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('seeded randomness', () => {
  it('repeats itself for a seed, differs between seeds, and is uniform in [0, 1)', () => {
    const draw = (seed: number | string) => Array.from({ length: 1000 }, createSeededRandom(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    const values = draw('uniform')
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1)
  })

  it('makes valid UUID v7 that sort in the order of making, also under a clock set back', () => {
    const clock = createManualClock()
    const id = createSeededIds(clock, createSeededRandom(1))
    const ids = Array.from({ length: 10_000 }, id)
    clock.setWall(0)
    ids.push(id())
    clock.setWall(Date.UTC(2030, 0))
    ids.push(id())
    expect(ids.every((each) => UUID_V7.test(each))).toBe(true)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('manual lifecycle', () => {
  it('tells what happens, and whether it is online', () => {
    const life = createManualLifecycle()
    const seen: string[] = []
    const stop = life.subscribe((event) => seen.push(`${event} ${life.isOnline()}`))
    life.offline()
    life.hidden()
    life.online()
    life.visible()
    life.restored()
    life.resumed()
    stop()
    stop()
    life.offline()
    expect(seen).toEqual(['offline false', 'hidden false', 'online true', 'visible true', 'restored true', 'resumed true'])
    expect([life.listeners, life.isOnline()]).toEqual([0, false])
  })
})

describe('memory locks', () => {
  it('passes a lock on in the order of asking, never steals it, and frees a killed tab', async () => {
    const clock = createManualClock()
    const locks = createMemoryLocks()
    const [a, b, c] = [locks.forTab('a'), locks.forTab('b'), locks.forTab('c')]
    const order: string[] = []
    const release = a.hold('lock')
    const hung = b.during('lock', () => new Promise(() => { order.push('b') }))
    void hung
    const last = c.during('lock', async () => { order.push('c'); return 'done' })
    await clock.flush()
    expect([[...locks.holders()], order]).toEqual([[['lock', 'a']], []])
    release()
    release()
    await clock.flush()
    expect([locks.holders().get('lock'), order]).toEqual(['b', ['b']])
    locks.kill('b')
    expect(await last).toBe('done')
    expect([order, locks.size]).toEqual([['b', 'c'], 0])
  })

  it('releases when the task throws, and says which locks are held', async () => {
    const locks = createMemoryLocks()
    const tab = locks.forTab('a')
    await expect(tab.during('lock', async () => { throw new Error('task failed') })).rejects.toThrow('task failed')
    await expect(tab.during('lock', () => { throw new Error('failed at once') })).rejects.toThrow('failed at once')
    const stop = tab.hold('life')
    expect(await locks.forTab('b').held(['life', 'lock'])).toEqual(new Set(['life']))
    stop()
    expect(await locks.forTab('b').held(['life', 'lock'])).toEqual(new Set())
  })

  it('gives a dead tab nothing', async () => {
    const locks = createMemoryLocks()
    locks.kill('a')
    locks.forTab('a').hold('lock')
    expect(locks.size).toBe(0)
  })
})

describe('test environment', () => {
  it('is deterministic, and gives every tab ids of its own', () => {
    const ids = () => {
      const first = createTestEnvironment({ seed: 5 })
      const second = first.openTab()
      return [first.environment.id(), second.environment.id(), first.environment.random()]
    }
    expect(ids()).toEqual(ids())
    expect(new Set(ids()).size).toBe(3)
  })

  it('ends a killed tab whole, and leaves the others alone', async () => {
    const tab = createTestEnvironment()
    const other = tab.openTab()
    const fired: string[] = []
    tab.environment.clock.setTimer(10, () => fired.push('killed'))
    other.environment.clock.setTimer(10, () => fired.push('other'))
    tab.environment.locks?.hold('life')
    const client = connect({ transport: tab.environment.transport, url: 'memory:' })
    await tab.clock.flush()
    expect([tab.timers, tab.network.open, tab.server.connections()]).toEqual([1, 1, 1])
    tab.kill()
    tab.environment.clock.setTimer(1, () => fired.push('after its end'))
    await tab.clock.advance(100)
    expect([fired, client.calls, tab.server.connections(), tab.locks?.size, tab.clock.pending]).toEqual([['other'], ['open', 'session'], 0, 0, 0])
  })

  it('keeps what was stored over a reload, and a dead tab writes nothing', async () => {
    const record = { userId: 'ann', id: '1', tab: 'tab-1', version: 1, data: { text: 'kept' } }
    const first = createTestEnvironment()
    const storage = first.environment.storage('outbox')
    await storage?.write({ put: [record], remove: [] })
    const second = first.reload()
    void storage?.write({ put: [{ ...record, id: '2' }], remove: [] })
    await second.clock.flush()
    expect((await second.environment.storage('outbox')?.load('ann'))?.records).toEqual([record])
    expect((await second.environment.storage('other')?.load('ann'))?.records).toEqual([])
    expect(second.tab).toBe('tab-2')
  })
})
