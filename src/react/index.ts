'use client'
import { createChat as createCoreChat } from '../create-chat'
import type { Extra } from '../model'
import type { SocketConfig } from '../options'
import { createHooks, type ChatHooks } from './hooks'
import type { Chat } from '../create-chat'

/** Named here too: what is inferred of a chat, and of the store it is in, has to be nameable by whoever imports nothing else. */
export type {
  ChannelView, Chat, ChatError, ChatSelectors, ChatState, Commands, ComposedMessage, ConnectionState, ConnectionStatus, Draft, EmitBindings, EventBindings,
  Extra, Facts, Json, Lease, MemberReceipt, Message, MessageFields, MessagesState, MessageStatus, MetricSample, MetricsSnapshot, OutboxEntry, OutboxState,
  Page, PageDirection, ReadMark, Receipt, ReceiptEvent, SendFailure, Sequence, SocketCallbacks, SocketConfig, SocketErrorType, Stop, Table, WireMessage,
} from '../index'
export { ChatErrorBoundary, type ChatErrorBoundaryProps, type ChatFallbackProps } from './error-boundary'
export type { ChannelHandle, ChatHooks, SocketOptions } from './hooks'

/** A chat with hooks on it; they need react-redux's `<Provider store={store}>` above them. */
export type ReactChat<X extends Extra = {}, Path extends string = 'chat'> = Chat<X, Path> & ChatHooks<X>

/** `createChat` of `redux-chat`, plus hooks on the returned object. */
export function createChat<X extends Extra = {}, const Path extends string = 'chat'>(config: SocketConfig<X, Path>): ReactChat<X, Path> {
  const chat = createCoreChat<X, Path>(config)
  return { ...chat, ...createHooks<X, Path>(chat) }
}
