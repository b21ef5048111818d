// @vitest-environment happy-dom
import { combineReducers, configureStore, type Middleware, type StoreEnhancer, type UnknownAction } from '@reduxjs/toolkit'
import { instrument } from '@redux-devtools/instrument'
import { act, cleanup, render, screen } from '@testing-library/react'
import { Activity, Fragment, Profiler, StrictMode, useEffect, useState, startTransition, type ReactNode } from 'react'
import { flushSync } from 'react-dom'
import { Provider } from 'react-redux'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SocketConfig } from 'redux-chat'
import { createChat } from 'redux-chat/react'
import { createSeededRandom, createTestEnvironment } from 'redux-chat/testing'
import { entriesOf, valueAt } from '../../src/policy/table'
import { collectUncaught } from '../support/uncaught'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function world(config: Partial<SocketConfig> = {}, enhancers: readonly StoreEnhancer[] = []) {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'x', getToken: () => 't', ...config, environment: env.environment })
  const app = combineReducers({ chat: chat.reducer })
  const store = configureStore({
    reducer: (state: ReturnType<typeof app> | undefined, action: UnknownAction) => app(action.type === 'reset' ? undefined : state, action),
    devTools: false,
    middleware: (getDefault) => getDefault().concat(chat.middleware),
    enhancers: (getDefault) => getDefault().concat(...enhancers),
  })
  const show = (children: ReactNode) => <Provider store={store}>{children}</Provider>
  const pass = (ms = 0) => act(async () => { await env.clock.advance(ms) })
  return { env, chat, store, show, pass }
}

describe('callbacks of useSocket', () => {
  it('may throw: the page and its connection stay', async () => {
    const thrown = collectUncaught()
    const { env, chat, show, pass } = world()
    const App = () => <p>{chat.useSocket({ userId: 'alice', onReconnect: () => { throw new Error('mine') } }).status}</p>
    render(show(<App />))
    await pass(1_000)
    env.server.disconnectAll('transport_close')
    await pass(5_000)
    expect([document.body.textContent, env.network.open, thrown]).toEqual(['connected', 1, [new Error('mine')]])
  })

  it('are told of errors that another component dismisses as it shows them', async () => {
    const { chat, show, pass } = world({ getToken: () => null })
    const told: string[] = []
    const Toaster = () => {
      const { errors, dismiss } = chat.useErrors()
      useEffect(() => errors.forEach(({ id }) => dismiss(id)), [errors, dismiss])
      return null
    }
    const App = () => {
      chat.useSocket({ userId: 'alice', onAuthError: ({ code }) => told.push(code) })
      return <Toaster />
    }
    render(show(<App />))
    await pass(1_000)
    expect(told).toEqual(['signed_out'])
  })

  it('are told behind a middleware that returns nothing, and once when one of them joins anew', async () => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const store = configureStore({
      reducer: { chat: chat.reducer },
      middleware: (getDefault) => getDefault().prepend((() => (next) => (action) => { next(action) }) as Middleware).concat(chat.middleware),
    })
    let told = 0
    const Inner = ({ again }: { readonly again: () => void }) => <p>{chat.useSocket({ userId: 'alice', onReconnect: () => { if (told++ < 20) again() } }).status}</p>
    const App = () => {
      chat.useSocket({ userId: 'alice' })
      const [key, setKey] = useState(0)
      return <Inner key={key} again={() => flushSync(() => setKey((now) => now + 1))} />
    }
    render(<Provider store={store}><App /></Provider>)
    const pass = (ms: number) => act(async () => { await env.clock.advance(ms) })
    await pass(1_000)
    env.server.disconnectAll('transport_close')
    await pass(5_000)
    expect([document.body.textContent, told]).toEqual(['connected', 1])
  })

  it('G12: are told nothing by time travel', async () => {
    let token: string | null = null
    const { env, chat, store, show, pass } = world({ getToken: () => token }, [instrument() as StoreEnhancer])
    const { liftedStore } = store as unknown as { readonly liftedStore: { getState(): { readonly nextActionId: number }; dispatch(action: UnknownAction): void } }
    const told: string[] = []
    const App = () => <p>{chat.useSocket({ userId: 'alice', onAuthError: ({ code }) => told.push(code), onReconnect: () => told.push('again') }).status}</p>
    render(show(<App />))
    await pass(1_000)
    token = 't'
    act(() => { store.dispatch(chat.actions.connect({ userId: 'alice' })) })
    await pass(1_000)
    told.length = 0
    for (let index = 0; index < liftedStore.getState().nextActionId; index++) act(() => { liftedStore.dispatch({ type: 'JUMP_TO_STATE', index, actionId: index }) })
    expect([told, env.network.open]).toEqual([[], 1])
  })

  it('are told to each component that uses the socket, as long as it is there', async () => {
    const { env, chat, show, pass } = world()
    const told: string[] = []
    const Part = ({ name }: { readonly name: string }) => {
      chat.useSocket({ userId: 'alice', onReconnect: () => told.push(name) })
      return null
    }
    const view = render(show(<><Part name="a" /><Part name="b" /></>))
    await pass(1_000)
    env.server.disconnectAll('transport_close')
    await pass(5_000)
    view.rerender(show(<><Part name="a" /></>))
    env.server.disconnectAll('transport_close')
    await pass(5_000)
    expect(told).toEqual(['a', 'b', 'a'])
  })
})

