import { io, type Socket } from 'socket.io-client'
import { CONTENT } from './chat'
import { stopwatch, type Sample } from './measure'

/* What Socket.IO alone gives: the limit for `chatSend`, `chatDrain` and `chatReceive`. */

const open = (url: string): Promise<Socket> => new Promise((resolve) => {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth: { token: 'token', userId: 'alice' } })
  socket.on('connect', () => resolve(socket))
})

/** The best that Socket.IO itself gives: `emitWithAck` with so many in flight. */
export async function rawSend(url: string, count: number, channels: number, inFlight: number): Promise<Sample> {
  const socket = await open(url)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const i = next++
      await socket.emitWithAck('message:send', {
        id: crypto.randomUUID(), channelId: `channel-${i % channels}`, userId: 'alice', content: CONTENT, createdAt: Date.now(),
      })
    }
  }
  const stop = stopwatch()
  await Promise.all(Array.from({ length: inFlight }, lane))
  const sample = stop(count)
  socket.disconnect()
  return sample
}

export async function rawReceive(url: string, count: number, channels: number): Promise<Sample> {
  const socket = await open(url)
  let heard = 0
  const stop = stopwatch()
  await new Promise<void>((resolve) => {
    socket.on('message:new', () => { if (++heard === count) resolve() })
    socket.emit('flood', { count, channels })
  })
  const sample = stop(count)
  socket.disconnect()
  return sample
}
