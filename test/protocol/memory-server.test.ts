import { createMemoryServer, createMemoryTransport } from 'redux-chat/testing'
import type { SocketResponse } from '../../src/model'
import type { Transport } from '../../src/transport/transport'
import { describeProtocol, type ProtocolClient } from './protocol-suite'

const CLOSED = 'alice-and-bob'

/** A client of the transport port, as the suite wants it. */
function connectOver(transport: Transport, userId: string): Promise<ProtocolClient> {
  const arrived = new Map<string, unknown[]>()
  const waiting = new Map<string, ((payload: unknown) => void)[]>()
  const listeners = new Set<(name: string, payload: unknown) => void>()
  return new Promise((resolve, reject) => {
    const connection = transport.open({ url: 'https://chat.test', auth: { token: 'token', userId } }, {
      onOpen: () => resolve(client),
      onClose: ({ message }) => reject(new Error(message)),
      onEvent(name, [payload]) {
        for (const listener of listeners) listener(name, payload)
        const waiter = waiting.get(name)?.shift()
        if (waiter) waiter(payload)
        else arrived.set(name, [...arrived.get(name) ?? [], payload])
      },
    })
    const client: ProtocolClient = {
      emit: (event, payload) => new Promise((done) => connection.emit(event, [payload], (response) => done(response as SocketResponse<unknown>))),
      on(event, listener) {
        const onAny = (name: string, payload: unknown): void => { if (name === event) listener(payload) }
        listeners.add(onAny)
        return () => void listeners.delete(onAny)
      },
      next: (event) => new Promise((given) => {
        const queue = arrived.get(event)
        if (queue !== undefined && queue.length > 0) given(queue.shift())
        else waiting.set(event, [...waiting.get(event) ?? [], given])
      }),
      close: () => connection.close(),
    }
  })
}

describeProtocol('the in-memory server', async () => {
  const server = createMemoryServer({ isMember: (userId, channelId) => channelId !== CLOSED || userId !== 'carol' })
  const transport = createMemoryTransport(server)
  return {
    connect: (userId) => connectOver(transport, userId),
    close: () => server.disconnectAll(),
  }
}, { closedChannelId: CLOSED })
