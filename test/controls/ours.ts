import { createActions } from '../../src/actions'
import { createChatReducer, type ChatState } from '../../src/state/chat-state'
import { createSelectors } from '../../src/state/selectors'
import type { System } from './systems'
import { ME, type Committed } from './trace'

const CHANNEL = 'general'
const { selectMessages, selectReceipts } = createSelectors('chat')

const wire = ({ key, userId, seq, at }: Committed) => ({ id: key, channelId: CHANNEL, userId, content: key, createdAt: at, seq })

/** The reducer as the middleware drives it: a dispatch, the ack that delivery reports, the events that the inbox reports. */
export const ours: System = {
  name: 'redux-chat',
  create: () => {
    let id = ''
    let now = 0
    const { commands, reports, events } = createActions('chat', { now: () => now, id: () => id })
    const reduce = createChatReducer('chat', { commands, reports, events }, { windowSize: 1_000, maxChannels: 10 })
    let state: ChatState = reduce(reduce(undefined, commands.connect({ userId: ME })), reports.connectionOpened({ at: 1 }))
    return {
      apply(fact) {
        if (fact.kind === 'compose') {
          id = fact.key
          now = fact.at
          state = reduce(state, commands.sendMessage({ channelId: CHANNEL, content: fact.key }))
        } else if (fact.kind === 'ack') {
          const { key, seq, at } = fact.message
          state = reduce(state, reports.messageAcked({ id: key, channelId: CHANNEL, attempt: 1, at, seq, createdAt: at }))
        } else if (fact.kind === 'echo') state = reduce(state, events.messagesReceived({ messages: fact.messages.map(wire) }))
        else state = reduce(state, events.receiptsReceived({ receipts: [{ kind: 'read', channelId: CHANNEL, userId: fact.userId, seq: fact.message.seq }] }))
      },
      shown: () => selectMessages({ chat: state }, CHANNEL).map((message) => message.id),
      readMark: (userId) => selectReceipts({ chat: state }, CHANNEL).find((receipt) => receipt.userId === userId)?.read ?? 0,
    }
  },
}
