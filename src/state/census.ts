import type { Extra } from '../model'
import { entriesOf } from '../policy/table'
import type { ChannelState } from './channel'
import type { MessagesState } from './messages'

/** What all channels come to, without a walk through them: there may be 10,000. */
interface Census {
  /** The keys of those that may shrink: closed, and holding messages that can be loaded again. */
  readonly shrinkable: Set<string>
  /** The highest `place`. */
  lastPlace: number
}

/** Kept beside the newest version of the state, and handed on from version to version. A cache only: a state without one is counted. */
const censuses = new WeakMap<object, Census>()

/** What has no seq cannot be loaded again and stays. */
const isShrinkable = ({ open, cursor, messages }: ChannelState): boolean => !open && cursor !== null && messages.length > 0

function count(census: Census, key: string, channel: ChannelState): void {
  if (isShrinkable(channel)) census.shrinkable.add(key)
  else census.shrinkable.delete(key)
  census.lastPlace = Math.max(census.lastPlace, channel.place)
}

export function censusOf<X extends Extra>(state: MessagesState<X>): Readonly<Census> {
  const known = censuses.get(state)
  if (known) return known
  const census: Census = { shrinkable: new Set(), lastPlace: 0 }
  for (const [key, channel] of entriesOf(state)) count(census, key, channel)
  censuses.set(state, census)
  return census
}

/** Hands the census on to the next version, in which at most this one channel counts differently. */
export function handOn<X extends Extra>(before: MessagesState<X>, after: MessagesState<X>, key?: string, channel?: ChannelState<X>): MessagesState<X> {
  const census = censuses.get(before)
  if (!census || after === before) return after
  censuses.delete(before)
  if (key !== undefined && channel) count(census, key, channel)
  censuses.set(after, census)
  return after
}
