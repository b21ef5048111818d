import { connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  readonly url: string
  /** Breaks every connection now; new ones work. */
  cut(): void
  /** Present connections stay up and carry nothing any more; nobody is told. */
  halfOpen(): void
  /** Refuses new connections until told otherwise. */
  refuse(on: boolean): void
  /** Asked at every chunk: true breaks that connection in place of forwarding it. */
  onChunk(judge: ((direction: 'up' | 'down') => boolean) | null): void
  readonly open: number
  close(): Promise<void>
}

/** A network between a client and `targetPort`, with its accidents on demand. */
export async function createTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let refusing = false
  let judge: ((direction: 'up' | 'down') => boolean) | null = null

  const server = createServer((near) => {
    if (refusing) {
      near.destroy()
      return
    }
    const far = connect(targetPort, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    const forward = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
      from.on('data', (chunk) => {
        if (judge?.(direction) === true) end()
        else if (!to.destroyed) to.write(chunk)
      })
      from.on('error', end)
      from.on('close', end)
    }
    forward(near, far, 'up')
    forward(far, near, 'down')
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => { for (const sockets of [...pairs]) for (const socket of sockets) socket.destroy() }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cut,
    halfOpen(): void {
      for (const sockets of pairs) {
        for (const socket of sockets) {
          socket.removeAllListeners('data')
          socket.on('data', () => undefined)
        }
      }
    },
    refuse: (on) => { refusing = on },
    onChunk: (next) => { judge = next },
    get open() { return pairs.size },
    close: () => new Promise((resolve) => {
      cut()
      server.close(() => resolve())
    }),
  }
}
