import type { Extra, Receipt, ReceiptEvent } from '../model'
import { firstOf } from '../policy/sequence'
import type { Window } from '../policy/timeline'

/**
 * What is known of one channel. Which of its fields go together:
 *
 * | | `anchored` | `cursor` | `messages` |
 * |---|---|---|---|
 * | nothing is numbered | no | null (`latest` too) | all that came |
 * | not caught up yet | no | the end of the first unbroken run | what came by itself |
 * | followed | yes | at most `latest`: what lies between is a gap | up to the newest |
 * | scrolled back (`detached`) | yes | the end of the window | not empty; what is newer was dropped |
 * | shrunk, or skipped to its end | yes | the newest that was here | empty: all is history |
 *
 * Only who has scrolled back has `missedAfter`; only what is `stale` has a `doubt`. (`channel-places.ts` of the tests holds every state to this.)
 */
export interface ChannelState<X extends Extra = {}> {
  /** The committed messages that are loaded, in order: a window on the channel. */
  readonly messages: Window<X>
  /** Everything up to this seq is held or was evicted: nothing is missing. Null while no seq is known. */
  readonly cursor: number | null
  /** The cursor comes from a catch-up; before that it is only the end of the first unbroken run of what came by itself. */
  readonly anchored: boolean
  /** The highest seq that is known to exist; above `cursor` means a gap. */
  readonly latest: number | null
  /** The highest position of a message by somebody else. */
  readonly foreign: number
  readonly hasOlder: boolean
  /** A page of history was loaded (or there is none). */
  readonly loaded: boolean
  /** Scrolled back so far that the newest messages were dropped: `loadNewer` brings them back. */
  readonly detached: boolean
  readonly open: boolean
  /** Rises with each opening (and with the first sight) of a channel: the lowest shrink first. */
  readonly place: number
  /** A connection has begun since the last catch-up, so messages may have been missed. */
  readonly stale: boolean
  /** The server named this seq as its newest, though more is held here: asked for next, it tells whether the server is behind or began a new log. */
  readonly doubt: number | null
  /** Scrolled back: what is newer than this seq may have been missed, because a connection has begun since. Asked for to be counted, not to be shown. */
  readonly missedAfter: number | null
  readonly catchUp: 'idle' | 'running' | 'failed'
  readonly history: 'idle' | 'wanted' | 'running' | 'failed'
  readonly receipts: { readonly [userKey: string]: Receipt }
  readonly early: readonly ReceiptEvent[]
}

export const initialChannel: ChannelState<never> = {
  messages: [], cursor: null, anchored: false, latest: null, foreign: 0,
  hasOlder: false, loaded: false, detached: false, open: false, place: 0, stale: true, doubt: null, missedAfter: null,
  catchUp: 'idle', history: 'idle', receipts: {}, early: [],
}

/** History is asked for what stands before this seq; null on a server without seqs. */
export const historyEdge = <X extends Extra>(channel: ChannelState<X>): number | null =>
  firstOf(channel.messages)?.seq ?? (channel.cursor === null ? null : channel.cursor + 1)
