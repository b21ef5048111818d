import type { UnknownAction } from '@reduxjs/toolkit'
import type { ChatActions } from '../actions'
import type { Environment } from '../environment'
import type { ChatError, Extra, SocketErrorType } from '../model'
import type { ResolvedOptions } from '../options'
import type { ChatState } from '../state/chat-state'
import type { Wire } from '../transport/wire'
import type { Audience } from './audience'
import type { Link } from './link'
import type { Metrics } from './metrics'

/** Where an error belongs. */
export interface ErrorContext {
  readonly channelId?: string
  readonly messageId?: string
  readonly retryable?: boolean
}

/** What the effects of one store share. */
export interface Runtime<X extends Extra> {
  readonly options: ResolvedOptions<X>
  readonly environment: Environment
  readonly actions: ChatActions<X>
  readonly wire: Wire<X>
  readonly link: Link
  readonly metrics: Metrics
  readonly audience: Audience
  getState(): ChatState<X>
  dispatch(action: UnknownAction): void
  /** A plain error, to be put into the payload of a report. */
  error(type: SocketErrorType, code: string, message: string, context?: ErrorContext): ChatError
  /** An error that is its own action. */
  report(type: SocketErrorType, code: string, message: string, context?: ErrorContext): void
  /** Inbound data that was dropped: counted, and told; what repeats itself is thinned out. */
  invalid(code: string, message: string, context?: ErrorContext, dropped?: number): void
  /**
   * What is to be sent, and the reducers took no notice of: a past state is shown (time travel), in which nothing is sent. Noted by the middleware
   * when the action passes it, because a state that is the same after a dispatch says less: another middleware may hand the action on later.
   * Known by its payload, because another middleware may hand on a copy.
   */
  readonly ignored: WeakSet<object>
  /** Looks again at what is missing; the reason lies outside the state (a connection, a timer). */
  reconcile(): void
}
