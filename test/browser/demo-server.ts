import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { io } from 'socket.io-client'
import { createChatServer, type ChatServer, type ChatServerOptions } from '../../demo/server/create-server'
import { buildPage, serveFolder } from './build-client'
import { folderFor } from './harness/processes'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export interface BuiltClient {
  readonly folder: string
  remove(): Promise<void>
}

/** The demo's client, built once for all engines; as in development, so that the checks of React and Redux Toolkit are on. */
export async function buildClient(): Promise<BuiltClient> {
  const { path: folder, remove } = await folderFor('client')
  await buildPage(here('../../demo/client'), folder, {
    mode: 'development', plugins: [react()], define: { 'process.env.NODE_ENV': '"development"' },
  })
  return { folder, remove }
}

export interface DemoServer {
  readonly url: string
  /** POST to one of the endpoints that `demo/server/faults.ts` documents. */
  control(path: string, body: object): Promise<unknown>
  /** The faults that are on for a user. */
  faultsOf(userId: string): Promise<Record<string, unknown>>
  /** What is committed in a channel, in order, as the server itself tells it to somebody who was never there. */
  committed(channelId: string): Promise<string[]>
  /** Carol's device confirms that everything in the channel has arrived, but she does not look. */
  confirmDelivery(channelId: string): Promise<void>
  /** Ends the process's server as a deployment does; `start` brings it back at the same address with the same data. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export interface DemoServerOptions {
  /** On disk, so that it survives `stop`; default false. */
  readonly isKept?: boolean
}

export async function startDemo(client: BuiltClient, { isKept = false }: DemoServerOptions = {}): Promise<DemoServer> {
  const folder = isKept ? await folderFor('data') : null
  const options: ChatServerOptions = { dataDir: folder?.path ?? null, client: serveFolder(client.folder) }
  let server: ChatServer | null = await createChatServer(options)
  const { port, url } = server
  const stop = async (): Promise<void> => {
    await server?.close()
    server = null
  }
  const asCarol = async <R>(work: (emit: (event: string, payload: object) => Promise<unknown>) => Promise<R>): Promise<R> => {
    const { token } = fields(await post(`${url}/identity/token`, { userId: 'carol' }))
    const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth: { token, userId: 'carol' } })
    try {
      return await work((event, payload) => socket.timeout(5_000).emitWithAck(event, payload))
    } finally {
      socket.disconnect()
    }
  }
  return {
    url,
    control: (path, body) => post(`${url}/control/${path}`, body),
    faultsOf: async (userId) => fields(fields(fields(await get(`${url}/control/state`))['users'])[userId]),
    committed: (channelId) => asCarol(async (emit) => (await syncPage(emit, channelId)).contents),
    confirmDelivery: (channelId) => asCarol(async (emit) => {
      await emit('message:delivered', { channelId, seq: (await syncPage(emit, channelId)).latest })
    }),
    stop,
    async start() { server ??= await createChatServer({ ...options, port }) },
    async close() {
      await stop()
      await folder?.remove()
    },
  }
}

async function syncPage(emit: (event: string, payload: object) => Promise<unknown>, channelId: string) {
  const { messages, latest } = fields(fields(await emit('message:sync', { channelId, after: 0, limit: 200 }))['data'])
  const list: unknown[] = Array.isArray(messages) ? messages : []
  return { latest: Number(latest), contents: list.map((message) => String(fields(message)['content'])) }
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}

const get = async (url: string): Promise<unknown> => (await fetch(url)).json()

async function post(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const answer: unknown = await response.json()
  if (!response.ok) throw new Error(`unable to POST ${url}: ${JSON.stringify(answer)}`)
  return answer
}
