import { createAction } from '@reduxjs/toolkit'
import { socketBindings, type SocketConfig } from '../../src/index'
import { CONTENT, gated, openChat } from './chat'
import { signal, stopwatch, turn, type Sample } from './measure'

/* Ours, end to end over a real Socket.IO connection. The peers' halves are in `raw-runs.ts`. */

interface Ready { readonly isReady: Promise<void>; readonly hear: (type: string) => void }

/** What the server announces decides how many go at once: nothing is measured before it is here. */
function session(): Ready {
  const { reached, reach } = signal()
  return { isReady: reached, hear: (type) => { if (type === 'chat/sessionAnnounced') reach() } }
}

/** From dispatch to the state that shows `sent`, always `inFlight` under way. */
export async function chatSend(url: string, count: number, channels: number, inFlight: number, config: Partial<SocketConfig>): Promise<Sample> {
  let acked = 0
  let sent = 0
  const { isReady, hear } = session()
  const { reached: isDone, reach: done } = signal()
  const { chat, store } = openChat({ url, ...config }, (type) => {
    hear(type)
    if (type !== 'chat/messageAcked') return
    if (++acked === count) done()
    else send()
  })
  function send(): void {
    if (sent < count) store.dispatch(chat.actions.sendMessage({ channelId: `channel-${sent++ % channels}`, content: CONTENT }))
  }
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await isReady
  const stop = stopwatch()
  for (let i = 0; i < inFlight; i++) send()
  await isDone
  const sample = stop(count)
  store.dispatch(chat.actions.disconnect())
  return sample
}

/** A backlog in one channel, composed and stored before the connection opens, leaves in order. */
export async function chatDrain(url: string, count: number, config: Partial<SocketConfig>): Promise<Sample> {
  let acked = 0
  let stop = stopwatch()
  const { reached: isDone, reach: done } = signal()
  const { transport, release } = gated()
  const { chat, store } = openChat({
    url, ...config, reconnection: { timeoutMs: 600_000 }, environment: { ...config.environment, transport },
  }, (type) => {
    // The first emit is due as soon as the server has said what it promises.
    if (type === 'chat/sessionAnnounced') stop = stopwatch()
    if (type === 'chat/messageAcked' && ++acked === count) done()
  })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  // The gate is asked for after the token and the records, both promises.
  for (let i = 0; i < 20; i++) await turn()
  for (let i = 0; i < count; i++) store.dispatch(chat.actions.sendMessage({ channelId: 'backlog', content: CONTENT }))
  const isStored = (): boolean => config.storage === false || chat.selectors.selectOutbox(store.getState()).every(({ stored }) => stored)
  while (!isStored()) await turn()
  release()
  await isDone
  const sample = stop(count)
  store.dispatch(chat.actions.disconnect())
  return sample
}

interface Flood { readonly count: number; readonly channels: number; readonly gapMs?: readonly [number, number] }

export const flood = createAction<Flood>('bench/flood')
export const floodBinding = socketBindings<{}, { flood: (wanted: Flood) => void }>()({ emits: { flood: { action: flood } } })

const countOf = (payload: unknown): number =>
  (typeof payload === 'object' && payload !== null && 'messages' in payload && Array.isArray(payload.messages) ? payload.messages.length : 0)

/** From the request to the state that holds all of them. */
export async function chatReceive(url: string, count: number, channels: number, config: Partial<SocketConfig> = {}): Promise<Sample> {
  let heard = 0
  const { isReady, hear } = session()
  const { reached: isDone, reach: done } = signal()
  const { chat, store } = openChat({ url, storage: false, ...floodBinding, ...config }, (type, payload) => {
    hear(type)
    if (type !== 'chat/messagesReceived') return
    heard += countOf(payload)
    if (heard === count) done()
  })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await isReady
  const stop = stopwatch()
  store.dispatch(flood({ count, channels }))
  await isDone
  const sample = stop(count)
  store.dispatch(chat.actions.disconnect())
  return sample
}
