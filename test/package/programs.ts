/** Programs of users of the packed package; each prints `ok` and ends by itself, with nothing left behind. */

const importOf = (kind: 'esm' | 'cjs', names: string, from: string): string =>
  kind === 'esm' ? `import { ${names} } from '${from}'` : `const { ${names} } = require('${from}')`

const STORE = `
const chat = createChat({ url: 'http://127.0.0.1:9', token: 'token' })
equal(chat.reducerPath, 'chat')
const store = configureStore({
  reducer: { [chat.reducerPath]: chat.reducer, todos: (state = []) => state },
  middleware: (getDefault) => getDefault().concat(chat.middleware),
})
store.dispatch(chat.actions.connect({ userId: 'ann' }))
const { payload } = store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'hi' }))
match(payload.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
const messages = chat.selectors.selectMessages(store.getState(), 'general')
deepEqual(messages.map(({ id, content, userId, status }) => ({ id, content, userId, status })),
  [{ id: payload.id, content: 'hi', userId: 'ann', status: 'pending' }])
`

export const coreProgram = (kind: 'esm' | 'cjs'): string => [
  importOf(kind, 'deepEqual, equal, match', 'node:assert/strict'),
  importOf(kind, 'configureStore', '@reduxjs/toolkit'),
  importOf(kind, 'createChat', 'redux-chat'),
  STORE,
  `store.dispatch(chat.actions.disconnect())`,
  `console.log('ok')`,
].join('\n')

/** With a React element tree in place of JSX, so that it needs no compiler. */
export const reactProgram = (kind: 'esm' | 'cjs'): string => [
  importOf(kind, 'deepEqual, equal, match', 'node:assert/strict'),
  importOf(kind, 'configureStore', '@reduxjs/toolkit'),
  importOf(kind, 'createElement', 'react'),
  importOf(kind, 'renderToString', 'react-dom/server'),
  importOf(kind, 'Provider', 'react-redux'),
  importOf(kind, 'createChat', 'redux-chat/react'),
  STORE,
  `const Messages = () => createElement('ul', null, chat.useMessages('general').map(({ id, content }) => createElement('li', { key: id }, content)))`,
  `equal(renderToString(createElement(Provider, { store }, createElement(Messages))), '<ul><li>hi</li></ul>')`,
  `store.dispatch(chat.actions.disconnect())`,
  `console.log('ok')`,
].join('\n')

export const testingProgram = (kind: 'esm' | 'cjs'): string => [
  importOf(kind, 'equal', 'node:assert/strict'),
  importOf(kind, 'createManualClock', 'redux-chat/testing'),
  `equal(typeof createManualClock().now(), 'number')`,
  `console.log('ok')`,
].join('\n')

/** What a user writes in TypeScript; wrong types are marked, so that lost types (\`any\`) are errors. */
export const CORE_TYPES = `
import { configureStore } from '@reduxjs/toolkit'
import { createChat, type Message } from 'redux-chat'
import { createManualClock } from 'redux-chat/testing'

const chat = createChat({ url: 'https://chat.example.com', getToken: async ({ skipCache }) => (skipCache ? null : 'token') })
export const store = configureStore({
  reducer: { [chat.reducerPath]: chat.reducer },
  middleware: (getDefault) => getDefault().concat(chat.middleware),
})
const { payload } = store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'hi' }))
export const id: string = payload.id
export const messages: readonly Message[] = chat.selectors.selectMessages(store.getState(), 'general')
export const now: number = createManualClock().now()
// @ts-expect-error a number is no content
chat.actions.sendMessage({ channelId: 'general', content: 1 })
// @ts-expect-error the payload is not any
payload.nothing
`

export const REACT_TYPES = `
import { createChat } from 'redux-chat/react'

const chat = createChat({ url: 'https://chat.example.com', token: 'token' })
export const useContents = (): string[] => chat.useMessages('general').map((message) => message.content)
// @ts-expect-error a channel has a name
export const useNothing = () => chat.useMessages(1)
`
