import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { unusableFolder } from '../../demo/server/data-folder'

/** What `npm start` runs, as its visitors run it. */
const PROGRAM = fileURLToPath(new URL('../../demo/start.ts', import.meta.url))

let dataDir: string
beforeEach(async () => { dataDir = await mkdtemp(join(tmpdir(), 'redux-chat-start-')) })
afterEach(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], { env: { ...process.env, PORT: '0', DATA_DIR: dataDir, ...env } })
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => { said.out += String(text) })
  child.stderr.on('data', (text) => { said.err += String(text) })
  return { child, said, ended: once(child, 'exit').then(([code]) => code) }
}

it('serves the page that it has built, without anything that would reload it when the server is gone', async () => {
  const { child, said, ended } = start({ DATABASE_URL: '', CLERK_AUTHORIZED_PARTIES: '' })
  try {
    await expect.poll(() => said.out, { timeout: 50_000 }).toMatch(/http:\S+/)
    const url = /http:\S+/.exec(said.out)?.[0] ?? ''
    const page = await fetch(`${url}/?user=alice`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const html = await page.text()
    expect(html).not.toContain('vite/client')
    const script = await fetch(`${url}${/src="([^"]+)"/.exec(html)?.[1]}`)
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    expect((await fetch(`${url}/assets/none.js`)).status).toBe(404)
  } finally {
    child.kill()
    expect(await ended).toBe(0)
  }
})

it.each([
  [{ PORT: 'abc' }, /^unable to start: PORT is "abc".*\n$/],
  [{ CLERK_JWT_KEY: '' }, /^unable to verify Clerk tokens: CLERK_JWT_KEY is not a public key as PEM.*\n$/],
  [{ CLERK_JWT_KEY: 'sk_test_1' }, /^unable to verify Clerk tokens: CLERK_JWT_KEY is not a public key as PEM.*\n$/],
  [{ DATA_DIR: join(PROGRAM, 'folder') }, /^unable to keep the chat in .*ENOTDIR.*\(DATA_DIR\)\n$/],
])('says in one line what is wrong with %o', async (env, line) => {
  const { said, ended } = start(env)
  expect(await ended).toBe(1)
  expect(said.err).toMatch(line)
})

it('says what the database says by a number only', () => {
  expect(unusableFolder('/data', { name: 'ErrnoError', errno: 51 }).message).toContain('unable to keep the chat in /data: no space is left on the device')
})
