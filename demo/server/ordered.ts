import { createRefusal, toRefusal } from './refusal'

/**
 * The promise `ordered`: one socket's messages of one channel are committed in the order of their arrival.
 * Handlers await, and without a chain two pipelined messages could overtake each other in the database.
 */
export interface OrderedChannels {
  /** Runs `task` after every earlier one of the same channel. */
  run<T>(channelId: string, messageId: string, task: () => Promise<T>): Promise<T>
  /** How many channels have something waiting or held: no honest client has thousands. */
  size(): number
}

interface Lane {
  tail: Promise<unknown>
  waiting: number
  hold: Hold | null
}

/**
 * After a retryable refusal of `id`, what follows is refused until `id` comes again; otherwise a message pipelined behind
 * it would be committed before it. `followers` are the ids refused meanwhile: a client resends in order, so a follower that
 * comes a second time without `id` says that its sender is done with `id` (discarded it, or learned from an echo that an
 * earlier copy was committed), and the hold ends. Without that rule the channel would be stuck for good.
 */
interface Hold {
  readonly id: string
  readonly followers: Set<string>
}

export function createOrderedChannels(): OrderedChannels {
  const lanes = new Map<string, Lane>()
  return {
    size: () => lanes.size,
    run(channelId, messageId, task) {
      const lane = lanes.get(channelId) ?? { tail: Promise.resolve(), waiting: 0, hold: null }
      lanes.set(channelId, lane)
      lane.waiting++
      const result = lane.tail.then(() => inTurn(lane, messageId, task)).finally(() => {
        lane.waiting--
        if (lane.waiting === 0 && lane.hold === null) lanes.delete(channelId)
      })
      lane.tail = result.catch(() => {})
      return result
    },
  }
}

async function inTurn<T>(lane: Lane, messageId: string, task: () => Promise<T>): Promise<T> {
  if (mustWait(lane.hold, messageId)) throw outOfOrder()
  lane.hold = null
  try {
    return await task()
  } catch (error) {
    const refusal = toRefusal(error)
    if (refusal.retryable) lane.hold = { id: messageId, followers: new Set() }
    throw refusal
  }
}

function mustWait(hold: Hold | null, messageId: string): boolean {
  if (hold === null || hold.id === messageId || hold.followers.has(messageId)) return false
  hold.followers.add(messageId)
  return true
}

const outOfOrder = () => createRefusal(
  'out_of_order', 'unable to send yet: an earlier message of this channel was refused; send that one again first', { retryable: true })
