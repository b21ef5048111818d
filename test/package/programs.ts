/** The programs that a user of the package would write, in each module system. */

type Modules = 'esm' | 'cjs'

const imports = (modules: Modules, names: string, from: string): string =>
  modules === 'esm'
    ? `import { ${names} } from '${from}'`
    : `const { ${names.replaceAll(' as ', ': ')} } = require('${from}')`

/** Makes a store, sends one message without a connection, prints what came of it. */
const USE = `
const chat = createChat({ url: 'http://x', token: 't' })
const store = configureStore({
  reducer: { [chat.reducerPath]: chat.reducer, todos: (state = []) => state },
  middleware: (getDefault) => getDefault().concat(chat.middleware),
})
const sent = store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'hi' }))
const shown = chat.selectors.selectMessages(store.getState(), 'general')
const result = { reducerPath: chat.reducerPath, id: sent.payload.id, shown: shown.map(({ id, content, status }) => ({ id, content, status })) }
`

export const coreProgram = (modules: Modules): string => `
${imports(modules, 'configureStore', '@reduxjs/toolkit')}
${imports(modules, 'createChat', 'redux-chat')}
${imports(modules, 'createManualClock, createMemoryServer', 'redux-chat/testing')}
${USE}
console.log(JSON.stringify({ ...result, testing: [typeof createManualClock, typeof createMemoryServer] }))
`

/** The same chat through its hooks, drawn by React on a server. */
export const reactProgram = (modules: Modules): string => `
${imports(modules, 'createElement', 'react')}
${imports(modules, 'renderToString', 'react-dom/server')}
${imports(modules, 'Provider', 'react-redux')}
${imports(modules, 'configureStore', '@reduxjs/toolkit')}
${imports(modules, 'createChat', 'redux-chat/react')}
${imports(modules, 'createChat as createCore, ChatConfigError', 'redux-chat')}
${USE}
function Messages() {
  return createElement('ul', null, chat.useMessages('general').map(({ id, content, status }) =>
    createElement('li', { key: id }, content + ':' + status)))
}
const html = renderToString(createElement(Provider, { store }, createElement(Messages)))
// The entries share their code: an error thrown by one is an instance of the other's class.
let sharesCode = false
try { createChat({ url: '', token: 't' }) } catch (reason) { sharesCode = reason instanceof ChatConfigError }
console.log(JSON.stringify({ ...result, html, sharesCode, core: typeof createCore }))
`

/** Constants of redux-persist by name: what the built core does itself, in both module systems. */
export const persistProgram = (modules: Modules): string => `
${imports(modules, 'FLUSH, PAUSE, PERSIST, PURGE, REGISTER, REHYDRATE', 'redux-persist')}
console.log(JSON.stringify([FLUSH, PAUSE, PERSIST, PURGE, REGISTER, REHYDRATE]))
`

export const typedCore = `
import { combineReducers, configureStore } from '@reduxjs/toolkit'
import { createChat, socketBindings, type Chat, type Message, type SocketConfig, type SocketErrorType, type SocketEvents, type SocketResponse } from 'redux-chat'
import { createTestEnvironment, type TestEnvironment } from 'redux-chat/testing'

interface Mood { readonly mood: string }
const config: SocketConfig<Mood, 'chat'> = { url: 'http://x', token: 't', parseExtra: () => ({ mood: 'good' }) }
const chat: Chat<Mood, 'chat'> = createChat<Mood, 'chat'>(config)
const store = configureStore({
  reducer: combineReducers({ [chat.reducerPath]: chat.reducer }),
  middleware: (getDefault) => getDefault().concat(chat.middleware),
})
const id: string = store.dispatch(chat.actions.sendMessage({ channelId: 'general', content: 'hi', mood: 'good' })).payload.id
const shown: readonly Message<Mood>[] = chat.selectors.selectMessages(store.getState(), 'general')
const mood: string | undefined = shown[0]?.mood
const world: TestEnvironment = createTestEnvironment()
const type: SocketErrorType = 'auth_failed'
const response: SocketResponse<{ seq: number }> = { success: true, data: { seq: 1 } }
type Sent = SocketEvents<Mood>['message:send']
const sent: Sent | undefined = undefined
// @ts-expect-error the extra is required: so the types are really there, not any
chat.actions.sendMessage({ channelId: 'general', content: 'hi' })
export { id, mood, world, type, response, sent, socketBindings }
// What a module of an app exports, inferred: a declaration has to be able to name it.
export const { actions, facts, selectors } = chat
export const { connect, sendMessage, markRead } = chat.actions
export const { selectMessages, selectChannel } = chat.selectors
export const {
  connectionStarted, connectionOpened, connectionLost, sessionAnnounced, tokenRefreshed, messageEmitted, messageAcked, messageDelayed, messageFailed,
  outboxStored, outboxRestored, syncStarted, pageLoaded, syncFailed, errorReported, messagesReceived, receiptsReceived,
} = chat.facts
export const greet = () => chat.actions.sendMessage({ channelId: 'general', content: 'hi', mood: 'good' })
export const messagesIn = () => store.getState().chat.messages
export { chat, store }
`

