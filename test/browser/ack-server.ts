import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Server, type Socket } from 'socket.io'
import { ARRIVALS_FILE, LOG_FILE, type Arrival, type Committed, type ServerCommand, type ServerOptions } from './ack-server-types'

/**
 * A chat server as `PROTOCOL.md` describes it, in a process of its own, so that it can die: one append-only log on disk, unique by id,
 * an ack after the commit. Beside it, everything that arrived, from which tab and connection.
 */
const options: ServerOptions = JSON.parse(process.argv[2] ?? '{}')
const logFile = join(options.folder, LOG_FILE)
const known = new Map<string, Committed>()
const channels = new Map<string, Committed[]>()
const receipts = new Map<string, Receipt>()
let crashesAtCommit = false

interface Receipt { readonly kind: 'delivered' | 'read'; readonly channelId: string; readonly userId: string; readonly seq: number }

type Ack = ((answer: object) => void) | undefined

function remember(entry: Committed): void {
  known.set(entry.id, entry)
  channels.set(entry.channelId, [...(channels.get(entry.channelId) ?? []), entry])
}

const note = (arrival: Arrival): void => appendFileSync(join(options.folder, ARRIVALS_FILE), `${JSON.stringify(arrival)}\n`)

function commit(message: Omit<Committed, 'seq'>): Committed {
  const earlier = known.get(message.id)
  if (earlier) return earlier
  const entry = { ...message, seq: (channels.get(message.channelId)?.length ?? 0) + 1 }
  appendFileSync(logFile, `${JSON.stringify(entry)}\n`)
  // Committed, and nobody will ever be told.
  if (crashesAtCommit) process.kill(process.pid, 'SIGKILL')
  remember(entry)
  io.emit('message:new', entry)
  return entry
}

/** A watermark only rises. */
function keepReceipt({ kind, channelId, userId, seq }: Receipt): void {
  const key = `${kind} ${channelId} ${userId}`
  const receipt = { kind, channelId, userId, seq: Math.max(receipts.get(key)?.seq ?? 0, seq) }
  receipts.set(key, receipt)
  io.emit(`message:${kind}`, { channelId, userId, seq: receipt.seq })
}

const success = (data: object): object => ({ success: true, data })

function serve(socket: Socket): void {
  const tab = String(socket.handshake.query['tab'])
  note({ kind: 'opened', tab, socket: socket.id })
  const as = String(socket.handshake.auth['userId'])
  socket.emit('session', { capabilities: options.isOrdered ? ['sync', 'ordered'] : ['sync'] })
  socket.on('message:send', (message: Omit<Committed, 'seq'>, ack: Ack) => {
    note({ kind: 'sent', tab, socket: socket.id, id: message.id, userId: message.userId, as, at: Date.now() })
    const { id, seq, createdAt } = commit(message)
    ack?.(success({ id, seq, createdAt }))
  })
  socket.on('message:sync', ({ channelId, after, limit }: { channelId: string; after: number; limit: number }, ack: Ack) => {
    const all = channels.get(channelId) ?? []
    const messages = all.slice(after, after + limit)
    ack?.(success({ messages, receipts: [...receipts.values()].filter((receipt) => receipt.channelId === channelId), latest: all.length, more: after + messages.length < all.length }))
  })
  socket.on('message:history', ({ channelId, before, limit }: { channelId: string; before: number | null; limit: number }, ack: Ack) => {
    const older = (channels.get(channelId) ?? []).filter(({ seq }) => seq < (before ?? Infinity))
    ack?.(success({ messages: older.slice(-limit), more: older.length > limit }))
  })
  for (const kind of ['delivered', 'read'] as const) {
    socket.on(`message:${kind}`, ({ channelId, seq }: { channelId: string; seq: number }, ack: Ack) => {
      keepReceipt({ kind, channelId, userId: as, seq })
      ack?.(success({}))
    })
  }
  socket.on('disconnect', () => note({ kind: 'closed', tab, socket: socket.id }))
}

if (existsSync(logFile)) for (const line of readFileSync(logFile, 'utf8').split('\n').filter(Boolean)) remember(JSON.parse(line))
note({ kind: 'started' })
const http = createServer()
// A dead link is noticed within two seconds, on either side.
const io = new Server(http, { pingInterval: 1_000, pingTimeout: 1_000, serveClient: false })
io.on('connection', serve)
process.on('message', ({ kind }: ServerCommand) => {
  if (kind === 'kick') io.disconnectSockets(true)
  else crashesAtCommit = true
})
process.on('disconnect', () => process.exit())
http.listen(options.port, '127.0.0.1', () => process.send?.('listening'))
