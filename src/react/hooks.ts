import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { useSelector, useStore } from 'react-redux'
import type { Store } from '@reduxjs/toolkit'
import { ChatConfigError } from '../chat-error'
import type { Chat } from '../create-chat'
import type { Audience, SocketCallbacks } from '../effects/audience'
import type { MetricsSnapshot } from '../effects/metrics'
import { answerTo, questionOf } from '../effects/probe'
import type { ChatError, ConnectionState, Extra, Message } from '../model'
import type { ChatState } from '../state/chat-state'
import { channelIn } from '../state/messages'
import type { ChannelView } from '../state/selectors'
import { createPresence } from './presence'

export interface SocketOptions extends SocketCallbacks {
  /** Who is signed in; null or undefined for nobody, who is not connected. */
  readonly userId: string | null | undefined
}

/** A channel's state and what can be done with it; the functions stay the same for one channel. */
export interface ChannelHandle extends ChannelView {
  /** One page of history before what is shown, if there is any. */
  loadOlder(): void
  /** One page after what is shown, after scrolling back. */
  loadNewer(): void
  /** Up to a message, by default the newest. */
  markRead(messageId?: string): void
}

/** A chat without extra fields takes none. */
type ExtraArgs<X extends Extra> = [X extends unknown ? keyof X : never] extends [never] ? [] : {} extends X ? [extra?: X] : [extra: X]

export interface ChatHooks<X extends Extra> {
  /**
   * Connects while mounted and disconnects with the last component that uses it, or when `userId` is gone; messages stay until `signOut` or
   * another user. Callbacks may change without reconnecting. Throws `ChatConfigError` when the store has no middleware of this chat.
   */
  useSocket(options: SocketOptions): ConnectionState
  /** The connection's state; connects nothing. */
  useConnection(): ConnectionState
  /** What a channel shows; the channel is open while a component with this hook is mounted. Of no channel yet (null, undefined) it is nothing. */
  useMessages(channelId: string | null | undefined): readonly Message<X>[]
  /** How a channel stands, with the commands for its history and for reading it. It opens nothing (`useMessages` does); of no channel yet it does nothing. */
  useChannel(channelId: string | null | undefined): ChannelHandle
  /** A stable function that sends and gives the message's id. */
  useSendMessage(channelId: string | null | undefined): (content: string, ...extra: ExtraArgs<X>) => string
  /** Messages by others above my read watermark, as far as known: of a channel that was opened, or from which a message came. */
  useUnreadCount(channelId: string | null | undefined): number
  /** The newest errors, the oldest first; `dismiss` one by its id, or `clear` all. */
  useErrors(): { readonly errors: readonly ChatError[]; dismiss(id: string): void; clear(): void }
  /** Renders after every measurement: for a panel, not for a list. */
  useChatMetrics(): MetricsSnapshot
}

/** No channel is chosen yet: none has this id. */
const chosenId = (channelId: string | null | undefined): string => channelId ?? ''

