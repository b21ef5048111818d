import { createTestEnvironment } from 'redux-chat/testing'
import { describe, expect, it } from 'vitest'
import type { Transport } from '../../src/transport/transport'
import { openStore } from '../support/chat-store'

/* What an app dispatches in the synchronous part of its getToken, in an attempt that no command began (a reconnection, a renewal). */

/** A transport that tells what was opened, and how many are not closed. */
function counted({ open }: Transport) {
  const auths: unknown[] = []
  const left = new Set<object>()
  const transport: Transport = {
    open(request, handlers) {
      auths.push(request.auth)
      const connection = open(request, { ...handlers, onClose: (event) => { left.delete(mine); handlers.onClose(event) } })
      const mine = { ...connection, close: () => { left.delete(mine); connection.close() } }
      left.add(mine)
      return mine
    },
  }
  return { auths, left, transport }
}

describe('getToken that dispatches before its first await', () => {
  it('G9: signs out because there is no session: nobody is unauthorized, and nobody is told', async () => {
    let hasSession = true
    const told: string[] = []
    const tab = openStore({ config: {
      getToken: async () => {
        if (hasSession) return 'token'
        tab.dispatch(tab.chat.actions.signOut())
        return null
      },
      onAuthError: ({ code }) => told.push(code),
    } })
    tab.connect()
    await tab.settle()
    hasSession = false
    tab.env.server.disconnectAll('transport_close')
    await tab.advance(60_000)
    expect([tab.connection().status, told, tab.errors()]).toEqual(['idle', [], []])
  })

  it('G9: the same when a token is renewed', async () => {
    const env = createTestEnvironment()
    const jwt = `head.${btoa(JSON.stringify({ exp: env.clock.now() / 1_000 + 60 }))}.sign`
    let hasSession = true
    const told: string[] = []
    const tab = openStore({ env, config: {
      getToken: async () => {
        if (hasSession) return jwt
        tab.dispatch(tab.chat.actions.signOut())
        return null
      },
      onAuthError: ({ code }) => told.push(code),
    } })
    tab.connect()
    await tab.settle()
    hasSession = false
    await tab.advance(120_000)
    expect([tab.connection().status, told, tab.errors()]).toEqual(['idle', [], []])
  })

  it('G7, G9: changes the user: one socket, with that user and that one\'s token, and none is left', async () => {
    const env = createTestEnvironment()
    const { auths, left, transport } = counted(env.environment.transport)
    let [who, isTold] = ['alice', false]
    const tab = openStore({ env, config: {
      getToken: async () => {
        const token = `token-of-${who}`
        if (who === 'alice' && isTold) {
          who = 'bob'
          tab.connect('bob')
        }
        return token
      },
      environment: { transport },
    } })
    tab.connect('alice')
    await tab.settle()
    isTold = true
    env.server.disconnectAll('transport_close')
    await tab.advance(10_000)
    const opened = auths.slice(1)
    tab.dispatch(tab.chat.actions.disconnect())
    await tab.advance(10_000)
    expect([opened, left.size]).toEqual([[{ token: 'token-of-bob', userId: 'bob' }], 0])
  })
})
