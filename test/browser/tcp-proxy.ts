import { connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  readonly url: string
  /** Breaks every connection now; new ones work. */
  cut(): void
  /** Refuses new connections and breaks those that are there, until `heal`. */
  refuse(): void
  /** Connections, present and new, stay up and carry nothing: nobody is told. `heal` delivers what was held, late. */
  stall(): void
  /** As `stall`, but what is held never arrives: those connections end at `heal`. */
  lose(): void
  heal(): void
  close(): Promise<void>
}

type Mode = 'open' | 'refusing' | 'stalled' | 'losing'

/** A network between the browser and `target`, with its accidents on demand. */
export async function createTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let mode: Mode = 'open'

  const destroy = (pair: readonly [Socket, Socket]): void => { for (const socket of pair) socket.destroy() }
  const flow = ([near, far]: readonly [Socket, Socket]): void => {
    near.pipe(far)
    far.pipe(near)
  }
  const resume = (pair: readonly [Socket, Socket]): void => (pair.some(({ destroyed }) => destroyed) ? destroy(pair) : flow(pair))
  const hold = ([near, far]: readonly [Socket, Socket]): void => {
    near.unpipe(far).pause()
    far.unpipe(near).pause()
  }
  const server = createServer((near) => {
    if (mode === 'refusing') {
      near.destroy()
      return
    }
    const pair = [near, connect(target, '127.0.0.1')] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.on('error', () => destroy(pair))
      // One that is held is not told when the other side is gone: it is still there to be ended.
      socket.on('close', () => { if (pair.every(({ destroyed }) => destroyed)) pairs.delete(pair) })
    }
    if (mode === 'open') flow(pair)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => { for (const pair of [...pairs]) destroy(pair) }
  const become = (next: Mode, each: (pair: readonly [Socket, Socket]) => void): void => {
    mode = next
    for (const pair of [...pairs]) each(pair)
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cut,
    refuse: () => become('refusing', destroy),
    stall: () => become('stalled', hold),
    lose: () => become('losing', hold),
    heal() {
      const before = mode
      become('open', before === 'losing' ? destroy : before === 'stalled' ? resume : () => undefined)
    },
    close: () => new Promise((resolve) => {
      mode = 'refusing'
      cut()
      server.close(() => resolve())
    }),
  }
}
