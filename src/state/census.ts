import type { Extra } from '../model'
import { createCompanions } from '../policy/companions'
import { entriesOf } from '../policy/table'
import type { ChannelState } from './channel-state'
import type { MessagesState } from './messages'

/** What all channels come to, without a walk through them: there may be 10,000. */
interface Census {
  /** Those that may shrink, with their places: closed, and holding messages that can be loaded again. */
  readonly shrinkable: Map<string, number>
  /** The highest `place`. */
  lastPlace: number
}

/** What has no seq cannot be loaded again and stays. */
const isShrinkable = ({ open, cursor, messages }: ChannelState): boolean => !open && cursor !== null && messages.length > 0

function count(census: Census, channelId: string, channel: ChannelState): void {
  if (isShrinkable(channel)) census.shrinkable.set(channelId, channel.place)
  else census.shrinkable.delete(channelId)
  census.lastPlace = Math.max(census.lastPlace, channel.place)
}

const censuses = createCompanions((state: MessagesState<Extra>) => {
  const census: Census = { shrinkable: new Map(), lastPlace: 0 }
  for (const [channelId, channel] of entriesOf(state)) count(census, channelId, channel)
  return census
})

export const censusOf = <X extends Extra>(state: MessagesState<X>): Readonly<Census> => censuses.of(state)

/** Hands the census on to the next version, in which at most this one channel counts differently. */
export function handOn<X extends Extra>(before: MessagesState<X>, after: MessagesState<X>, channelId?: string, channel?: ChannelState<X>): MessagesState<X> {
  const census = censuses.find(before)
  if (!census || after === before) return after
  if (channelId !== undefined && channel) count(census, channelId, channel)
  censuses.handOn(before, after, census)
  return after
}
