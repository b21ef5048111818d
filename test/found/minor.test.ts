import { createChat } from 'redux-chat'
import { describe, expect, it } from 'vitest'
import { createPresence } from '../../src/react/presence'
import { openStore } from '../support/chat-store'

describe('minor', () => {
  it('a token that is an empty text is a missing one', () => {
    expect(() => createChat({ url: 'https://chat.test', token: '' })).toThrow('there is no token')
  })

  it('G9: who enters while the first one opens is counted too', () => {
    const presence = createPresence()
    const owner = {}
    const seen: string[] = []
    let leaveInner = (): void => undefined
    const close = () => void seen.push('closed')
    const leave = presence.enter(owner, 'a', () => {
      seen.push('opened')
      leaveInner = presence.enter(owner, 'a', () => void seen.push('opened'), close)
    }, close)
    leave()
    expect(seen.filter((what) => what === 'closed')).toEqual([])
    leaveInner()
    expect(seen.at(-1)).toBe('closed')
  })

  it('G7: what had arrived is not shown once a listener of the metrics has signed out', async () => {
    const tab = openStore({ config: { onMetric: ({ name }) => { if (name === 'duplicate') tab.dispatch(tab.chat.actions.signOut()) } } })
    tab.connect()
    await tab.settle()
    tab.env.server.push('general', { userId: 'carol', content: 'hi' })
    await tab.advance(100)
    const fault = tab.env.network.fault({ direction: 'down', event: 'message:new', action: 'duplicate' })
    tab.env.server.push('general', { userId: 'carol', content: 'twice' })
    await tab.advance(100)
    fault.stop()
    expect([tab.connection().userId, tab.messages()]).toEqual([null, []])
  })
})
