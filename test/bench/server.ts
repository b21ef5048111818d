import { createServer } from 'node:http'
import { Server, type Socket } from 'socket.io'

/** The peer of the benchmark, in a process of its own so that it costs the client nothing: acks at once, floods on request. */
const http = createServer()
const io = new Server(http, { serveClient: false })
const seqs = new Map<string, number>()

interface Sent { readonly id: string; readonly channelId: string; readonly createdAt: number }
interface Flood { readonly count: number; readonly channels: number; readonly gapMs?: readonly [number, number] }

const message = (socket: Socket, i: number, channels: number) => ({
  id: `flood-${socket.id}-${i}`, channelId: `channel-${i % channels}`, userId: 'bob', content: `message ${i}`,
  createdAt: 1_700_000_000_000 + i, seq: Math.floor(i / channels) + 1,
})

/** One event after the other at uneven gaps, as a busy channel gives them. */
function trickle(socket: Socket, { count, channels, gapMs: [least, most] = [0, 0] }: Flood): void {
  let i = 0
  const next = (): void => {
    if (i === count || !socket.connected) return
    socket.emit('message:new', message(socket, i++, channels))
    setTimeout(next, least + Math.random() * (most - least))
  }
  next()
}

const serve = (capabilities: readonly string[]) => (socket: Socket): void => {
  socket.emit('session', { capabilities })
  socket.on('message:send', ({ id, channelId, createdAt }: Sent, ack: (response: object) => void) => {
    const seq = (seqs.get(channelId) ?? 0) + 1
    seqs.set(channelId, seq)
    ack({ success: true, data: { id, seq, createdAt } })
  })
  socket.on('flood', (wanted: Flood) => {
    if (wanted.gapMs) trickle(socket, wanted)
    else for (let i = 0; i < wanted.count; i++) socket.emit('message:new', message(socket, i, wanted.channels))
  })
}

io.on('connection', serve(['ordered']))
// A server that promises nothing: one message per channel in flight.
io.of('/plain').on('connection', serve([]))

http.listen(0, '127.0.0.1', () => {
  const address = http.address()
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
})
process.on('disconnect', () => process.exit(0))
