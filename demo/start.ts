import { createServer as createProbe } from 'node:net'
import { buildClient } from './built-client'
import { createChatServer, type ChatServer } from './server/create-server'
import { refuseForGood } from './server/refusal'

/**
 * `npm start`: the chat server and its client at one local URL. Environment, all optional:
 * PORT (3000; the next free one if taken), DATABASE_URL (PostgreSQL in place of the embedded database),
 * CLERK_JWT_KEY (PEM; real Clerk tokens in place of the local sign-in) with CLERK_AUTHORIZED_PARTIES (comma-separated
 * origins; the printed URL by default), DATA_DIR (`.data/chat`). An empty one counts as none, but for the key: nobody meant to let all in.
 */
const DEFAULT_PORT = '3000'
const MAX_PORT = 65_535
const PORTS_TO_TRY = 20
/** A killed server's lock goes stale after 10 s; waiting a little longer lets the next start succeed. */
const LOCK_WAIT_MS = 12_000

async function serve(): Promise<ChatServer> {
  const { CLERK_AUTHORIZED_PARTIES: parties, CLERK_JWT_KEY: jwtKey, DATA_DIR: dataDir, DATABASE_URL: database } = process.env
  const port = await firstFreePort(readPort(process.env['PORT'] || DEFAULT_PORT))
  console.log('building the page and opening the database ...')
  return createChatServer({
    port,
    lockWaitMs: LOCK_WAIT_MS,
    database: database || undefined,
    jwtKey,
    authorizedParties: parties ? parties.split(',').map((origin) => origin.trim()) : [`http://localhost:${port}`, `http://127.0.0.1:${port}`],
    client: await buildClient(),
    ...(dataDir && { dataDir }),
  })
}

function readPort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port
  throw refuseForGood('configuration', `unable to start: PORT is "${text}"; give it a number up to ${MAX_PORT} (0 is any free port)`)
}

/** Looked for before the database is opened: a port that is taken should cost no start of its own. */
async function firstFreePort(first: number): Promise<number> {
  const last = Math.min(first + PORTS_TO_TRY - 1, MAX_PORT)
  for (let port = first; port <= last; port++) if (await isFree(port)) return port
  return 0
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createProbe()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })

/** The first signal closes the database properly; a second one no longer waits. */
function closeOnSignal(server: ChatServer): void {
  let isClosing = false
  const close = (): void => {
    if (isClosing) process.exit(1)
    isClosing = true
    server.close().then(() => process.exit(0), (error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  }
  process.on('SIGINT', close)
  process.on('SIGTERM', close)
}

try {
  const server = await serve()
  closeOnSignal(server)
  console.log(`redux-chat demo: http://localhost:${server.port}`)
  if (process.env['CLERK_JWT_KEY'] !== undefined) console.log('It takes Clerk tokens only: the page here cannot sign in, a client of your own can.')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
