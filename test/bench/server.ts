import { createServer } from 'node:http'
import { Server } from 'socket.io'

/** The peer of the benchmark, in a process of its own so that it costs the client nothing: acks at once, floods on request. */
const http = createServer()
const io = new Server(http)
const seqs = new Map<string, number>()

io.on('connection', (socket) => {
  socket.emit('session', { capabilities: ['ordered'] })
  socket.on('message:send', ({ id, channelId, createdAt }: { id: string; channelId: string; createdAt: number }, ack: (response: object) => void) => {
    const seq = (seqs.get(channelId) ?? 0) + 1
    seqs.set(channelId, seq)
    ack({ success: true, data: { id, seq, createdAt } })
  })
  socket.on('flood', ({ count, channels }: { count: number; channels: number }) => {
    for (let i = 0; i < count; i++) {
      const channelId = `channel-${i % channels}`
      socket.emit('message:new', {
        id: `flood-${socket.id}-${i}`, channelId, userId: 'bob', content: `message ${i}`, createdAt: 1_700_000_000_000 + i, seq: Math.floor(i / channels) + 1,
      })
    }
  })
})

http.listen(0, '127.0.0.1', () => {
  const address = http.address()
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
})
process.on('disconnect', () => process.exit(0))
