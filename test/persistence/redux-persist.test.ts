import { configureStore, createSlice, type Middleware, type PayloadAction } from '@reduxjs/toolkit'
import { FLUSH, PAUSE, PERSIST, persistStore, PURGE, REGISTER, REHYDRATE } from 'redux-persist'
import { describe, expect, it, vi } from 'vitest'
import type { OutboxState } from '../../src/model'
import { entry, openTab, outbox } from './support'

/** The smallest store that has an outbox, and redux-persist's own `persistStore` on it. */
function openStore(tab = openTab()) {
  const { reducer, actions } = createSlice({
    name: 'outbox',
    initialState: outbox([]),
    reducers: { set: (_state, { payload }: PayloadAction<OutboxState>) => payload as never },
  })
  const middleware: Middleware = (api) => (next) => (action) => {
    const result = next(action)
    tab.handle(action)
    tab.update((api.getState() as { outbox: OutboxState }).outbox)
    return result
  }
  const store = configureStore({
    reducer: { outbox: reducer },
    middleware: (getDefault) => getDefault({ serializableCheck: { ignoredActions: [FLUSH, PAUSE, PERSIST, PURGE, REGISTER, REHYDRATE] } }).concat(middleware),
  })
  const set = (...ids: readonly string[]) => store.dispatch(actions.set(outbox(ids.map((id, i) => entry(id, i)))))
  const persistor = persistStore(store)
  return { ...tab, store, set, persistor }
}

describe('redux-persist', () => {
  it('a persistor is ready without any user, once, and resumes without waiting again', async () => {
    const { persistor, clock, device } = openStore()
    expect(persistor.getState()).toEqual({ registry: ['redux-chat:chat'], bootstrapped: false })
    await clock.flush()
    expect(persistor.getState()).toEqual({ registry: [], bootstrapped: true })
    persistor.pause()
    persistor.persist()
    expect(persistor.getState()).toEqual({ registry: [], bootstrapped: true })
    expect(device.opened).toBe(0)
  })

  it('G1: flush resolves when all is durable, and rejects when the device refuses', async () => {
    const { set, persistor, device } = openStore()
    set('a')
    await persistor.flush()
    expect(await device.ids()).toEqual(['a'])
    device.refuses = 'QuotaExceededError'
    set('a', 'b')
    await expect(persistor.flush()).rejects.toMatchObject({ name: 'QuotaExceededError' })
    device.refuses = null
    await persistor.flush()
    expect(await device.ids()).toEqual(['a', 'b'])
  })

  it('pause holds writing, persist writes what changed meanwhile', async () => {
    const { set, persistor, device, clock } = openStore()
    await clock.flush()
    persistor.pause()
    set('a')
    await clock.advance(60_000)
    expect(await device.ids()).toEqual([])
    persistor.persist()
    await clock.flush()
    expect(await device.ids()).toEqual(['a'])
  })

  it('G1: flush is true while paused, too', async () => {
    const { set, persistor, device } = openStore()
    persistor.pause()
    set('a')
    await persistor.flush()
    expect(await device.ids()).toEqual(['a'])
  })

  it('purge removes all, for good, and what is sent afterwards is kept again', async () => {
    const { set, persistor, device, clock, purged } = openStore()
    set('a')
    await clock.flush()
    await persistor.purge()
    expect(await device.ids()).toEqual([])
    expect(purged).toHaveBeenCalledOnce()
    set('a', 'b')
    await clock.flush()
    expect(await device.ids()).toContain('b')
  })

  it('G1: a write that failed before a purge is not tried again after it', async () => {
    const { set, persistor, device, clock } = openStore()
    device.refuses = 'UnknownError'
    set('a')
    await clock.flush()
    device.refuses = null
    await persistor.purge()
    await clock.advance(120_000)
    expect(await device.ids()).toEqual([])
  })

  it('nor is one that fails while the purge waits for it', async () => {
    const { set, persistor, device, clock } = openStore()
    const write = vi.spyOn(device.inner, 'write').mockRejectedValueOnce(new Error('cut'))
    device.hangs = true
    set('a')
    await clock.flush()
    const purged = persistor.purge()
    device.hangs = false
    device.release()
    await purged
    await clock.advance(120_000)
    expect(write).toHaveBeenCalledOnce()
    expect(await device.ids()).toEqual([])
  })

  it('G12: replayed actions without their callbacks do nothing', async () => {
    const { handle, update, clock, device } = openTab()
    update(outbox([entry('a')]))
    await clock.flush()
    for (const type of [PERSIST, FLUSH, PURGE]) handle({ type })
    for (const odd of [null, 'x', {}, { type: 3 }]) handle(odd)
    await clock.flush()
    expect(await device.ids()).toEqual(['a'])
  })
})
