// @vitest-environment happy-dom
import { combineReducers, configureStore, type Middleware, type UnknownAction } from '@reduxjs/toolkit'
import { act, cleanup, render, screen } from '@testing-library/react'
import { memo, StrictMode, useState, type ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import { Provider } from 'react-redux'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ChatErrorBoundary, createChat, type SocketOptions } from 'redux-chat/react'
import { createTestEnvironment } from 'redux-chat/testing'
import { valueAt } from '../../src/policy/table'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

function world(config = {}) {
  const env = createTestEnvironment()
  const chat = createChat({ url: 'x', token: 't', environment: env.environment, ...config })
  const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(chat.middleware) })
  const Shell = ({ children }: { readonly children: ReactNode }) => <StrictMode><Provider store={store}>{children}</Provider></StrictMode>
  const Socket = (options: SocketOptions) => <p>{chat.useSocket(options).status}</p>
  const pass = (ms = 0) => act(async () => { await env.clock.advance(ms) })
  return { env, chat, store, Shell, Socket, pass }
}

const left = ({ env }: ReturnType<typeof world>) => ({
  sockets: env.network.open + env.network.connecting, timers: env.timers, listeners: env.lifecycle.listeners, locks: env.locks?.size,
})
const NOTHING = { sockets: 0, timers: 0, listeners: 0, locks: 0 }

describe('useMessages', () => {
  it('has none while no channel is chosen, and opens nothing', async () => {
    const { chat, store, Shell } = world()
    const List = ({ channelId }: { readonly channelId: string }) => <p>{`${chat.useMessages(channelId).length} messages`}</p>
    const view = render(<Shell><List channelId="" /></Shell>)
    expect(screen.getByText('0 messages')).toBeTruthy()
    expect(store.getState().chat.messages).toEqual([])
    view.rerender(<Shell><List channelId="general" /></Shell>)
    expect(valueAt(store.getState().chat.messages, 'general')?.open).toBe(true)
    view.rerender(<Shell><List channelId="" /></Shell>)
    expect(valueAt(store.getState().chat.messages, 'general')?.open).toBe(false)
  })
})

