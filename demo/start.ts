import { fileURLToPath } from 'node:url'
import type { Server as HttpServer } from 'node:http'
import { createServer as createProbe } from 'node:net'
import react from '@vitejs/plugin-react'
import { createServer as createVite } from 'vite'
import { createChatServer, type ChatServer } from './server/create-server'

/**
 * `npm start`: the chat server and its client at one local URL. Environment, all optional:
 * PORT (3000; the next free one if taken), DATABASE_URL (PostgreSQL in place of the embedded database),
 * CLERK_JWT_KEY (PEM; real Clerk tokens in place of the local sign-in) with CLERK_AUTHORIZED_PARTIES (comma-separated
 * origins; the printed URL by default), DATA_DIR (`.data/chat`).
 */
const FIRST_PORT = Number(process.env['PORT'] ?? 3000)
const PORTS_TO_TRY = 20
/** A killed server's lock goes stale after 10 s; waiting a little longer lets the next start succeed. */
const LOCK_WAIT_MS = 12_000

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

async function serveClient(server: HttpServer) {
  const vite = await createVite({
    configFile: false,
    root: here('./client'),
    cacheDir: here('../node_modules/.vite-demo'),
    appType: 'spa',
    plugins: [react()],
    resolve: {
      alias: [
        { find: /^redux-chat$/, replacement: here('../src/index.ts') },
        { find: /^redux-chat\/react$/, replacement: here('../src/react/index.ts') },
        { find: /^redux-chat\/testing$/, replacement: here('../src/testing/index.ts') },
      ],
    },
    // The HTTP server is shared: Vite takes only upgrades of its own subprotocol, Socket.IO only those of its own path.
    server: { middlewareMode: true, ws: { server } },
  })
  return { handle: vite.middlewares, close: () => vite.close() }
}

function serveAt(port: number): Promise<ChatServer> {
  const parties = process.env['CLERK_AUTHORIZED_PARTIES']?.split(',').map((origin) => origin.trim())
  const dataDir = process.env['DATA_DIR']
  return createChatServer({
    port,
    lockWaitMs: LOCK_WAIT_MS,
    database: process.env['DATABASE_URL'],
    jwtKey: process.env['CLERK_JWT_KEY'],
    authorizedParties: parties ?? [`http://localhost:${port}`, `http://127.0.0.1:${port}`],
    serveClient,
    ...(dataDir === undefined ? {} : { dataDir }),
  })
}

/** Looked for before the database is opened: a port that is taken should cost no start of its own. */
async function firstFreePort(): Promise<number> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TO_TRY; port++) if (await isFree(port)) return port
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
  const server = await serveAt(await firstFreePort())
  closeOnSignal(server)
  console.log(`redux-chat demo: http://localhost:${server.port}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
