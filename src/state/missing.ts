import type { Extra } from '../model'
import { firstOf, lastOf, lengthOf } from '../policy/sequence'
import { historyEdge, type ChannelState } from './channel-state'

/* What a channel lacks, as far as its state tells. */

/** Nobody has told the place of the last message. */
const isUntold = <X extends Extra>({ messages }: ChannelState<X>): boolean => messages.length > 0 && lastOf(messages)?.seq === undefined

const isUpToDate = <X extends Extra>({ cursor, latest }: ChannelState<X>): boolean => (cursor ?? 0) >= (latest ?? 0)

/** A connection has begun since the server was asked for what is newer. */
export const mayHaveMissed = <X extends Extra>({ stale, missedAfter }: ChannelState<X>): boolean => stale || missedAfter !== null

/** A gap that closed by itself after a catch-up that failed is asked about too: only a page tells that nothing is missing. */
export const hasGap = <X extends Extra>(channel: ChannelState<X>): boolean =>
  !channel.stale && !channel.detached && (isUntold(channel) || channel.catchUp === 'failed' || !isUpToDate(channel))

/** All that is newer is here: the place that nobody has told lies among what is older, of which there is room for a page. */
const hasUntoldAmongOlder = <X extends Extra>(channel: ChannelState<X>, { pageSize, windowSize }: Limits): boolean =>
  isUntold(channel) && channel.anchored && channel.hasOlder && !channel.stale && !channel.detached && isUpToDate(channel)
  && lengthOf(channel.messages) + pageSize < windowSize

interface Limits {
  readonly pageSize: number
  readonly windowSize: number
}

export function lacksOlder<X extends Extra>(channel: ChannelState<X>, limits: Limits): boolean {
  if (channel.history === 'running' || historyEdge(channel) === null) return false
  const first = channel.open && !channel.loaded && channel.anchored && channel.hasOlder && !channel.stale
  return channel.history === 'wanted' || first || hasUntoldAmongOlder(channel, limits)
}

/** Where catch-up goes on. In doubt, what is held under the seq that the server named is compared; without any the same is asked once more. */
export function newerEdge<X extends Extra>({ anchored, stale, detached, doubt, missedAfter, cursor, messages }: ChannelState<X>): number {
  if (!stale && missedAfter !== null) return missedAfter
  if (!anchored) return 0
  // Who has scrolled back is not to be moved by what follows: the end of their window is compared.
  const compared = detached ? cursor : doubt
  const isHeld = doubt !== null && compared !== null && (firstOf(messages)?.seq ?? Infinity) <= compared
  return isHeld ? Math.min(compared, cursor ?? compared) - 1 : cursor ?? 0
}