describe('useSocket', () => {
  it('tells a store without the middleware what to add', () => {
    const { chat, Socket } = world()
    const store = configureStore({ reducer: { chat: chat.reducer } })
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    expect(() => render(<Provider store={store}><Socket userId="alice" /></Provider>)).toThrow(/add \.concat\(chat\.middleware\)/)
  })

  it('asks whether the middleware is there without a trace in the store', () => {
    const { store, chat } = world()
    const before = store.getState()
    expect(store.dispatch({ type: `${chat.reducerPath}/probe` })).toBeNull()
    expect(store.getState()).toBe(before)
  })

  it('connects one socket in StrictMode and disconnects on unmount', async () => {
    const all = world()
    const { Shell, Socket, env, pass } = all
    const view = render(<Shell><Socket userId="alice" /></Shell>)
    await pass()
    expect(screen.getByText('connected')).toBeTruthy()
    expect(env.network.open).toBe(1)
    expect(env.server.connections()).toBe(1)
    view.unmount()
    await pass()
    expect(left(all)).toEqual(NOTHING)
  })

  it('waits for somebody to sign in, follows another user, and ends with a sign-out', async () => {
    const all = world()
    const { Shell, Socket, env, pass } = all
    const view = render(<Shell><Socket userId={null} /></Shell>)
    await pass()
    expect(screen.getByText('idle')).toBeTruthy()
    view.rerender(<Shell><Socket userId="alice" /></Shell>)
    await pass()
    expect(env.server.connections('alice')).toBe(1)
    view.rerender(<Shell><Socket userId="bob" /></Shell>)
    await pass()
    expect([env.server.connections('alice'), env.server.connections('bob')]).toEqual([0, 1])
    view.rerender(<Shell><Socket userId={null} /></Shell>)
    await pass()
    expect(left(all)).toEqual(NOTHING)
  })

  it('G9: ends the connection of a user who left with a reset of the whole state, and says so after a sign-out', async () => {
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const app = combineReducers({ chat: chat.reducer })
    const store = configureStore({
      reducer: (state: ReturnType<typeof app> | undefined, action: UnknownAction) => app(action.type === 'reset' ? undefined : state, action),
      middleware: (getDefault) => getDefault().concat(chat.middleware),
    })
    const Reason = ({ userId }: { readonly userId: string | null }) => <p>{chat.useSocket({ userId }).reason}</p>
    const App = (props: Parameters<typeof Reason>[0]) => <Provider store={store}><Reason {...props} /></Provider>
    const pass = () => act(async () => { await env.clock.advance(1_000) })
    const view = render(<App userId="alice" />)
    await pass()
    act(() => { store.dispatch({ type: 'reset' }) })
    view.rerender(<App userId={null} />)
    await pass()
    expect(env.server.connections()).toBe(0)
    view.rerender(<App userId="alice" />)
    await pass()
    expect([env.server.connections(), store.getState().chat.connection.status]).toEqual([1, 'connected'])
    act(() => { store.dispatch(chat.actions.signOut()) })
    view.rerender(<App userId={null} />)
    expect(screen.getByText('signed_out')).toBeTruthy()
  })

  it('does not take another user for a reconnection', async () => {
    const { Shell, Socket, env, pass } = world()
    const onReconnect = vi.fn()
    const view = render(<Shell><Socket userId="alice" onReconnect={onReconnect} /></Shell>)
    await pass()
    view.rerender(<Shell><Socket userId="bob" onReconnect={onReconnect} /></Shell>)
    await pass()
    expect(onReconnect).not.toHaveBeenCalled()
    await act(async () => { env.server.disconnectAll('transport_close') })
    await pass(5_000)
    expect(onReconnect).toHaveBeenCalledTimes(1)
  })

  it('serves several components with one connection, until the last one is gone', async () => {
    const all = world()
    const { Shell, Socket, env, pass } = all
    const view = render(<Shell><Socket userId="alice" /><Socket userId="alice" /></Shell>)
    await pass()
    view.rerender(<Shell><Socket userId="alice" /></Shell>)
    await pass()
    expect([env.network.open, env.network.opened]).toEqual([1, 1])
    view.unmount()
    await pass()
    expect(left(all)).toEqual(NOTHING)
  })

  it('tells the newest callbacks of each transition, and does not reconnect for a new one', async () => {
    const { Shell, Socket, env, pass } = world({ reconnection: { attempts: 1 } })
    const told: string[] = []
    const callbacks = (name: string) => ({
      onReconnect: () => told.push(`${name} reconnected`),
      onConnectionError: ({ code }: { code: string }) => told.push(`${name} ${code}`),
      onAuthError: ({ code }: { code: string }) => told.push(`${name} ${code}`),
    })
    const view = render(<Shell><Socket userId="alice" {...callbacks('old')} /></Shell>)
    await pass()
    view.rerender(<Shell><Socket userId="alice" {...callbacks('new')} /></Shell>)
    env.server.disconnectAll('transport_close')
    await pass(2_000)
    expect(told).toEqual(['new reconnected'])
    expect(env.network.opened).toBe(2)
    env.network.cut()
    await pass(60_000)
    expect(told.slice(1)).toEqual(['new unreachable'])
    env.network.restore()
    env.server.configure({ authenticate: () => ({ code: 'banned' }) })
    act(() => env.lifecycle.online())
    await pass(60_000)
    expect(told.slice(2)).toEqual(['new banned'])
  })

  it('G9: thousands of mounts, fast and slow, leave nothing behind', async () => {
    const all = world()
    const { Shell, Socket, chat, pass } = all
    const Room = () => {
      chat.useMessages('general')
      chat.useUnreadCount('general')
      chat.useChatMetrics()
      return <Socket userId="alice" />
    }
    for (let i = 0; i < 2_000; i++) {
      const view = render(<Shell><Room /></Shell>)
      if (i % 100 === 0) await pass(5)
      view.unmount()
      if (i % 150 === 0) await pass()
    }
    await pass(60_000)
    expect(left(all)).toEqual(NOTHING)
  })
})

