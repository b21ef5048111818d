import { createServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { CHANNEL } from './app'
import type { Burst, ServerOptions, ServerReport } from './server-types'

/** A chat server as `PROTOCOL.md` describes it, in a process of its own, with one channel in memory and a source of messages. */
const options: ServerOptions = JSON.parse(process.argv[2] ?? '{}')

interface Committed {
  readonly id: string
  readonly channelId: string
  readonly userId: string
  readonly content: string
  readonly createdAt: number
  readonly seq: number
}

const WORDS = 'the quick brown fox jumps over the lazy dog and looks at what the others have written since yesterday in the evening when'.split(' ')
const HISTORY_BEGAN_AT = Date.now() - options.history * 1_000

/** Between 2 and 21 words: one line or several. The end of the id tells the seq. */
const made = (seq: number, createdAt: number): Committed => ({
  id: `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
  channelId: CHANNEL, userId: 'bob', createdAt, seq,
  content: `${seq} ${WORDS.slice(0, 2 + (seq * 7) % 20).join(' ')}`,
})

const log: Committed[] = Array.from({ length: options.history }, (_, at) => made(at + 1, HISTORY_BEGAN_AT + at * 1_000))
let syncs = 0

type Ack = ((answer: object) => void) | undefined
const success = (data: object): object => ({ success: true, data })

function commit(message: Committed): Committed {
  log.push(message)
  io.emit('message:new', message)
  return message
}

function serve(socket: Socket): void {
  socket.emit('session', { capabilities: ['sync', 'ordered'] })
  socket.on('message:send', (message: Committed, ack: Ack) => {
    const { id, seq, createdAt } = commit({ ...message, seq: log.length + 1 })
    ack?.(success({ id, seq, createdAt }))
  })
  socket.on('message:sync', ({ after, limit }: { after: number; limit: number }, ack: Ack) => {
    syncs++
    const messages = log.slice(after, after + limit)
    ack?.(success({ messages, receipts: [], latest: log.length, more: after + messages.length < log.length }))
  })
  socket.on('message:history', ({ before, limit }: { before: number; limit: number }, ack: Ack) => {
    const end = Math.min(log.length, before - 1)
    ack?.(success({ messages: log.slice(Math.max(0, end - limit), end), more: end > limit }))
  })
  for (const kind of ['message:delivered', 'message:read']) socket.on(kind, ({ seq }: { seq: number }, ack: Ack) => ack?.(success({ seq })))
}

const tell = (report: ServerReport): void => { process.send?.(report) }

function burst({ count, perSecond }: Burst): void {
  const begun = performance.now()
  const syncsBefore = syncs
  let [sent, late] = [0, 0]
  const next = (): void => {
    const elapsed = performance.now() - begun
    late = Math.max(late, elapsed - (sent * 1_000) / perSecond)
    for (const due = Math.min(count, Math.floor((elapsed * perSecond) / 1_000)); sent < due; sent++) commit(made(log.length + 1, Date.now()))
    if (sent < count) setTimeout(next, 1)
    else tell({ kind: 'burst over', late, tookMs: elapsed, syncs: syncs - syncsBefore })
  }
  next()
}

const http = createServer()
// A page that is far behind answers late, and is to be measured, not thrown out.
const io = new Server(http, { serveClient: false, pingTimeout: 120_000 })
io.on('connection', serve)
process.on('message', burst)
process.on('disconnect', () => process.exit())
http.listen(options.port, '127.0.0.1', () => tell({ kind: 'listening' }))
