import { expect, it } from 'vitest'
import { openApp } from './support/app'
import { openOther, type Ack, type Committed } from './support/other-server'

it('G4: understands a receipt that names the message only, as the four events alone allow', async () => {
  const server = await openOther((io) => {
    io.on('connection', (socket) => {
      socket.on('message:send', (message: Committed, ack: Ack) => {
        io.emit('message:new', message)
        ack({ success: true, data: { id: message.id } })
      })
      socket.on('message:read', ({ messageId }: { messageId: string }) => socket.broadcast.emit('message:read', { messageId }))
    })
  })
  const [alice, bob] = [openApp({ url: server.url }), openApp({ url: server.url, userId: 'bob' })]
  alice.connect()
  bob.connect()
  await Promise.all([alice.untilConnected(), bob.untilConnected()])
  alice.send('hi')
  await bob.until(() => bob.messages().length === 1)
  bob.store.dispatch(bob.chat.actions.markRead({ channelId: 'general' }))
  try {
    await alice.until(() => alice.shown()[0] === 'hi:read' || alice.errors().length > 0)
    expect(alice.errors()).toEqual([])
  } finally {
    alice.disconnect()
    bob.disconnect()
    await server.close()
  }
})