describe('messages', () => {
  it('are sent, shown, counted and read', async () => {
    const { Shell, Socket, chat, env, store, pass } = world()
    let send: ReturnType<typeof chat.useSendMessage> | null = null
    const Room = () => {
      send = chat.useSendMessage('general')
      const { markRead } = chat.useChannel('general')
      return <>
        <Socket userId="alice" />
        <b>{chat.useUnreadCount('general')} unread</b>
        <ul>{chat.useMessages('general').map((message) => <li key={message.id}>{message.content} {message.status}</li>)}</ul>
        <button onClick={() => markRead()}>Read</button>
      </>
    }
    render(<Shell><Room /></Shell>)
    await pass(500)
    let id = ''
    act(() => { id = send?.('hello') ?? '' })
    expect(screen.getByText('hello pending')).toBeTruthy()
    await pass(100)
    expect(screen.getByText('hello sent')).toBeTruthy()
    expect(chat.selectors.selectMessage(store.getState(), 'general', id)?.seq).toBe(1)
    env.server.push('general', { userId: 'bob', content: 'hi' })
    await pass(100)
    expect(screen.getByText('1 unread')).toBeTruthy()
    act(() => screen.getByText('Read').click())
    expect(screen.getByText('0 unread')).toBeTruthy()
  })

  it('one new message renders one new row and no other', async () => {
    const { Shell, Socket, chat, env, pass } = world()
    const rendered: string[] = []
    const Row = memo(({ message }: { readonly message: { readonly id: string; readonly content: string } }) => {
      rendered.push(message.content)
      return <li>{message.content}</li>
    })
    const List = () => <ul>{chat.useMessages('general').map((message) => <Row key={message.id} message={message} />)}</ul>
    for (let i = 0; i < 40; i++) env.server.push('general', { userId: 'bob', content: `old ${i}` })
    const Provided = ({ children }: { readonly children: ReactNode }) => <Shell>{children}</Shell>
    render(<Provided><Socket userId="alice" /><List /></Provided>)
    await pass(500)
    expect(screen.getAllByText(/old/)).toHaveLength(40)
    rendered.length = 0
    env.server.push('general', { userId: 'bob', content: 'new' })
    await pass(200)
    expect(new Set(rendered)).toEqual(new Set(['new']))
  })

  it('G6: a channel that is on the screen before somebody signs in, or while another does, is theirs then', async () => {
    const { chat, store, env, pass } = world()
    for (let i = 1; i <= 3; i++) env.server.push('general', { userId: 'carol', content: `m${i}` })
    const List = () => <ul>{chat.useMessages('general').map((message) => <li key={message.id}>{message.content}</li>)}</ul>
    // As in production: effects run once, a child's before its parent's.
    const App = ({ userId }: { readonly userId: string | null }) => {
      chat.useSocket({ userId })
      return <List />
    }
    const shown = () => screen.queryAllByRole('listitem').map(({ textContent }) => textContent)
    const view = render(<Provider store={store}><App userId="alice" /></Provider>)
    await pass(1_000)
    expect(shown()).toEqual(['m1', 'm2', 'm3'])
    view.rerender(<Provider store={store}><App userId="bob" /></Provider>)
    expect(shown()).toEqual([])
    await pass(1_000)
    expect(shown()).toEqual(['m1', 'm2', 'm3'])
    act(() => { store.dispatch(chat.actions.signOut()) })
    expect(shown()).toEqual([])
    act(() => { store.dispatch(chat.actions.connect({ userId: 'bob' })) })
    await pass(1_000)
    expect(shown()).toEqual(['m1', 'm2', 'm3'])
  })

  it('opens a channel while a component shows it', async () => {
    const { Shell, Socket, chat, store, pass } = world()
    const Room = ({ id }: { readonly id: string }) => <p>{chat.useMessages(id).length}</p>
    const view = render(<Shell><Socket userId="alice" /><Room id="a" /></Shell>)
    await pass(100)
    view.rerender(<Shell><Socket userId="alice" /><Room id="b" /></Shell>)
    await pass(100)
    const { messages } = store.getState().chat
    expect([valueAt(messages, 'a')?.open, valueAt(messages, 'b')?.open]).toEqual([false, true])
  })
})