export function createHooks<X extends Extra, Path extends string>(chat: Chat<X, Path>): ChatHooks<X> {
  type Root = { readonly [P in Path]: ChatState<X> }
  const { actions, selectors, metrics } = chat
  const presence = createPresence()
  /** What a server draws, and what a page has to draw first in its place. */
  const unmeasured = metrics.getSnapshot()
  /** The same object until something was measured, however long that takes: a slow render would begin anew when the age had changed by its end. */
  let measured: MetricsSnapshot | null = null
  metrics.subscribe(() => { measured = null })
  const lastMeasured = (): MetricsSnapshot => (measured ??= metrics.getSnapshot())

  /** A store without the middleware would show every message as pending for ever, and say nothing. Gives what its audience is joined by. */
  function joinOf(store: Store): Audience['join'] {
    const question = questionOf(chat.reducerPath)
    const result: unknown = store.dispatch(question)
    const join = answerTo(question)
    if (join) return join
    // A middleware that hands on later, or a copy, is heard too late.
    if (result !== question) return () => () => undefined
    throw new ChatConfigError('middleware_missing',
      'unable to connect: the store has no middleware of this chat; add .concat(chat.middleware) to the middleware of configureStore')
  }

  const useChatSelector = <R>(select: (root: Root) => R): R => useSelector(select)
  const useConnection = (): ConnectionState => useChatSelector(selectors.selectConnection)

  function useSocket(options: SocketOptions): ConnectionState {
    // Nobody, in whatever form.
    const userId = options.userId || null
    const store = useStore()
    const latest = useRef<SocketCallbacks>(options)
    useEffect(() => {
      latest.current = options
    })
    useEffect(() => {
      if (userId === null) return
      return joinOf(store)({
        onAuthError: (error) => latest.current.onAuthError?.(error),
        onConnectionError: (error) => latest.current.onConnectionError?.(error),
        onReconnect: () => latest.current.onReconnect?.(),
      })
    }, [store, userId])
    useEffect(() => {
      if (userId === null) return
      const close = (): void => {
        const current = selectors.selectConnection(store.getState() as Root)
        // A reset of the whole state has forgotten whose the connection is, and gives no reason.
        if (current.userId === userId || !current.reason && current.userId === null) store.dispatch(actions.disconnect())
      }
      return presence.enter(store, `socket:${userId}`, () => store.dispatch(actions.connect({ userId })), close)
    }, [store, userId])
    return useConnection()
  }

  function useMessages(chosen: string | null | undefined): readonly Message<X>[] {
    const channelId = chosenId(chosen)
    const store = useStore()
    useEffect(() => {
      if (channelId === '') return
      return presence.enter(store, `channel:${channelId}`,
        () => store.dispatch(actions.openChannel({ channelId })),
        () => store.dispatch(actions.closeChannel({ channelId })))
    }, [store, channelId])
    // Who left and is back before anything was drawn has the same id, and another connection.
    const visit = useChatSelector((root) => {
      const { userId, lastConnectedAt } = selectors.selectConnection(root)
      return userId === null ? null : `${userId} ${lastConnectedAt === null}`
    })
    useEffect(() => {
      // A reset of the whole state has forgotten what is on the screen.
      const isForgotten = channelId !== '' && visit !== null && !channelIn((store.getState() as Root)[chat.reducerPath].messages, channelId).open
      if (isForgotten) store.dispatch(actions.openChannel({ channelId }))
    }, [store, channelId, visit])
    return useChatSelector(useCallback((root: Root) => selectors.selectMessages(root, channelId), [channelId]))
  }

  function useChannel(chosen: string | null | undefined): ChannelHandle {
    const channelId = chosenId(chosen)
    const store = useStore()
    const view = useChatSelector((root) => selectors.selectChannel(root, channelId))
    const commands = useMemo(() => ({
      loadOlder: () => { if (channelId !== '') store.dispatch(actions.loadOlder({ channelId })) },
      loadNewer: () => { if (channelId !== '') store.dispatch(actions.loadNewer({ channelId })) },
      markRead: (messageId?: string) => { if (channelId !== '') store.dispatch(actions.markRead({ channelId, ...(messageId !== undefined && { messageId }) })) },
    }), [store, channelId])
    return useMemo(() => ({ ...view, ...commands }), [view, commands])
  }

  function useErrors() {
    const store = useStore()
    const errors = useChatSelector(selectors.selectErrors)
    const commands = useMemo(() => ({
      dismiss: (id: string) => { store.dispatch(actions.dismissError({ id })) },
      clear: () => { store.dispatch(actions.clearErrors()) },
    }), [store])
    return useMemo(() => ({ errors, ...commands }), [errors, commands])
  }

  return {
    useSocket,
    useConnection,
    useMessages,
    useChannel,
    useErrors,
    useSendMessage: (chosen) => {
      const channelId = chosenId(chosen)
      const store = useStore()
      return useCallback((content, ...[extra]) => {
        const action = actions.sendMessage({ ...extra, channelId, content } as Parameters<typeof actions.sendMessage>[0])
        // What another middleware returns may be anything.
        store.dispatch(action)
        return action.payload.id
      }, [store, channelId])
    },
    useUnreadCount: (chosen) => useChatSelector((root) => selectors.selectUnreadCount(root, chosenId(chosen))),
    useChatMetrics: () => useSyncExternalStore(metrics.subscribe, lastMeasured, () => unmeasured),
  }
}
