import { createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { openStore } from '../support/chat-store'

/* Who disconnects or signs out while the storage is still busy with what they wrote. */

describe('who leaves while something is written', () => {
  it('G1: a write that was refused in that moment is tried again', async () => {
    const inner = createMemoryStorage()
    let refuses = false
    const storage: RecordStorage = { ...inner, write: async (change) => {
      if (refuses) throw new Error('busy')
      return inner.write(change)
    } }
    const env = createTestEnvironment({ storage: () => storage })
    const tab = openStore({ env })
    tab.connect()
    await tab.advance(1_000)
    env.network.cut()
    refuses = true
    tab.send('kept')
    await tab.settle()
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.settle()
    refuses = false
    await tab.advance(120_000)
    expect(tab.messages()[0]).toMatchObject({ status: 'pending', stored: true })
    expect((await inner.load('alice')).records).toHaveLength(1)
  })

  it.each([0, 1, 3, 10, 50])('G9: no lock is left by a sign-out that discards, %i ms after the disconnect', async (gapMs) => {
    const env = createTestEnvironment()
    const items = new Map<string, string>()
    const later = <T>(task: () => T): Promise<T> => new Promise((resolve) => { env.clock.setTimer(1, () => resolve(task())) })
    const tab = openStore({ env, config: { storage: {
      getItem: (key) => later(() => items.get(key) ?? null),
      setItem: (key, value) => later(() => { items.set(key, value) }),
      removeItem: (key) => later(() => { items.delete(key) }),
    } } })
    tab.connect()
    await tab.advance(1_000)
    env.network.cut()
    tab.send('unsent')
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.advance(gapMs)
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.advance(120_000)
    expect([...env.locks?.holders().keys() ?? []]).toEqual([])
  })

  it('G1: what they compose and mark as read when they are back, while a discard of before is refused still, stays as it is', async () => {
    const inner = createMemoryStorage()
    let refuses = false
    const storage: RecordStorage = { ...inner, clear: async (...args) => {
      if (refuses) throw new Error('busy')
      return inner.clear(...args)
    } }
    const env = createTestEnvironment({ storage: () => storage })
    env.server.push('general', { userId: 'carol', content: 'hello' })
    const tab = openStore({ env })
    const come = async (): Promise<void> => {
      env.network.restore()
      tab.connect()
      tab.dispatch(tab.chat.actions.openChannel({ channelId: 'general' }))
      await tab.advance(1_000)
      env.network.cut()
    }
    await come()
    tab.send('old')
    await tab.settle()
    refuses = true
    tab.dispatch(tab.chat.actions.signOut({ discardOutbox: true }))
    await tab.advance(1_000)
    await come()
    const id = tab.send('new')
    tab.dispatch(tab.chat.actions.markRead({ channelId: 'general' }))
    await tab.settle()
    refuses = false
    const told = new Set<boolean | undefined>()
    tab.store.subscribe(() => told.add(tab.messages().at(-1)?.stored))
    await tab.advance(200_000)
    const { records } = await inner.load('alice')
    expect([[...told], records.map((record) => record.id).sort()]).toEqual([[true], [id, 'read:#general'].sort()])
  })
})
