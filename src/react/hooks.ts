import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { useSelector, useStore } from 'react-redux'
import type { Store } from '@reduxjs/toolkit'
import { probeType } from '../actions'
import { ChatConfigError } from '../chat-error'
import type { Chat } from '../create-chat'
import type { MetricsSnapshot } from '../effects/metrics'
import type { ChatError, ConnectionState, Extra, Message, SocketErrorType } from '../model'
import type { ChatState } from '../state/chat-state'
import type { ChannelView } from '../state/selectors'
import { createPresence } from './presence'

export interface SocketOptions {
  /** Who is signed in; null or undefined for nobody, who is not connected. */
  readonly userId: string | null | undefined
  readonly onAuthError?: ((error: ChatError) => void) | undefined
  readonly onConnectionError?: ((error: ChatError) => void) | undefined
  readonly onReconnect?: (() => void) | undefined
}

/** A channel's state and what can be done with it; the functions stay the same for one channel. */
export interface ChannelHandle extends ChannelView {
  loadOlder(): void
  loadNewer(): void
  /** Up to a message, by default the newest. */
  markRead(messageId?: string): void
}

export interface ChatHooks<X extends Extra> {
  /**
   * Connects while mounted and disconnects with the last component that uses it, or when `userId` is gone; messages stay until `signOut` or
   * another user. Callbacks may change without reconnecting. Throws `ChatConfigError` when the store has no middleware of this chat.
   */
  useSocket(options: SocketOptions): ConnectionState
  useConnection(): ConnectionState
  /** What a channel shows; the channel is open while a component with this hook is mounted. */
  useMessages(channelId: string): readonly Message<X>[]
  useChannel(channelId: string): ChannelHandle
  /** A stable function that sends and gives the message's id. */
  useSendMessage(channelId: string): (content: string, ...extra: {} extends X ? [extra?: X] : [extra: X]) => string
  /** Messages by others above my read watermark, as far as known: of a channel that was opened, or from which a message came. */
  useUnreadCount(channelId: string): number
  useErrors(): { readonly errors: readonly ChatError[]; dismiss(id: string): void; clear(): void }
  /** Renders after every measurement: for a panel, not for a list. */
  useChatMetrics(): MetricsSnapshot
}

export function createHooks<X extends Extra, Path extends string>(chat: Chat<X, Path>): ChatHooks<X> {
  type Root = { readonly [P in Path]: ChatState<X> }
  const { actions, selectors, metrics } = chat
  const presence = createPresence()

  /** A store without the middleware would show every message as pending for ever, and say nothing. */
  function requireMiddleware(store: Store): void {
    const probe = { type: probeType(chat.reducerPath) }
    if (store.dispatch(probe) !== probe) return
    throw new ChatConfigError('middleware_missing',
      'unable to connect: the store has no middleware of this chat; add .concat(chat.middleware) to the middleware of configureStore')
  }

  const useChatSelector = <R>(select: (root: Root) => R): R => useSelector(select)
  const useConnection = (): ConnectionState => useChatSelector(selectors.selectConnection)

  /** The newest error of a kind: what a transition of the status was about. */
  const newest = (root: Root, type: SocketErrorType): ChatError | undefined =>
    [...selectors.selectErrors(root)].reverse().find((error) => error.type === type)

  function useTransitions({ status, userId }: ConnectionState, { onAuthError, onConnectionError, onReconnect }: SocketOptions): void {
    const latest = useRef({ onAuthError, onConnectionError, onReconnect })
    const before = useRef({ status, userId, connected: false })
    const store = useStore<Root>()
    useEffect(() => {
      latest.current = { onAuthError, onConnectionError, onReconnect }
    })
    useEffect(() => {
      const { status: old, userId: whose } = before.current
      // Somebody else's connection was no earlier one of this user.
      const connected = before.current.connected && whose === userId
      before.current = { status, userId, connected: status === 'connected' || (connected && status !== 'idle') }
      if (status === old) return
      const tell = (type: SocketErrorType, callback: ((error: ChatError) => void) | undefined): void => {
        const error = newest(store.getState(), type)
        if (error) callback?.(error)
      }
      if (status === 'unauthorized') tell('auth_failed', latest.current.onAuthError)
      else if (status === 'failed') tell('connection_error', latest.current.onConnectionError)
      else if (status === 'connected' && connected) latest.current.onReconnect?.()
    })
  }

  function useSocket(options: SocketOptions): ConnectionState {
    const { userId } = options
    const store = useStore()
    const connection = useConnection()
    useEffect(() => {
      if (userId === null || userId === undefined || userId === '') return
      return presence.enter(store, `socket:${userId}`,
        () => {
          requireMiddleware(store)
          store.dispatch(actions.connect({ userId }))
        },
        () => {
          const current = selectors.selectConnection(store.getState() as Root)
          // A reset of the whole state has forgotten whose the connection is, and gives no reason.
          if (current.userId === userId || !current.reason && current.userId === null) store.dispatch(actions.disconnect())
        })
    }, [store, userId])
    useTransitions(connection, options)
    return connection
  }

  function useMessages(channelId: string): readonly Message<X>[] {
    const store = useStore()
    useEffect(() => {
      // No channel is chosen yet.
      if (channelId === '') return
      return presence.enter(store, `channel:${channelId}`,
        () => store.dispatch(actions.openChannel({ channelId })),
        () => store.dispatch(actions.closeChannel({ channelId })))
    }, [store, channelId])
    return useChatSelector(useCallback((root: Root) => selectors.selectMessages(root, channelId), [channelId]))
  }

  function useChannel(channelId: string): ChannelHandle {
    const store = useStore()
    const view = useChatSelector((root) => selectors.selectChannel(root, channelId))
    const commands = useMemo(() => ({
      loadOlder: () => { store.dispatch(actions.loadOlder({ channelId })) },
      loadNewer: () => { store.dispatch(actions.loadNewer({ channelId })) },
      markRead: (messageId?: string) => { store.dispatch(actions.markRead({ channelId, ...(messageId !== undefined && { messageId }) })) },
    }), [store, channelId])
    return useMemo(() => ({ ...view, ...commands }), [view, commands])
  }

  function useErrors() {
    const store = useStore()
    const errors = useChatSelector(selectors.selectErrors)
    return useMemo(() => ({
      errors,
      dismiss: (id: string) => { store.dispatch(actions.dismissError({ id })) },
      clear: () => { store.dispatch(actions.clearErrors()) },
    }), [store, errors])
  }

  return {
    useSocket,
    useConnection,
    useMessages,
    useChannel,
    useErrors,
    useSendMessage: (channelId) => {
      const store = useStore()
      return useCallback((content, ...[extra]) =>
        store.dispatch(actions.sendMessage({ ...extra, channelId, content } as Parameters<typeof actions.sendMessage>[0])).payload.id, [store, channelId])
    },
    useUnreadCount: (channelId) => useChatSelector((root) => selectors.selectUnreadCount(root, channelId)),
    useChatMetrics: () => useSyncExternalStore(metrics.subscribe, metrics.getSnapshot, metrics.getSnapshot),
  }
}
