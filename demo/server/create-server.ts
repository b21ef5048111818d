import { createServer, type Server as HttpServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { Server } from 'socket.io'
import { z } from 'zod'
import { assertPublicKey, createAuthenticate } from './auth'
import { createControlRoutes } from './control'
import { openDatabase, type Database } from './database'
import { addDemoData, DEMO_CHANNELS, DEMO_USERS } from './demo-data'
import { createFaults } from './faults'
import type { Services } from './handlers'
import { createRequestListener, notFound, type Fallback, type Route } from './http'
import { createIdentityProvider, LOCAL_PARTY, type IdentityProvider } from './identity'
import { createMemberStore, type MemberStore } from './members'
import { createRateLimiter, type RateLimit } from './rate-limit'
import { refuseForGood } from './refusal'
import { parse } from './schemas'
import { roomOf, serveSockets, type ChatIo } from './sockets'
import { createMessageStore } from './store'

export interface ChatServerOptions {
  /** 0, the default, takes any free port. Always on 127.0.0.1. */
  readonly port?: number
  /** A PostgreSQL connection string; without it the database is embedded. */
  readonly database?: string | undefined
  /** Folder of the embedded database and of the local signing key; null keeps both in memory. Default `.data/chat`. */
  readonly dataDir?: string | null
  /** How long to wait for another process to free the folder, in ms; default 0. */
  readonly lockWaitMs?: number
  /** PEM public key of a Clerk instance; without it the local identity provider signs the tokens. */
  readonly jwtKey?: string | undefined
  /** Origins whose Clerk tokens are accepted; needed with `jwtKey`. */
  readonly authorizedParties?: readonly string[]
  /** Whether /control is there; by default only beside the local identity provider. */
  readonly faults?: boolean
  /** Messages per user; default 500 a second. */
  readonly rateLimit?: RateLimit
  /** Between `auth:expired` and the disconnect, in ms; default 5,000. */
  readonly graceMs?: number
  /** Largest `message:send` payload, in bytes of JSON; default 65,536. */
  readonly maxMessageBytes?: number
  /** Answers what is neither socket nor API: the pages. */
  readonly client?: Fallback
  /** Told of errors that are the server's own; by default they go to stderr. */
  readonly onError?: (error: unknown) => void
}

export interface ChatServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Ids are kept as long as their messages, so the window has no real end; announced is what a client may rely on: 10 years. */
const DEDUP_WINDOW_MS = 315_360_000_000

/** Above `maxMessageBytes`, so that an oversize message meets a refusal rather than a closed connection. */
const MAX_PACKET_BYTES = 1_048_576

const DEFAULT_DATA_DIR = fileURLToPath(new URL('../../.data/chat', import.meta.url))

export async function createChatServer(options: ChatServerOptions = {}): Promise<ChatServer> {
  const { dataDir = DEFAULT_DATA_DIR, lockWaitMs = 0, onError = (error) => console.error(error) } = options
  if (options.jwtKey !== undefined) await assertPublicKey(options.jwtKey)
  const database = await openDatabase({ url: options.database, dataDir, lockWaitMs })
  try {
    return await start(database, dataDir, onError, options)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function start(
  database: Database, dataDir: string | null, onError: (error: unknown) => void, options: ChatServerOptions,
): Promise<ChatServer> {
  const identity = options.jwtKey === undefined ? await createIdentityProvider(dataDir) : null
  const routes = new Map<string, Route>()
  const http = createServer(createRequestListener(routes, options.client ?? notFound, onError))
  const { io, services, stamp } = createIo(http, database, identity, options)
  await addDemoData(services.members)
  if (identity !== null) addRoutes(routes, identityRoutes(identity, services.members, stamp))
  if (options.faults ?? identity !== null) addRoutes(routes, createControlRoutes(io, services, stamp))
  const underWay = createTracker(onError)
  serveSockets(io, services, { graceMs: options.graceMs ?? 5_000, dedupWindowMs: DEDUP_WINDOW_MS, onError, track: underWay.track })
  const port = await listen(http, options.port ?? 0)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: once(async () => {
      const closed = io.close()
      http.closeAllConnections()
      await closed
      await underWay.settled()
      await database.close()
    }),
  }
}

function createIo(http: HttpServer, database: Database, identity: IdentityProvider | null, options: ChatServerOptions) {
  const faults = createFaults(Date.now)
  const maxMessageBytes = options.maxMessageBytes ?? 65_536
  const io: ChatIo = new Server(http, {
    maxHttpBufferSize: Math.max(MAX_PACKET_BYTES, 2 * maxMessageBytes),
    serveClient: false,
    allowRequest: (_request, decide) => decide(faults.isDown(null) ? 'the server is down' : null, !faults.isDown(null)),
  })
  const services: Services = {
    messages: createMessageStore(database),
    members: createMemberStore(database),
    limiter: createRateLimiter(options.rateLimit ?? { points: 500, durationMs: 1_000 }),
    faults,
    authenticate: createAuthenticate({ ...trust(identity, options), expiredUntil: faults.expiredUntil }),
    maxMessageBytes,
    broadcast: (channelId, event, payload) => void io.to(roomOf(channelId)).emit(event, payload),
  }
  return { io, services, stamp: createStamp() }
}

/** Whose tokens are believed: the local provider's or one Clerk instance's, never both. */
function trust(identity: IdentityProvider | null, { jwtKey, authorizedParties }: ChatServerOptions) {
  if (identity !== null) return { jwtKey: identity.jwtKey, authorizedParties: [LOCAL_PARTY] }
  if (jwtKey === undefined || authorizedParties === undefined || authorizedParties.length === 0) {
    throw refuseForGood('configuration', 'unable to verify Clerk tokens: name the accepted origins in authorizedParties')
  }
  return { jwtKey, authorizedParties }
}

const userSchema = z.object({ userId: z.string().min(1).max(128) })

function identityRoutes(identity: IdentityProvider, members: MemberStore, stamp: () => number): [string, Route][] {
  return [
    ['GET /identity/users', async () => ({ users: DEMO_USERS, channels: DEMO_CHANNELS })],
    ['POST /identity/token', async (body) => {
      const { userId } = parse(userSchema, body)
      if (!await members.isKnown(userId)) throw refuseForGood('unknown_user', 'unable to sign in: no such user')
      return identity.mint(userId, { issuedAt: stamp() })
    }],
  ]
}

const addRoutes = (routes: Map<string, Route>, added: [string, Route][]): void => {
  for (const [path, route] of added) routes.set(path, route)
}

/** A clock in ms that never gives the same moment twice: it orders tokens and the word that expired them. */
function createStamp(): () => number {
  let last = 0
  return () => (last = Math.max(Date.now(), last + 1))
}

function createTracker(onError: (error: unknown) => void) {
  const underWay = new Set<Promise<void>>()
  return {
    track(work: Promise<void>): void {
      underWay.add(work)
      void work.catch(onError).finally(() => underWay.delete(work))
    },
    settled: () => Promise.allSettled(underWay),
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | null = null
  return () => (result ??= work())
}

const listen = (http: HttpServer, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, '127.0.0.1', () => {
      const address = http.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