describe('around it', () => {
  it('lists errors and takes them away', async () => {
    const { Shell, Socket, chat, env, pass } = world()
    const Errors = () => {
      const { errors, dismiss, clear } = chat.useErrors()
      return <>{errors.map(({ id, code }) => <button key={id} onClick={() => dismiss(id)}>{code}</button>)}<i onClick={clear}>clear</i></>
    }
    render(<Shell><Socket userId="alice" /><Errors /></Shell>)
    await pass(100)
    env.server.emitRaw('alice', 'message:new', null)
    await pass(100)
    act(() => screen.getByText('invalid_event').click())
    expect(screen.queryByText('invalid_event')).toBeNull()
  })

  it('shows measurements as they come', async () => {
    const { Shell, Socket, chat, pass } = world()
    let send = (_text: string): string => ''
    const Panel = () => {
      send = chat.useSendMessage('general')
      return <p>{chat.useChatMetrics().ackLatency.count} acks</p>
    }
    render(<Shell><Socket userId="alice" /><Panel /></Shell>)
    await pass(100)
    act(() => { send('one') })
    await pass(100)
    expect(screen.getByText('1 acks')).toBeTruthy()
  })

  it('renders on a server without connecting', () => {
    const { Shell, Socket, env } = world()
    expect(renderToString(<Shell><Socket userId="alice" /></Shell>)).toContain('idle')
    expect(env.network.attempts).toBe(0)
  })

  it('ChatErrorBoundary keeps a rendering error inside, says so, and tries again', () => {
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    let broken = true
    const seen: unknown[] = []
    const Fragile = () => {
      if (broken) throw new Error('broken row')
      return <p>fine</p>
    }
    const App = () => {
      const [count] = useState(1)
      return <><p>the rest {count}</p><ChatErrorBoundary onError={(error) => seen.push(error)}><Fragile /></ChatErrorBoundary></>
    }
    render(<App />)
    expect(screen.getByRole('alert').textContent).toContain('could not be shown')
    expect(screen.getByText('the rest 1')).toBeTruthy()
    expect(seen).toMatchObject([{ message: 'broken row' }])
    broken = false
    act(() => screen.getByText('Try again').click())
    expect(screen.getByText('fine')).toBeTruthy()
    quiet.mockRestore()
  })

  it('G9: what met a subscriber that throws is told nothing once it is gone, and leaves no connection', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { env, store, Shell, Socket, pass, ...rest } = world()
    const told: string[] = []
    const stop = store.subscribe(() => {
      stop()
      throw new Error('of a subscriber')
    })
    const view = render(<Shell><ChatErrorBoundary><Socket userId="alice" onReconnect={() => told.push('back')} /></ChatErrorBoundary></Shell>)
    expect(screen.getByRole('alert')).toBeTruthy()
    view.unmount()
    await pass(1_000)
    expect([left({ env, store, Shell, Socket, pass, ...rest }), told]).toEqual([NOTHING, []])
  })

  it('the id of what was sent is given behind a middleware that returns nothing', async () => {
    const silent: Middleware = () => (next) => (action) => void next(action)
    const env = createTestEnvironment()
    const chat = createChat({ url: 'x', token: 't', environment: env.environment })
    const store = configureStore({ reducer: { chat: chat.reducer }, middleware: (getDefault) => getDefault().concat(silent, chat.middleware) })
    const ids: string[] = []
    const Composer = () => {
      chat.useSocket({ userId: 'alice' })
      const send = chat.useSendMessage('general')
      return <button onClick={() => ids.push(send('hi'))}>Send</button>
    }
    render(<Provider store={store}><Composer /></Provider>)
    act(() => screen.getByText('Send').click())
    await act(async () => { await env.clock.advance(1_000) })
    expect(env.server.log('general').map(({ id }) => id)).toEqual(ids)
  })

  it('what could not be opened is told again at the next try', () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { env, chat } = world()
    const store = configureStore({ reducer: { chat: chat.reducer } })
    const Socket = () => <p>{chat.useSocket({ userId: 'alice' }).status}</p>
    const seen: unknown[] = []
    render(<Provider store={store}><ChatErrorBoundary onError={(error) => seen.push(error)}><Socket /></ChatErrorBoundary></Provider>)
    act(() => screen.getByText('Try again').click())
    expect([seen, env.network.attempts]).toMatchObject([[{ code: 'middleware_missing' }, { code: 'middleware_missing' }], 0])
  })
})
