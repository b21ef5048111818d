import type { ConnectionHandlers, Transport } from '../../src/transport/transport'

const MEMBERS = 5

/** A message is a function of its place: the server keeps a number per channel, and nothing that could grow. */
const messageAt = (channelId: string, seq: number) => ({
  id: `${channelId}/${seq}`, channelId, userId: `user-${seq % MEMBERS}`, content: `message ${seq} of ${channelId}`, createdAt: 1_767_225_600_000 + seq, seq,
})

const range = (from: number, to: number): readonly number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)

type Fields = { readonly [field: string]: unknown }

/** A chat server behind the transport port, small and steady, so that every growth is the client's. */
export function createSoakServer() {
  const latest = new Map<string, number>()
  const sockets = new Set<ConnectionHandlers>()
  let opened = 0

  const latestOf = (channelId: string): number => latest.get(channelId) ?? 0

  function next(channelId: string): number {
    const seq = latestOf(channelId) + 1
    latest.set(channelId, seq)
    return seq
  }

  function tell(event: string, payload: object): void {
    for (const socket of sockets) socket.onEvent(event, [payload])
  }

  function pageOf(event: string, { channelId, after, before, limit }: Fields): object {
    const [channel, size, last] = [String(channelId), Number(limit), latestOf(String(channelId))]
    const from = event === 'message:sync' ? Number(after) + 1 : Math.max(1, Number(before) - size)
    const to = event === 'message:sync' ? Math.min(last, from + size - 1) : Number(before) - 1
    const more = event === 'message:sync' ? to < last : from > 1
    return { messages: range(from, to).map((seq) => messageAt(channel, seq)), receipts: [{ userId: 'user-1', delivered: last, read: last }], latest: last, more }
  }

  function answer(event: string, payload: Fields): unknown {
    if (event !== 'message:send') return { success: true, data: event === 'message:sync' || event === 'message:history' ? pageOf(event, payload) : {} }
    const seq = next(String(payload['channelId']))
    queueMicrotask(() => tell('message:new', { ...payload, seq }))
    return { success: true, data: { id: payload['id'], seq, createdAt: payload['createdAt'] } }
  }

  const transport: Transport = {
    open(_request, handlers) {
      queueMicrotask(() => {
        if (!isWanted) return
        sockets.add(handlers)
        opened++
        handlers.onOpen()
        handlers.onEvent('session', [{ capabilities: ['sync', 'ordered', 'auth-refresh'] }])
      })
      let isWanted = true
      return {
        emit(event, [payload], onAck) {
          queueMicrotask(() => {
            if (!sockets.has(handlers)) return
            const response = answer(event, { ...payload as Fields })
            onAck?.(response)
          })
        },
        close() {
          isWanted = false
          sockets.delete(handlers)
        },
      }
    },
  }

  return {
    transport,
    get open() { return sockets.size },
    get opened() { return opened },
    /** Somebody else writes. */
    say: (channelId: string): void => tell('message:new', messageAt(channelId, next(channelId))),
    /** Somebody else has received or read everything. */
    confirm: (kind: 'delivered' | 'read', channelId: string, member: number): void =>
      tell(`message:${kind}`, { channelId, userId: `user-${member % MEMBERS}`, seq: Math.max(1, latestOf(channelId)) }),
    /** What no client should ever see twice in a row. */
    lie: (): void => tell('message:new', { id: null }),
    cut(): void {
      for (const socket of [...sockets]) {
        sockets.delete(socket)
        socket.onClose({ reason: 'transport_close', message: 'cut' })
      }
    },
  }
}

export type SoakServer = ReturnType<typeof createSoakServer>
