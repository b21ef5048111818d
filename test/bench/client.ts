import { configureStore, createAction, isAction, type Middleware } from '@reduxjs/toolkit'
import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { io, type Socket } from 'socket.io-client'
import { createChat, socketBindings, type SocketConfig } from '../../src/index'
import { createIndexedDbStorage } from '../../src/persistence/indexed-db'
import { stopwatch, type Rate } from './measure'

const CHANNELS = 100
const IN_FLIGHT = 100
const CONTENT = 'a message of a usual length, as people write them to each other'

const open = (url: string): Promise<Socket> => new Promise((resolve) => {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth: { token: 'token', userId: 'alice' } })
  socket.on('connect', () => resolve(socket))
})

/** The best that Socket.IO itself gives: emitWithAck with so many in flight. */
export async function rawSend(url: string, count: number, inFlight = IN_FLIGHT): Promise<Rate> {
  const socket = await open(url)
  const stop = stopwatch()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const i = next++
      await socket.emitWithAck('message:send', {
        id: crypto.randomUUID(), channelId: `channel-${i % CHANNELS}`, userId: 'alice', content: CONTENT, createdAt: Date.now(),
      })
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const measured = stop(count)
  socket.disconnect()
  return measured
}

/** A store in production mode, told of every action once the state has it. */
export function openStore(url: string, config: Partial<SocketConfig>, onAction: (type: string, payload: unknown) => void = () => undefined) {
  const chat = createChat({ url, token: 'token', ...config, reducerPath: 'chat' })
  const watch: Middleware = () => (next) => (action) => {
    const result = next(action)
    if (isAction(action)) onAction(action.type, 'payload' in action ? action.payload : undefined)
    return result
  }
  const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware, watch) })
  return { chat, store }
}

export const withIndexedDb = (): Partial<SocketConfig> => {
  const factory = new IDBFactory()
  return { environment: { storage: (name) => createIndexedDbStorage({ name, factory }) } }
}

/** From dispatch to the state that shows `sent`. */
export async function chatSend(url: string, count: number, config: Partial<SocketConfig>): Promise<Rate> {
  let acked = 0
  let sent = 0
  let done: () => void = () => undefined
  let opened: () => void = () => undefined
  const isOpen = new Promise<void>((resolve) => { opened = resolve })
  const isDone = new Promise<void>((resolve) => { done = resolve })
  const send = (): void => {
    if (sent < count) store.dispatch(chat.actions.sendMessage({ channelId: `channel-${sent++ % CHANNELS}`, content: CONTENT }))
  }
  const { chat, store } = openStore(url, config, (type) => {
    if (type === 'chat/sessionAnnounced') opened()
    if (type !== 'chat/messageAcked') return
    if (++acked === count) done()
    else send()
  })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await isOpen
  const stop = stopwatch()
  for (let i = 0; i < IN_FLIGHT; i++) send()
  await isDone
  const measured = stop(count)
  store.dispatch(chat.actions.disconnect())
  return measured
}

/** A backlog in one channel, composed offline, leaves in order. */
export async function chatDrain(url: string, count: number, config: Partial<SocketConfig>): Promise<Rate> {
  let done: () => void = () => undefined
  let stop = stopwatch()
  const isDone = new Promise<void>((resolve) => { done = resolve })
  let acked = 0
  const { chat, store } = openStore(url, config, (type) => {
    if (type === 'chat/sessionAnnounced') stop = stopwatch()
    if (type === 'chat/messageAcked' && ++acked === count) done()
  })
  for (let i = 0; i < count; i++) store.dispatch(chat.actions.sendMessage({ channelId: 'backlog', content: CONTENT }))
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await isDone
  const measured = stop(count)
  store.dispatch(chat.actions.disconnect())
  return measured
}

export async function rawReceive(url: string, count: number, channels: number): Promise<Rate> {
  const socket = await open(url)
  let received = 0
  const stop = stopwatch()
  await new Promise<void>((resolve) => {
    socket.on('message:new', () => { if (++received === count) resolve() })
    socket.emit('flood', { count, channels })
  })
  const measured = stop(count)
  socket.disconnect()
  return measured
}

interface Flood { readonly count: number; readonly channels: number }

const flood = createAction<Flood>('bench/flood')

interface Received { readonly messages: readonly unknown[] }

export async function chatReceive(url: string, count: number, channels: number): Promise<Rate> {
  let received = 0
  let done: () => void = () => undefined
  let opened: () => void = () => undefined
  const isOpen = new Promise<void>((resolve) => { opened = resolve })
  const isDone = new Promise<void>((resolve) => { done = resolve })
  const { chat, store } = openStore(url, {
    storage: false, ...socketBindings<{}, { flood: (wanted: Flood) => void }>()({ emits: { flood: { action: flood } } }),
  }, (type, payload) => {
    if (type === 'chat/sessionAnnounced') opened()
    if (type !== 'chat/messagesReceived') return
    received += (payload as Received).messages.length
    if (received === count) done()
  })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  await isOpen
  const stop = stopwatch()
  store.dispatch(flood({ count, channels }))
  await isDone
  const measured = stop(count)
  store.dispatch(chat.actions.disconnect())
  return measured
}