export const typedReact = `
import { createChat, ChatErrorBoundary } from 'redux-chat/react'
import type { Message } from 'redux-chat'
const chat = createChat({ url: 'http://x', token: 't' })
export function useText(): string {
  const messages: readonly Message[] = chat.useMessages('general')
  // @ts-expect-error a channel is needed: so the types are really there, not any
  chat.useMessages()
  return messages.map(({ content }) => content).join()
}
export const boundary: unknown = ChatErrorBoundary
export const { useMessages, useSocket, useSendMessage } = chat
`

/** Checks our declarations too. Not `exactOptionalPropertyTypes`: Redux Toolkit's own declarations do not pass it. */
export const compiler = (module: string, resolution: string, include: readonly string[], more: object = {}) => JSON.stringify({
  compilerOptions: {
    target: 'ES2022', module, moduleResolution: resolution, lib: ['ES2022', 'DOM'], jsx: 'react-jsx', types: [],
    strict: true, noEmit: true, declaration: true, skipLibCheck: false, ...more,
  },
  include,
})

export const compilerFiles = {
  'tsconfig.node16.json': compiler('Node16', 'Node16', ['typed']),
  'tsconfig.bundler.json': compiler('ESNext', 'Bundler', ['typed']),
}

/** A page without frills; its script is also what the test runs, so it touches no document. */
export const viteApp = (withReact: boolean) => ({
  'index.html': '<!doctype html><title>app</title><script type="module" src="/main.js"></script>',
  // React's server renderer for browsers holds a message channel open, which keeps Node alive: that is not ours to prove.
  'main.js': withReact ? `${reactProgram('esm')}globalThis.process?.exit(0)\n` : coreProgram('esm'),
  'vite.config.js': `export default { logLevel: 'warn', build: { modulePreload: false, rolldownOptions: { output: { entryFileNames: 'app.js' } } } }`,
})

/** A module of an app that imports this entry alone and exports all that it gives, inferred; `more` stands among the options of its chat. */
const exportedChat = (entry: string, hooks = '') => (more: string): string => `
import { configureStore } from '@reduxjs/toolkit'
import { createChat } from '${entry}'
export const chat = createChat({ url: 'http://x', token: 't'${more} })
export const store = configureStore({ reducer: { [chat.reducerPath]: chat.reducer }, middleware: (get) => get().concat(chat.middleware) })
export const { connect, sendMessage, markRead, loadOlder, retryMessage } = chat.actions
export const { messagesReceived, receiptsReceived, pageLoaded, errorReported, outboxRestored, sessionAnnounced } = chat.facts
export const { selectMessages, selectMessage, selectChannel, selectConnection, selectErrors, selectOutbox, selectReceipts } = chat.selectors
export const { getSnapshot, subscribe } = chat.metrics
export const state = () => store.getState().chat
${hooks}`

export const exported = {
  'redux-chat': exportedChat('redux-chat'),
  'redux-chat/react': exportedChat('redux-chat/react', 'export const { useSocket, useConnection, useMessages, useSendMessage, useChannel, useUnreadCount, useErrors, useChatMetrics } = chat\n'),
  'redux-chat/testing': () => `
import { createTestEnvironment } from 'redux-chat/testing'
export const world = createTestEnvironment()
export const { clock, environment, lifecycle, locks, network, server, storage, reload } = world
`,
}
