import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createChatServer } from '../../demo/server/create-server'
import { code, connectTo, draft, postJson, seqOf } from './harness'

let dataDir: string
beforeEach(async () => { dataDir = await mkdtemp(join(tmpdir(), 'redux-chat-demo-')) })
afterEach(() => rm(dataDir, { recursive: true, force: true }))

it('G1: a restart keeps messages, numbers, watermarks, ids and tokens', async () => {
  const first = await createChatServer({ dataDir })
  const { token } = await postJson(`${first.url}/identity/token`, { userId: 'alice' }) as { token: string }
  const message = draft('general', 'alice', 'kept')
  const alice = await connectTo(first.url, { token, userId: 'alice' })
  expect(seqOf(await alice.emit('message:send', message))).toBe(1)
  await alice.emit('message:read', { channelId: 'general', seq: 1 })
  await first.close()
  await first.close()

  const second = await createChatServer({ dataDir })
  try {
    const again = await connectTo(second.url, { token, userId: 'alice' })
    expect(seqOf(await again.emit('message:send', message))).toBe(1)
    expect(code(await again.emit('message:send', { ...message, content: 'changed' }))).toBe('conflict')
    expect(seqOf(await again.emit('message:send', draft('general', 'alice')))).toBe(2)
    expect(await again.emit('message:sync', { channelId: 'general', after: 0 })).toMatchObject({
      data: { messages: [{ id: message.id, content: 'kept' }, {}], receipts: [{ userId: 'alice', read: 1 }, {}, {}] },
    })
    again.close()
  } finally {
    await second.close()
  }
}, 60_000)

it('a folder in use is refused, and named', async () => {
  const server = await createChatServer({ dataDir })
  try {
    await expect(createChatServer({ dataDir })).rejects.toMatchObject({ code: 'data_folder_locked', message: expect.stringContaining(dataDir) })
  } finally {
    await server.close()
  }
}, 60_000)

it('a failed start frees the folder', async () => {
  const taken = await createChatServer({ dataDir: null })
  try {
    await expect(createChatServer({ dataDir, port: taken.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const server = await createChatServer({ dataDir })
    await server.close()
  } finally {
    await taken.close()
  }
}, 60_000)
