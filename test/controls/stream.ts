import { StreamChat, type Event, type MessageResponse } from 'stream-chat'
import type { System } from './systems'
import { ME, type Committed } from './trace'

const CHANNEL = 'general'

const response = ({ key, userId, at }: Committed): MessageResponse => ({
  id: key, text: key, type: 'regular', user: { id: userId }, created_at: new Date(at).toISOString(), updated_at: new Date(at).toISOString(),
} as unknown as MessageResponse)

/**
 * A client that never connects: events enter by its public `dispatchEvent`, as its websocket hands them over. A send is what its
 * React SDK does with `ChannelState`: the local copy is added as `sending`, and the answer replaces it unless the event that came
 * first is newer. Read marks are those of `channel.state.read`; its newer `messageReceiptsTracker` is not asked.
 */
export const stream: System = {
  name: 'stream-chat 9.53.0',
  create: () => {
    const client = new StreamChat('key', { allowServerSideConnect: true })
    client.userID = ME
    client.user = { id: ME }
    client._user = { id: ME }
    // What `connectUser` would have left behind.
    client.wsPromise = Promise.resolve()
    const channel = client.channel('messaging', CHANNEL)
    channel.initialized = true
    const { state } = channel
    const event = (body: object): void => client.dispatchEvent({ cid: channel.cid, ...body } as unknown as Event)
    return {
      apply(fact) {
        if (fact.kind === 'compose') {
          const local = { ...response({ key: fact.key, userId: ME, seq: 0, at: fact.at }), status: 'sending' }
          state.addMessageSorted(local as unknown as MessageResponse, true)
        } else if (fact.kind === 'ack') {
          const held = state.findMessage(fact.message.key)
          const isNewest = fact.message.at > (held?.updated_at.getTime() ?? 0)
          if (isNewest || held?.status === 'sending') state.addMessageSorted({ ...response(fact.message), status: 'received' } as unknown as MessageResponse, true)
        } else if (fact.kind === 'echo') {
          for (const each of fact.messages) {
            event({ type: 'message.new', message: response(each), user: { id: each.userId }, created_at: new Date(each.at).toISOString() })
          }
        } else {
          event({ type: 'message.read', user: { id: fact.userId }, created_at: new Date(fact.message.at).toISOString(), last_read_message_id: fact.message.key })
        }
      },
      shown: () => state.messages.map(({ id }) => id),
      readMark: (userId) => state.read[userId]?.last_read?.getTime() ?? 0,
    }
  },
}
