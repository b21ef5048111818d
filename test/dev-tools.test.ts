import { chatDevTools } from 'redux-chat'
import { describe, expect, it } from 'vitest'
import { openStore } from './support/chat-store'

describe('chatDevTools', () => {
  it('G12: shows channels and queues by their names, and long lists by their ends', async () => {
    const alice = openStore()
    alice.connect()
    await alice.settle()
    const messages = Array.from({ length: 300 }, (_, i) => ({ id: `m${i}`, channelId: 'general', userId: 'bob', content: `hi ${i}`, createdAt: i, seq: i + 1 }))
    const action = alice.chat.actions.sendMessage({ channelId: 'random', content: 'mine' })
    alice.env.network.cut()
    alice.dispatch({ type: 'chat/messagesReceived', payload: { messages } })
    alice.dispatch(action)
    const { stateSanitizer, actionSanitizer } = chatDevTools()
    const root = { chat: alice.store.getState().chat, todos: ['as they are'] }

    const { chat, todos } = JSON.parse(JSON.stringify(stateSanitizer(root))) as { chat: { messages: Record<string, { messages: unknown[] }>; outbox: { channels: Record<string, unknown[]> } }; todos: unknown }
    const shown = chat.messages['general']?.messages ?? []
    expect([shown.length, shown[0], shown[5], shown.at(-1)]).toEqual([11, messages[0], '... 290 more ...', messages[299]])
    expect(chat.outbox.channels['random']).toMatchObject([{ message: { id: action.payload.id } }])
    expect(todos).toEqual(['as they are'])

    const burst = actionSanitizer({ type: 'chat/messagesReceived', payload: { messages } })
    expect(burst.payload.messages).toHaveLength(11)
    expect(actionSanitizer({ type: 'todos/added', payload: messages }).payload).toBe(messages)
  })
})
