import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Route } from './http'
import { commitAndAnnounce, type Services } from './handlers'
import { refuseForGood } from './refusal'
import { parse } from './schemas'
import { roomOf, type ChatIo, type ChatSocket } from './sockets'

const name = z.string().regex(/^\P{C}{1,128}$/u)
const count = z.int().min(0).max(1_000_000)
const userSchema = z.object({ userId: name })
const anyUserSchema = z.object({ userId: name.optional() })
const faultsSchema = z.object({
  userId: name,
  dropAcks: z.union([count, z.boolean()]), delayAcksMs: count, rejectNext: count, refuseNext: count,
  refuseCode: z.string().min(1), retryAfterMs: count.nullable(),
}).partial({ dropAcks: true, delayAcksMs: true, rejectNext: true, refuseNext: true, refuseCode: true, retryAfterMs: true })
const crashSchema = z.object({ userId: name.optional(), downMs: z.int().min(-1).default(0) })
const membersSchema = z.object({ channelId: name, name: name.optional(), userIds: z.array(name).min(1).max(1_000) })
const seedSchema = z.object({ channelId: name, count: z.int().min(1).max(20_000), userId: name.optional() })
const saySchema = z.object({ channelId: name, userId: name, content: z.string() })

/** The switches that `faults.ts` documents. */
export function createControlRoutes(io: ChatIo, services: Services, stamp: () => number): [string, Route][] {
  const { faults, members, limiter } = services
  return [
    ['GET /control/state', async () => ({ users: faults.all(), down: faults.isDown(null) })],
    ['POST /control/faults', async (body) => {
      const { userId, ...change } = parse(faultsSchema, body)
      return { faults: faults.set(userId, change) }
    }],
    ['POST /control/expire', async (body) => {
      const { userId } = parse(userSchema, body)
      faults.expire(userId, stamp())
      for (const socket of socketsOf(io, userId)) socket.data.clock?.expire()
      return {}
    }],
    ['POST /control/crash', async (body) => {
      const { userId, downMs } = parse(crashSchema, body)
      faults.takeDown(userId ?? null, downMs)
      if (userId === undefined) cutEverybody(io)
      else for (const socket of socketsOf(io, userId)) socket.conn.close()
      return {}
    }],
    ['POST /control/restore', async (body) => {
      faults.restore(parse(anyUserSchema, body).userId ?? null)
      return {}
    }],
    ['POST /control/members', async (body) => {
      const { channelId, userIds, name: channelName = channelId } = parse(membersSchema, body)
      await members.addMembers({ id: channelId, name: channelName }, userIds)
      for (const userId of userIds) for (const socket of socketsOf(io, userId)) await socket.join(roomOf(channelId))
      return {}
    }],
    ['POST /control/seed', (body) => seed(services, body)],
    ['POST /control/send', (body) => say(services, body)],
    ['POST /control/reset', async (body) => {
      const userId = parse(anyUserSchema, body).userId ?? null
      faults.reset(userId)
      await limiter.reset(userId)
      return {}
    }],
  ]
}

const socketsOf = (io: ChatIo, userId: string): ChatSocket[] =>
  [...io.sockets.sockets.values()].filter((socket) => socket.data.identity.userId === userId)

// At the engine, also those whose handshake is still under way: what a client sees when the process dies.
function cutEverybody(io: ChatIo): void {
  const clients: Record<string, { close(discard?: boolean): void }> = Object(io.engine).clients
  for (const client of Object.values(clients)) client.close(true)
}

async function seed({ messages, members }: Services, body: unknown): Promise<object> {
  const { channelId, count: total, userId } = parse(seedSchema, body)
  const authors = userId === undefined ? await members.membersOf(channelId) : [userId]
  if (authors.length === 0) throw refuseForGood('not_found', 'unable to seed: the channel has no members')
  const start = Date.now() - total * 1_000
  let latest = 0
  for (let i = 0; i < total; i++) {
    const author = authors[i % authors.length] ?? ''
    const message = { id: randomUUID(), channelId, userId: author, content: `message ${i + 1}`, createdAt: start + i * 1_000, extra: {} }
    latest = (await messages.commit(message)).message.seq
  }
  return { latest }
}

async function say(services: Services, body: unknown): Promise<object> {
  const message = parse(saySchema, body)
  const stored = await commitAndAnnounce(services, { ...message, id: randomUUID(), createdAt: Date.now(), extra: {} })
  return { message: { ...message, ...stored } }
}
