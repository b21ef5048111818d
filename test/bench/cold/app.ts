import { configureStore, createSlice } from '@reduxjs/toolkit'
import { start as startRaw } from './raw'

/** A bare client beside a store: an app that has Redux Toolkit anyway. */
export function start(url: string): Promise<void> {
  const slice = createSlice({ name: 'connection', initialState: 'idle', reducers: { opened: () => 'connected' } })
  const store = configureStore({ reducer: { connection: slice.reducer } })
  return startRaw(url).then(() => { store.dispatch(slice.actions.opened()) })
}