it('G6: a list that stays on the screen over a reset of the whole state loads its channel for who signs in next', async () => {
  const { env, chat, store, show, pass } = world()
  for (let i = 1; i <= 3; i++) env.server.push('general', { userId: 'carol', content: `m${i}` })
  const List = () => <ul>{chat.useMessages('general').map(({ id, content }) => <li key={id}>{content}</li>)}</ul>
  const App = ({ userId }: { readonly userId: string | null }) => {
    chat.useSocket({ userId })
    return <List />
  }
  const view = render(show(<App userId="alice" />))
  await pass(2_000)
  act(() => {
    store.dispatch(chat.actions.signOut())
    store.dispatch({ type: 'reset' })
  })
  view.rerender(show(<App userId={null} />))
  await pass(1_000)
  view.rerender(show(<App userId="bob" />))
  await pass(120_000)
  expect(screen.queryAllByRole('listitem').map(({ textContent }) => textContent)).toEqual(['m1', 'm2', 'm3'])
})

it('G6: and for the same user who signs in again before anything is drawn', async () => {
  const { env, chat, store, show, pass } = world()
  env.server.push('general', { userId: 'carol', content: 'old' })
  const List = () => <p>{chat.useMessages('general').map(({ content }) => content).join()}</p>
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  render(show(<List />))
  await pass(2_000)
  act(() => {
    store.dispatch(chat.actions.signOut())
    store.dispatch({ type: 'reset' })
    store.dispatch(chat.actions.connect({ userId: 'alice' }))
  })
  await pass(10_000)
  expect(screen.queryByText('old')).not.toBeNull()
})

it('a channel that the app has closed, on a screen that is kept mounted, stays closed over a reconnect, which renders nothing', async () => {
  const { env, chat, store, show, pass } = world()
  let renders = 0
  const List = () => <p>{chat.useMessages('general').map(({ content }) => content).join()}</p>
  store.dispatch(chat.actions.connect({ userId: 'alice' }))
  render(show(<Profiler id="list" onRender={() => { renders++ }}><List /></Profiler>))
  await pass(2_000)
  act(() => { store.dispatch(chat.actions.closeChannel({ channelId: 'general' })) })
  renders = 0
  env.server.disconnectAll('transport_close')
  await pass(10_000)
  expect([chat.selectors.selectConnection(store.getState()).status, valueAt(store.getState().chat.messages, 'general')?.open, renders]).toEqual(['connected', false, 0])
})

const RUNS = Number(process.env['REACT_RUNS'] ?? 8)
/** In which a list stays on the screen over a reset of the whole state. */
const PINNED = [28]

/** What is mounted. */
interface Mounted {
  readonly rooms: readonly { readonly key: number; readonly id: string; readonly hidden: boolean }[]
  readonly sockets: number
  readonly user: string | null
}

