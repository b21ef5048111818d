'use client'
import { createChat as createCoreChat } from '../create-chat'
import type { Extra } from '../model'
import type { SocketConfig } from '../options'
import { createHooks, type ChatHooks } from './hooks'
import type { Chat } from '../create-chat'

export { ChatErrorBoundary, type ChatErrorBoundaryProps, type ChatFallbackProps } from './error-boundary'
export type { ChannelHandle, ChatHooks, SocketOptions } from './hooks'

/** A chat with hooks on it; they need react-redux's `<Provider store={store}>` above them. */
export type ReactChat<X extends Extra = {}, Path extends string = 'chat'> = Chat<X, Path> & ChatHooks<X>

/** `createChat` of `redux-chat`, plus hooks on the returned object. */
export function createChat<X extends Extra = {}, const Path extends string = 'chat'>(config: SocketConfig<X, Path>): ReactChat<X, Path> {
  const chat = createCoreChat<X, Path>(config)
  return { ...chat, ...createHooks<X, Path>(chat) }
}
