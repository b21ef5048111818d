// @vitest-environment happy-dom
import { configureStore } from '@reduxjs/toolkit'
import { act, cleanup, render } from '@testing-library/react'
import { createElement, useEffect, type ReactElement } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { Provider } from 'react-redux'
import { ChatErrorBoundary, createChat } from 'redux-chat/react'
import { createTestEnvironment } from 'redux-chat/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { createPresence } from '../../src/react/presence'
import { collectUncaught } from '../support/uncaught'

/* What components of an app do that nobody told them not to. */

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  document.body.innerHTML = ''
})

function createWorld() {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'https://chat.test', token: 'token', environment: env.environment })
  const open = () => configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  return { env, chat, open, store: open(), pass: (ms = 0) => act(async () => { await env.clock.advance(ms) }) }
}

it('commands of a channel that is not chosen yet do nothing', () => {
  const { chat, store } = createWorld()
  const Room = (): null => {
    const { markRead, loadOlder, loadNewer } = chat.useChannel(null)
    useEffect(() => {
      for (const command of [markRead, loadOlder, loadNewer]) command()
    }, [markRead, loadOlder, loadNewer])
    return null
  }
  expect(() => render(<Provider store={store}><Room /></Provider>)).not.toThrow()
})

it('metrics hydrate as they were drawn, though something was measured before', async () => {
  const server = createWorld()
  const Panel = ({ chat }: { readonly chat: typeof server.chat }): ReactElement => <p>{chat.useChatMetrics().ackLatency.count} acks</p>
  const html = renderToString(<Provider store={server.store}><Panel chat={server.chat} /></Provider>)
  const { chat, store, env } = createWorld()
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'early' }))
  await env.clock.advance(1_000)
  const host = document.createElement('div')
  document.body.append(host)
  host.innerHTML = html
  const errors: unknown[] = []
  await act(async () => { hydrateRoot(host, <Provider store={store}><Panel chat={chat} /></Provider>, { onRecoverableError: (reason) => errors.push(reason) }) })
  expect([host.textContent, errors]).toEqual(['1 acks', []])
})

it('G8: a panel of metrics that is slow to draw while something waits is drawn once, and not for ever', () => {
  const { chat, store, env } = createWorld()
  store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'waits' }))
  let renders = 0
  const Panel = (): ReactElement => {
    renders++
    const { depth } = chat.useChatMetrics().queue
    env.clock.setWall(env.clock.now() + 1_100)
    return <p>{depth} waiting</p>
  }
  const { container } = render(<Provider store={store}><Panel /></Provider>)
  expect([container.textContent, renders]).toEqual(['1 waiting', 1])
})

it('what dismisses errors stays the same while they come', async () => {
  const { chat, store, env, pass } = createWorld()
  const commands = new Set<unknown>()
  const Errors = (): null => {
    chat.useSocket({ userId: 'alice' })
    const { dismiss, clear } = chat.useErrors()
    commands.add(dismiss).add(clear)
    return null
  }
  render(<Provider store={store}><Errors /></Provider>)
  await pass(100)
  env.server.emitRaw('alice', 'message:new', null)
  await pass(2_000)
  expect([store.getState().chat.errors.length, commands.size]).toEqual([1, 2])
})

it('G8: receipts that change nothing of a channel render nothing of it, also with two stores that show different parts of it', async () => {
  const { chat, open, env, pass } = createWorld()
  const [alices, carols] = [open(), open()]
  let renders = 0
  const Room = (): null => {
    chat.useChannel('general')
    renders++
    return null
  }
  const Socket = ({ userId }: { readonly userId: string }): null => {
    chat.useSocket({ userId })
    chat.useMessages('general')
    return null
  }
  for (let i = 0; i < 60; i++) env.server.push('general', { userId: 'bob', content: `${i}` })
  render(<><Provider store={alices}><Socket userId="alice" /><Room /></Provider><Provider store={carols}><Socket userId="carol" /><Room /></Provider></>)
  await pass(3_000)
  act(() => { alices.dispatch(chat.actions.loadOlder({ channelId: 'general' })) })
  await pass(3_000)
  renders = 0
  for (let seq = 1; seq < 20; seq++) {
    env.server.pushReceipt('delivered', 'general', 'dave', seq)
    await pass(50)
  }
  expect(renders).toBe(0)
})

it('an onError of the boundary that throws is an uncaught error of its own', () => {
  const uncaught = collectUncaught()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const Broken = (): never => { throw new Error('a component') }
  const tree = createElement(ChatErrorBoundary, { onError: () => { throw new Error('a reporter') } }, createElement(Broken))
  expect(() => render(tree)).not.toThrow()
  expect([document.body.textContent !== '', uncaught.length]).toEqual([true, 1])
})

it('G9: who enters while the first one opens is counted', () => {
  const presence = createPresence()
  const owner = {}
  const seen: string[] = []
  const close = (): void => void seen.push('closed')
  let leaveInner = (): void => undefined
  const leave = presence.enter(owner, 'a', () => {
    leaveInner = presence.enter(owner, 'a', () => void seen.push('opened'), close)
  }, close)
  leave()
  expect(seen).not.toContain('closed')
  leaveInner()
  expect(seen.filter((what) => what === 'closed')).toHaveLength(1)
})