async function runLife(seed: number): Promise<readonly string[]> {
  const random = createSeededRandom(`react ${seed}`)
  const pick = <T,>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const warned = [vi.spyOn(console, 'error').mockImplementation(() => undefined), vi.spyOn(console, 'warn').mockImplementation(() => undefined)]
  const { env, chat, store, pass } = world({ history: { maxChannels: pick([0, 1, 100]), windowSize: pick([3, 50]) } })
  const Room = ({ id }: { readonly id: string }) => {
    chat.useChannel(id)
    chat.useUnreadCount(id)
    return <p>{chat.useMessages(id).map(({ content, status }) => content + status).join()}</p>
  }
  const Socket = ({ user }: { readonly user: string | null }) => <b>{chat.useSocket({ userId: user }).status}</b>
  const Mode = random() < 0.5 ? StrictMode : Fragment
  let mounted: Mounted = { rooms: [], sockets: 1, user: 'alice' }
  const tree = () => (
    <Mode>
      <Provider store={store} stabilityCheck="always">
        {Array.from({ length: mounted.sockets }, (_, i) => <Socket key={`s${i}`} user={mounted.user} />)}
        {mounted.rooms.map(({ key, id, hidden }) => <Activity key={key} mode={hidden ? 'hidden' : 'visible'}><Room id={id} /></Activity>)}
      </Provider>
    </Mode>
  )
  const problems: string[] = []
  const check = (): void => {
    const open = entriesOf(store.getState().chat.messages).filter(([, channel]) => channel.open).map(([id]) => id).sort()
    const wanted = [...new Set(mounted.rooms.filter(({ hidden, id }) => !hidden && id !== '').map(({ id }) => id))].sort()
    const { status, userId } = store.getState().chat.connection
    const isWanted = mounted.sockets > 0 && mounted.user !== null
    if (isWanted ? status !== 'connected' || userId !== mounted.user : env.network.open > 0) problems.push(`${status} as ${String(userId)}, wanted ${String(mounted.user)}`)
    // A reset forgets what is open until somebody signs in.
    if (!isWanted) return
    if (open.join() !== wanted.join()) problems.push(`open: ${open.join()}, mounted: ${wanted.join()}`)
    for (const id of wanted) {
      const last = chat.selectors.selectMessages(store.getState(), id).filter(({ seq }) => seq !== undefined).at(-1)?.content
      if (last !== env.server.log(id).at(-1)?.content) problems.push(`${id} ends with ${String(last)}`)
    }
  }
  const leave = (user: string | null): void => {
    if (user === null && random() < 0.5 && mounted.user !== null) act(() => {
      store.dispatch(chat.actions.signOut())
      if (random() < 0.5) store.dispatch({ type: 'reset' })
    })
    mounted = { ...mounted, user }
  }
  const change = (key: number): void => {
    const kind = random()
    const { rooms } = mounted
    if (kind < 0.2) mounted = { ...mounted, rooms: [...rooms, { key, id: pick(['a', 'b', 'c', '']), hidden: random() < 0.3 }] }
    else if (kind < 0.35) mounted = { ...mounted, rooms: rooms.filter(() => random() < 0.7) }
    else if (kind < 0.5) mounted = { ...mounted, rooms: rooms.map((room) => (random() < 0.5 ? { ...room, id: pick(['a', 'b', 'c', '']) } : room)) }
    else if (kind < 0.6) mounted = { ...mounted, rooms: rooms.map((room) => ({ ...room, hidden: random() < 0.4 })) }
    else if (kind < 0.7) mounted = { ...mounted, sockets: Math.floor(random() * 3) }
    else if (kind < 0.8) leave(pick(['alice', 'bob', null]))
    else if (kind < 0.85) env.server.disconnectAll('transport_close')
    else if (kind < 0.9) env.server.push(pick(['a', 'b', 'c']), { userId: 'carol', content: `x${key}` })
    else if (mounted.user !== null) act(() => { store.dispatch(chat.actions.sendMessage({ channelId: pick(['a', 'b']), content: `mine${key}` })) })
  }
  const view = render(tree())
  for (let step = 0; step < 60; step++) {
    change(step)
    act(() => { if (random() < 0.3) startTransition(() => view.rerender(tree())); else view.rerender(tree()) })
    if (random() < 0.5) await pass(pick([1, 30, 3_000]))
    if (random() < 0.3) {
      await pass(20_000)
      check()
    }
  }
  view.unmount()
  await pass(60_000)
  if (env.network.open + env.timers + env.lifecycle.listeners > 0) problems.push('leaves something behind')
  const said = warned.flatMap((spy) => spy.mock.calls.map(([text]) => String(text))).filter((text) => !/took \d+ms|%s/.test(text))
  return [...problems, ...said]
}

describe('components that come, go, hide and change', () => {
  it('G9: what is open and connected is what is mounted, and nothing is left', async () => {
    for (const seed of [...PINNED, ...Array(RUNS).keys()]) expect([seed, await runLife(seed)]).toEqual([seed, []])
  }, 120_000)
})
