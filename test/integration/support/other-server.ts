import { createServer } from 'node:http'
import { Server, type ServerOptions, type Socket } from 'socket.io'
import { createWatched } from './until'

export interface Committed { readonly id: string; readonly channelId: string; readonly userId: string; readonly content: string; readonly seq?: number }

/** A Socket.IO server of somebody else: the test writes what it does, this opens and closes it. */
export async function openOther(serve: (io: Server, changed: () => void) => void, { port: wanted = 0, ...options }: Partial<ServerOptions> & { readonly port?: number } = {}) {
  const http = createServer()
  const io = new Server(http, options)
  const watched = createWatched()
  serve(io, watched.changed)
  await new Promise<void>((resolve) => { http.listen(wanted, '127.0.0.1', resolve) })
  const address = http.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    io, port,
    url: `http://127.0.0.1:${port}`,
    subscribe: watched.subscribe,
    async close() {
      await io.close()
      http.closeAllConnections()
    },
  }
}

export type Ack = (response: unknown) => void

export const userOf = (socket: Socket): string => {
  const { userId } = socket.handshake.auth
  return typeof userId === 'string' ? userId : ''
}

/** An idempotent log with contiguous seqs per channel. */
export function createLog() {
  const channels = new Map<string, Committed[]>()
  const byId = new Map<string, Committed>()
  return {
    of: (channelId: string): readonly Committed[] => channels.get(channelId) ?? [],
    commit(message: Committed): { readonly message: Committed; readonly isNew: boolean } {
      const known = byId.get(message.id)
      if (known) return { message: known, isNew: false }
      const channel = channels.get(message.channelId) ?? []
      const committed = { ...message, seq: channel.length + 1 }
      channels.set(message.channelId, [...channel, committed])
      byId.set(message.id, committed)
      return { message: committed, isNew: true }
    },
  }
}

export type Log = ReturnType<typeof createLog>

export interface V1Options {
  readonly log?: Log
  readonly capabilities?: readonly string[]
  /** Pause before a commit. */
  readonly beforeCommit?: (message: Committed) => Promise<void> | void
  readonly acks?: (message: Committed) => boolean
  readonly announceAfterMs?: number
  /** Rearranges a page. */
  readonly page?: (messages: readonly Committed[]) => readonly Committed[]
}

/** Protocol v1 in thirty lines, with its habits as options. */
export function serveV1(io: Pick<Server, 'on' | 'emit'>, changed: () => void, {
  log = createLog(), capabilities = ['sync'], beforeCommit, acks = () => true, announceAfterMs = 0, page = (messages) => messages,
}: V1Options = {}): Log {
  io.on('connection', (socket: Socket) => {
    const announce = (): void => void socket.emit('session', { capabilities })
    if (announceAfterMs > 0) setTimeout(announce, announceAfterMs)
    else announce()
    socket.on('message:send', async (message: Committed, ack: Ack) => {
      await beforeCommit?.(message)
      const { message: committed, isNew } = log.commit(message)
      if (isNew) io.emit('message:new', committed)
      changed()
      if (acks(message)) ack({ success: true, data: { id: message.id, seq: committed.seq } })
    })
    socket.on('message:sync', ({ channelId, after, limit }: { channelId: string; after: number; limit: number }, ack: Ack) => {
      const all = log.of(channelId).filter(({ seq = 0 }) => seq > after)
      ack({ success: true, data: { messages: page(all.slice(0, limit)), receipts: [], latest: log.of(channelId).length, more: all.length > limit } })
    })
    socket.on('message:history', ({ channelId, before, limit }: { channelId: string; before: number; limit: number }, ack: Ack) => {
      const all = log.of(channelId).filter(({ seq = 0 }) => seq < before)
      ack({ success: true, data: { messages: page(all.slice(-limit)), more: all.length > limit } })
    })
    for (const event of ['message:delivered', 'message:read']) {
      socket.on(event, ({ channelId, seq }: { channelId: string; seq: number }, ack?: Ack) => {
        io.emit(event, { channelId, userId: userOf(socket), seq })
        ack?.({ success: true, data: {} })
      })
    }
  })
  return log
}

export const contents = (log: readonly Committed[]): readonly string[] => log.map(({ content }) => content)
