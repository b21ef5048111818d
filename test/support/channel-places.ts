import type { ChannelState } from '../../src/state/channel-state'

/** What the table above `ChannelState` says of the fields that go together; null when they do. */
export function placeProblem({ messages, cursor, latest, anchored, detached, stale, doubt, missedAfter, hasOlder }: ChannelState): string | null {
  const holds: { readonly [rule: string]: boolean } = {
    'a cursor tells of a newest': cursor === null || latest !== null,
    'the cursor stands behind the newest': detached || (cursor ?? 0) <= (latest ?? 0),
    'what is anchored has a cursor': !anchored || cursor !== null,
    'who has scrolled back had caught up': !detached || (anchored && messages.length > 0),
    'only who has scrolled back misses what is newer': missedAfter === null || detached,
    'doubt is to be settled': doubt === null || stale,
    'without numbers there is no history': cursor !== null || !hasOlder,
  }
  return Object.keys(holds).find((rule) => !holds[rule]) ?? null
}
