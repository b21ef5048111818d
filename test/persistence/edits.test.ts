import { createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { RecordChange, RecordStorage } from '../../src/persistence/record-storage'
import { openStore } from '../support/chat-store'
import { createDevice, entry, openTab, outbox } from './support'

/* Edits of a record that is being written, refused or forgotten at that moment. Each case failed once. */

const failure = { code: 'nope', message: 'no', retryable: false, attempt: 0 }
const big = (id: string, order: number) => {
  const small = entry(id, order)
  return { ...small, message: { ...small.message, content: 'x'.repeat(2_000) } }
}

/** Does what it is asked and then says that it failed, as long as `lies` holds. */
function createLiar() {
  const device = createDevice()
  const { write } = device.inner
  const liar = { ...device, lies: true }
  Object.assign(device.inner, { write: async (change: RecordChange) => {
    const lost = await write(change)
    if (liar.lies) throw new DOMException('who knows', 'UnknownError')
    return lost
  } })
  return { device, liar }
}

describe('new while what was refused is tried again', () => {
  it('G1: is written after it, though nothing else happens', async () => {
    const { update, device, clock } = openTab()
    const first = [entry('a', 1), entry('b', 2)]
    device.refuses = 'UnknownError'
    update(outbox(first))
    await clock.flush()
    device.hangs = true
    device.refuses = null
    await clock.advance(60_000)
    update(outbox([...first, entry('c', 3)]))
    device.hangs = false
    device.release()
    await clock.flush()
    expect(await device.ids()).toEqual(['a', 'b', 'c'])
  })
})

describe('changed while it is written', () => {
  it('G1: and removed before the next write: nothing is left', async () => {
    const { update, device, clock, handle } = openTab()
    const a = entry('a')
    device.hangs = true
    update(outbox([a]))
    await clock.flush()
    handle({ type: 'persist/PAUSE' })
    update(outbox([{ ...a, failure }]))
    device.hangs = false
    device.release()
    await clock.flush()
    update(outbox([]))
    handle({ type: 'persist/PERSIST' })
    await clock.advance(600_000)
    expect(await device.ids()).toEqual([])
  })

  it('G1: in parts, and removed meanwhile: nothing is left', async () => {
    const { update, device, clock } = openTab()
    const a = entry('a', 1)
    device.room = 1_000
    device.hangs = true
    update(outbox([a, big('b', 2)]))
    await clock.flush()
    // Both are refused; then `a` is written alone.
    device.release()
    await clock.flush()
    update(outbox([{ ...a, failure }, big('b', 2)]))
    device.release()
    await clock.flush()
    expect(await device.ids()).toEqual(['a'])
    update(outbox([big('b', 2)]))
    device.hangs = false
    device.release()
    await clock.advance(600_000)
    expect(await device.ids()).toEqual([])
  })

  it('G1: by a device that did it and says that it failed, and removed before the retry: nothing is left', async () => {
    const { device, liar } = createLiar()
    const { update, clock } = openTab({ device })
    device.hangs = true
    update(outbox([entry('a')]))
    await clock.flush()
    update(outbox([{ ...entry('a'), failure }]))
    device.hangs = false
    device.release()
    await clock.flush()
    update(outbox([]))
    liar.lies = false
    await clock.advance(600_000)
    expect(await device.ids()).toEqual([])
  })

  it('G1: a message that is discarded as soon as it shows stored does not come back', async () => {
    const tab = openStore()
    tab.connect()
    await tab.settle()
    tab.env.network.fault({ direction: 'up', event: 'message:send', action: 'cut', times: 1 })
    const stop = tab.store.subscribe(() => {
      const [shown] = tab.messages()
      if (shown?.stored !== true) return
      stop()
      tab.dispatch(tab.chat.actions.discardMessage({ id: shown.id }))
    })
    tab.send('x')
    await tab.settle()
    expect(tab.messages()).toEqual([])
    const next = openStore({ env: tab.env.reload() })
    next.connect()
    await next.advance(60_000)
    expect([next.shown(), tab.env.server.log('general')]).toEqual([[], []])
  })
})

describe('too large', () => {
  it('G1: then written by a device that says it failed, then sent: nothing is left', async () => {
    const { device, liar } = createLiar()
    const { update, clock } = openTab({ device })
    liar.lies = false
    device.room = 1_000
    update(outbox([big('large', 1), entry('small', 2)]))
    await clock.advance(1_000)
    liar.lies = true
    device.room = Infinity
    await clock.advance(60_000)
    liar.lies = false
    update(outbox([entry('small', 2)]))
    await clock.advance(600_000)
    expect(await device.ids()).toEqual(['small'])
  })

  it('G3: is none that was refused before the device got room in the middle of a batch', async () => {
    const { update, device, clock, stored, failed } = openTab()
    Object.defineProperty(device, 'room', { get: () => (device.writes.length <= 4 ? 0 : Infinity) })
    update(outbox([entry('a', 1), entry('b', 2), entry('c', 3)]))
    await clock.flush()
    expect([stored, failed]).toEqual([['c', 'a', 'b'], []])
  })

  it.each([12, 30, 100])('G1: %i of them keep no small one off the device, and no discarded one on it', async (count) => {
    const { update, device, clock, stored } = openTab()
    const old = entry('old', 1)
    update(outbox([old]))
    await clock.flush()
    device.room = 1_000
    const large = Array.from({ length: count }, (_, i) => big(`l${i}`, 2 + i))
    for (let i = 1; i <= large.length; i++) {
      update(outbox([{ ...old, stored: true }, ...large.slice(0, i)]))
      await clock.advance(10)
    }
    update(outbox([...large, entry('small', 1_000)]))
    await clock.advance(600_000)
    expect([stored, await device.ids()]).toEqual([['old', 'small'], ['small']])
  })
})

describe('a purge', () => {
  const purge = (handle: (action: unknown) => void): Promise<unknown> => new Promise((resolve, reject) => {
    handle({ type: 'persist/PURGE', result: (done: Promise<unknown>) => { done.then(resolve, reject) } })
  })

  it('G1: keeps what is sent after it, though a write before it is refused', async () => {
    const { update, device, clock, handle, stored } = openTab()
    const a = entry('a', 1)
    device.hangs = true
    update(outbox([a]))
    await clock.flush()
    device.room = 0
    const done = purge(handle)
    update(outbox([a, entry('b', 2)]))
    device.hangs = false
    device.release()
    await done
    device.room = Infinity
    await clock.advance(600_000)
    expect([stored, await device.ids()]).toEqual([['b'], ['b']])
  })

  it('G1: keeps what changes while it waits for its turn', async () => {
    const { update, device, clock, handle } = openTab()
    const [a, b] = [entry('a', 1), entry('b', 2)]
    device.hangs = true
    update(outbox([a]))
    await clock.flush()
    update(outbox([a, b]))
    const done = purge(handle)
    update(outbox([a, { ...b, failure }]))
    device.hangs = false
    device.release()
    await done
    await clock.advance(600_000)
    expect(await device.ids()).toEqual(['b'])
  })

  it('G1: and what is sent right after it is written after it', async () => {
    const { update, device, clock, handle } = openTab()
    const a = entry('a', 1)
    update(outbox([a]))
    const done = purge(handle)
    update(outbox([a, entry('b', 2)]))
    await done
    await clock.advance(600_000)
    expect(await device.ids()).toEqual(['b'])
  })

  it('G1: that is refused forgets no message', async () => {
    const { update, device, clock, handle, stored } = openTab()
    device.refuses = 'QuotaExceededError'
    update(outbox([entry('a', 1)]))
    await clock.flush()
    await expect(purge(handle)).rejects.toThrow('no')
    device.refuses = null
    await clock.advance(600_000)
    expect(stored).toEqual(['a'])
  })

  it('G1: that is refused forgets no removal', async () => {
    const { update, device, clock, handle } = openTab()
    update(outbox([entry('a', 1)]))
    await clock.flush()
    device.refuses = 'UnknownError'
    update(outbox([]))
    await clock.flush()
    await expect(purge(handle)).rejects.toThrow('no')
    device.refuses = null
    await clock.advance(600_000)
    expect(await device.ids()).toEqual([])
  })
})

describe('a sign-out', () => {
  const cutOff = async (storage: (inner: RecordStorage) => RecordStorage) => {
    const env = createTestEnvironment()
    const inner = env.storage('chat')
    if (!inner) throw new Error('the environment has no storage')
    const tab = openStore({ env, config: { environment: { storage: () => storage(inner) } } })
    tab.connect()
    await tab.settle()
    env.network.cut()
    tab.send('old')
    await tab.advance(100)
    return { tab, ids: async () => (await inner.load('alice')).records.length }
  }
  const shown = (tab: ReturnType<typeof openStore>) => tab.messages().map(({ content, stored }) => [content, stored])

  it('G1: what the device refuses still is not shown as stored when its user comes back', async () => {
    const { tab } = await cutOff((inner) => ({ ...inner, write: async () => { throw new DOMException('full', 'QuotaExceededError') } }))
    expect(shown(tab)).toEqual([['old', false]])
    tab.dispatch(tab.chat.actions.signOut())
    await tab.advance(100)
    tab.connect()
    await tab.advance(5_000)
    expect(shown(tab)).toEqual([['old', false]])
  })

  it('G1: with discard keeps what the same user sends right after signing in again', async () => {
    const { tab, ids } = await cutOff((inner) => inner)
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    tab.connect()
    tab.send('new')
    await tab.advance(600_000)
    expect([shown(tab), await ids()]).toEqual([[['new', true]], 1])
  })

  it('G1: with a discard that is refused for a while keeps what is sent meanwhile', async () => {
    let refuses = true
    const { tab, ids } = await cutOff((inner) => ({ ...inner, clear: async (...args) => {
      if (refuses) throw new Error('busy')
      return inner.clear(...args)
    } }))
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.advance(100)
    tab.connect()
    await tab.settle()
    tab.send('new')
    await tab.advance(100)
    refuses = false
    await tab.advance(600_000)
    expect([shown(tab), await ids()]).toEqual([[['new', true]], 1])
  })

  it('G7: with discard: a look from before it brings nothing back, and nothing of it is sent', async () => {
    const env = createTestEnvironment()
    const inner = env.storage('chat')
    if (!inner) throw new Error('the environment has no storage')
    const slow = <T>(task: () => Promise<T>): Promise<T> => new Promise((resolve, reject) => {
      env.clock.setTimer(500, () => void task().then(resolve, reject))
    })
    const storage: RecordStorage = {
      ...inner, load: (userId) => slow(() => inner.load(userId)), write: (change) => slow(() => inner.write(change)), clear: (...args) => slow(() => inner.clear(...args)),
    }
    const tab = openStore({ env, config: { environment: { storage: () => storage } } })
    env.network.cut()
    tab.connect()
    tab.send('unwanted')
    await tab.advance(100)
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    tab.connect()
    env.network.restore()
    await tab.advance(60_000)
    expect([env.server.log('general'), tab.shown()]).toEqual([[], []])
  })

  it('G3: and back before the stored queue was read: what was composed in one millisecond keeps its order', async () => {
    const env = createTestEnvironment()
    const inner = env.storage('chat')
    if (!inner) throw new Error('the environment has no storage')
    let read: Promise<void> | null = null
    let go = (): void => undefined
    const tab = openStore({ env, config: { environment: { storage: () => ({ ...inner, load: async (userId) => {
      await read
      return inner.load(userId)
    } }) } } })
    tab.connect()
    await tab.settle()
    env.network.cut()
    await tab.settle()
    for (const content of ['1', '2', '3']) tab.send(content)
    await tab.settle()
    tab.connect('bob')
    await tab.settle()
    read = new Promise((done) => { go = done })
    tab.connect()
    tab.send('4')
    tab.dispatch(tab.chat.actions.signOut())
    go()
    await tab.settle()
    tab.connect()
    await tab.settle()
    expect(tab.shown()).toEqual(['1', '2', '3', '4'].map((content) => `${content}:pending`))
  })

  it('G7: with discard: what this tab is taking over from another at that moment does not come back', async () => {
    const env = createTestEnvironment()
    env.network.cut()
    const other = openStore({ env })
    other.connect()
    await other.settle()
    other.send('of the other')
    await other.settle()
    const next = env.openTab()
    next.network.cut()
    const inner = next.storage('chat')
    if (!inner) throw new Error('the environment has no storage')
    const held: (() => void)[] = []
    const tab = openStore({ env: next, config: { environment: { storage: () => ({ ...inner, adopt: async (...args) => {
      await new Promise<void>((done) => { held.push(done) })
      return inner.adopt(...args)
    } }) } } })
    tab.connect()
    await tab.advance(2_000)
    env.kill()
    await tab.advance(10_000)
    expect(held).toHaveLength(1)
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    tab.connect()
    await tab.settle()
    held[0]?.()
    await tab.advance(10_000)
    expect([tab.shown(), (await inner.load('alice')).records]).toEqual([[], []])
  })

  it('G3: and back twice before the stored queue was read: the order is the one of the dispatches', async () => {
    const turns = async (count: number) => { for (let i = 0; i < count; i++) await Promise.resolve() }
    for (let first = 0; first < 20; first += 2) for (let second = 0; second < 20; second += 2) {
      const tab = openStore()
      tab.connect()
      await tab.settle()
      tab.env.network.cut()
      await tab.settle()
      tab.send('old')
      await tab.settle()
      tab.connect('bob')
      await tab.settle()
      tab.connect()
      await turns(first)
      tab.send('new')
      await turns(second)
      tab.connect('bob')
      tab.connect()
      await tab.settle()
      expect([first, second, tab.shown()]).toEqual([first, second, ['old:pending', 'new:pending']])
    }
  })
})
