import { createManualClock, createMemoryServer, createMemoryTransport, type ServerPeer } from 'redux-chat/testing'
import { describeTransport, type ContractPeer, type ContractWorld } from './contract'

describeTransport('in memory', async () => createMemoryWorld(0))

describeTransport('in memory, with latency', async () => createMemoryWorld(1))

async function createMemoryWorld(latencyMs: number): Promise<ContractWorld> {
  const server = createMemoryServer({
    capabilities: null,
    async authenticate(auth) {
      const refusal = await world.guard(auth)
      return refusal ?? { ok: true }
    },
  })
  const transport = createMemoryTransport(server, latencyMs === 0 ? { clock: createManualClock() } : { latencyMs })
  const peers: ContractPeer[] = []
  const waiting: ((peer: ContractPeer) => void)[] = []
  server.onConnection((each) => {
    const peer = createPeer(each)
    peers.push(peer)
    waiting.shift()?.(peer)
  })

  const createPeer = (peer: ServerPeer): ContractPeer => ({
    auth: peer.auth,
    emit: peer.emit,
    on: (event, handler) => {
      server.on(event, (payload, from, reply) => { if (from.id === peer.id) handler(payload, reply) })
    },
    heard: (event) => new Promise((resolve) => {
      const stop = server.on(event, () => {
        stop()
        resolve(server.received(event).at(-1)?.args ?? [])
      })
    }),
    disconnect: () => peer.disconnect(),
    gone: new Promise((resolve) => { peer.onGone(resolve) }),
  })

  const world: ContractWorld = {
    transport,
    url: 'memory:',
    peers,
    guard: async () => null,
    connected: () => server.connections(),
    nextPeer: () => new Promise((resolve) => { waiting.push(resolve) }),
    cut: () => transport.network.drop(),
    stop: async () => server.stop(),
    close: async () => server.stop(),
  }
  return world
}
