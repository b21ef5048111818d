import { configureStore } from '@reduxjs/toolkit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

/* What jest-environment-jsdom 29 and 30 do not have. */

beforeEach(() => {
  for (const name of ['structuredClone', 'TextEncoder', 'setImmediate']) vi.stubGlobal(name, undefined)
  vi.resetModules()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function open(maxMessageBytes?: number) {
  const { createChat } = await import('redux-chat')
  const { createMemoryServer, createTestEnvironment } = await import('redux-chat/testing')
  const { environment, clock, network } = createTestEnvironment(maxMessageBytes === undefined ? {} : { server: createMemoryServer({ maxMessageBytes }) })
  const chat = createChat({ url: 'test', token: 'test', environment })
  const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (get) => get().concat(chat.middleware) })
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  return {
    clock, network,
    send: () => store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'x' })),
    shown: () => chat.selectors.selectMessages(store.getState(), 'general').map(({ status, stored }) => ({ status, stored })),
  }
}

it('what is unsent is stored', async () => {
  const { clock, network, send, shown } = await open()
  await clock.advance(2_000)
  network.cut()
  send()
  await clock.advance(2_000)
  expect(shown()).toEqual([{ status: 'pending', stored: true }])
})

it('a server with a limit takes what is small', async () => {
  const { clock, send, shown } = await open(1_000)
  await clock.advance(2_000)
  send()
  await clock.advance(2_000)
  expect(shown()).toEqual([{ status: 'sent', stored: undefined }])
})

it('time passes under fake timers that are installed later', async () => {
  const { clock, send, shown } = await open()
  vi.unstubAllGlobals()
  vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] })
  send()
  await clock.advance(2_000)
  expect(shown()).toEqual([{ status: 'sent', stored: undefined }])
}, 5_000)
