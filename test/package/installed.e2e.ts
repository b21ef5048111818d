import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWorkspace, installConsumer, node, pack, tool, type Packed, type Workspace } from './packed'
import { coreProgram, reactProgram, testingProgram } from './programs'

/** The packed package as npm installs it, used in each way that the README promises. */

const CORE = ['@reduxjs/toolkit@2', 'redux-persist@6', 'socket.io-client@4']
const CORE_AT_LEAST = ['@reduxjs/toolkit@2.0.0', 'redux-persist@6.0.0', 'socket.io-client@4.6.0']
const withReact = (major: number): string[] => [...CORE, `react@${major}`, `react-dom@${major}`, 'react-redux@9']

const APP_HTML = '<!doctype html><title>app</title><div id="root"></div><script type="module" src="/app.js"></script>'
const APP = `
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { Provider } from 'react-redux'
import { configureStore } from '@reduxjs/toolkit'
import { createChat } from 'redux-chat/react'
const chat = createChat({ url: 'https://chat.example.com', token: 'token' })
const store = configureStore({ reducer: { [chat.reducerPath]: chat.reducer }, middleware: (all) => all().concat(chat.middleware) })
const Messages = () => createElement('ul', null, chat.useMessages('general').map((message) => createElement('li', { key: message.id }, message.content)))
createRoot(document.querySelector('#root')).render(createElement(Provider, { store }, createElement(Messages)))
`

let home: Workspace
let packed: Packed

beforeAll(async () => {
  home = await createWorkspace()
  packed = await pack(home)
})

afterAll(() => home.remove())

/** A consumer's folder for one group of tests. */
function consumer(packages: readonly string[]): () => Workspace {
  let workspace: Workspace | undefined
  beforeAll(async () => {
    workspace = await createWorkspace()
    await installConsumer(workspace, packed, packages)
  })
  afterAll(() => workspace?.remove())
  return () => {
    if (!workspace) throw new Error('unable to use the consumer: it is there only inside tests')
    return workspace
  }
}

async function runBoth({ path, write }: Workspace, program: (kind: 'esm' | 'cjs') => string): Promise<void> {
  await write({ 'program.mjs': program('esm'), 'program.cjs': program('cjs') })
  expect(await node(path, 'program.mjs')).toBe('ok')
  expect(await node(path, 'program.cjs')).toBe('ok')
}

const bundle = ({ path }: Workspace, ...args: readonly string[]): Promise<string> => tool(path, 'vite/bin/vite.js', 'build', ...args)

describe('installed without React', () => {
  const own = consumer(CORE)

  it('brings no React and no package of its own', () => {
    expect(existsSync(join(own().path, 'node_modules/react'))).toBe(false)
    expect(existsSync(join(own().path, 'node_modules/redux-chat/node_modules'))).toBe(false)
  })

  it('works in Node.js as ES module and CommonJS', () => runBoth(own(), coreProgram))

  it('brings the testing kit', () => runBoth(own(), testingProgram))

  it('works when Vite has bundled it', async () => {
    await own().write({ 'server.js': coreProgram('esm'), 'vite.config.js': 'export default { ssr: { noExternal: true } }' })
    await bundle(own(), '--ssr', 'server.js', '--outDir', 'bundled')
    const [file] = readdirSync(join(own().path, 'bundled')).filter((name) => /\.m?js$/.test(name))
    expect(await node(join(own().path, 'bundled'), String(file))).toBe('ok')
  })
})

describe('installed with the oldest peers that it names', () => {
  const own = consumer(CORE_AT_LEAST)

  it('works in Node.js as ES module and CommonJS', () => runBoth(own(), coreProgram))
})

describe.each([18, 19])('installed with React %i', (major) => {
  const own = consumer(withReact(major))

  it('renders on a server as ES module and CommonJS', async () => {
    await runBoth(own(), reactProgram)
    expect(await node(own().path, '-p', "require('react').version")).toMatch(new RegExp(`^${major}\\.`))
  })

  it('builds into a Vite app without a warning', async () => {
    await own().write({ 'index.html': APP_HTML, 'app.js': APP })
    expect(await bundle(own(), '--logLevel', 'warn')).toBe('')
    expect(readdirSync(join(own().path, 'dist/assets')).some((name) => name.endsWith('.js'))).toBe(true)
  })
})
