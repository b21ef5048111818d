// @vitest-environment happy-dom
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { EnhancedStore } from '@reduxjs/toolkit'
import { cleanup, configure, fireEvent, screen } from '@testing-library/react'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { createChat } from 'redux-chat'
import { freePort } from './browser/harness/processes'
import { blockWith } from './support/readme'

/** What the first block exports. */
interface StoreBlock {
  readonly chat: ReturnType<typeof createChat>
  readonly store: EnhancedStore
}

/** What a reader pastes runs, and its parts talk with each other. */

configure({ asyncUtilTimeout: 20_000 })

let folder = ''
let server: ChildProcess | undefined
let url = ''

/** Within the repository, so that what a block imports is found; not in node_modules, whose files Vitest does not compile. */
beforeAll(async () => {
  mkdirSync(resolve('.data'), { recursive: true })
  folder = mkdtempSync(resolve('.data/readme-'))
  const port = await freePort()
  url = `http://localhost:${port}`
  const program = join(folder, 'server.mjs')
  writeFileSync(program, blockWith('new Server(').code.replace('new Server(3000', `new Server(${port}`))
  server = spawn(process.execPath, [program], { stdio: 'inherit' })
})
afterEach(cleanup)
afterAll(async () => {
  const gone = server && once(server, 'exit')
  server?.kill()
  await gone
  rmSync(folder, { recursive: true, force: true })
})

async function run(text: string, name: string): Promise<Record<string, unknown>> {
  const path = join(folder, name)
  writeFileSync(path, blockWith(text).code.replace('http://localhost:3000', url))
  return import(/* @vite-ignore */ path)
}

it('the test of an app passes', async () => {
  await run('createTestEnvironment({ server, clock })', 'app-test.tsx')
  expect(screen.getByText('offline: delivered')).toBeTruthy()
})

it('the store and the small app talk with the server', async () => {
  const { store, chat } = await run('payload.id // known at once', 'store.ts') as unknown as StoreBlock
  await expect.poll(() => chat.selectors.selectMessages(store.getState(), 'general').map(({ content, status }) => [content, status]), { timeout: 20_000 })
    .toEqual([['hi', 'sent']])
  window.history.replaceState(null, '', '/?user=bob')
  await run('createRoot(', 'app.tsx')
  await screen.findByText(/alice: hi/)
  fireEvent.click(await screen.findByText('1 unread: mark read'))
  await expect.poll(() => chat.selectors.selectMessages(store.getState(), 'general')[0]?.status, { timeout: 20_000 }).toBe('read')
  fireEvent.change(screen.getByLabelText('Message'), { target: { value: 'hello' } })
  fireEvent.click(screen.getByText('Send'))
  await expect.poll(() => chat.selectors.selectMessages(store.getState(), 'general').map(({ content }) => content), { timeout: 20_000 }).toEqual(['hi', 'hello'])
  store.dispatch(chat.actions.disconnect())
})
