import type { Stop } from '../environment'
import type { Extra, ReceiptEvent, WireMessage } from '../model'
import { lastOf } from '../policy/sequence'
import { findMessage } from '../policy/timeline'
import { channelIn } from '../state/messages'
import type { Runtime } from './runtime'

/** One change of state per frame at most: what arrives within it is one action. */
export const FRAME_MS = 16

/** A batch this long is applied at once. */
export const MAX_BATCH = 2_000

/** What has waited for so long is applied by the next arrival, though the timer of a hidden page is late. */
const OVERDUE_MS = 250

/**
 * Collects inbound messages and receipts. The first after a quiet frame is applied at once; in a burst the rest of the frame is
 * collected. Only a timer ends the frame: it comes when what the last batch set off, rendering too, is done, so a slow page gets
 * few large batches.
 */
export function createInbox<X extends Extra>(runtime: Runtime<X>) {
  const { clock } = runtime.environment
  const { events } = runtime.actions
  let messages: WireMessage<X>[] = []
  let receipts: ReceiptEvent[] = []
  /** What the app bound to events that came behind these. */
  let others: (() => void)[] = []
  let lastFlush = -Infinity
  let stopTimer: Stop | null = null

  /** What stands behind all that is known of its channel is new, without a search. */
  function countDuplicates(batch: readonly WireMessage<X>[]): void {
    const { messages: channels, connection } = runtime.getState()
    const ends = new Map<string, number>()
    let earlier: Set<string> | null = null
    let [duplicates, count] = [0, 0]
    for (const { id, channelId, userId, seq } of batch) {
      const end = ends.get(channelId) ?? lastOf(channelIn(channels, channelId).messages)?.seq ?? 0
      if (seq !== undefined && seq > end) ends.set(channelId, seq)
      // The echo of my own message is no duplicate, though its acknowledgement came first.
      else if (userId !== connection.userId) {
        earlier ??= new Set(batch.slice(0, count).map((message) => message.id))
        if (earlier.has(id) || findMessage(channelIn(channels, channelId).messages, id)) duplicates++
      }
      earlier?.add(id)
      count++
    }
    runtime.metrics.count('duplicate', duplicates)
  }

  const size = (): number => messages.length + receipts.length

  /** Applies what is collected, now. */
  function flush(): void {
    if (size() === 0) return
    stopTimer?.()
    stopTimer = clock.setTimer(FRAME_MS, () => {
      stopTimer = null
      flush()
    })
    lastFlush = clock.monotonic()
    countDuplicates(messages)
    // Each is taken only now: whoever was told of what came before may have left, and the rest is forgotten.
    const newMessages = messages
    messages = []
    if (newMessages.length > 0) runtime.dispatch(events.messagesReceived({ messages: newMessages }))
    const newReceipts = receipts
    receipts = []
    if (newReceipts.length > 0) runtime.dispatch(events.receiptsReceived({ receipts: newReceipts }))
    runtime.metrics.batch(newMessages.length + newReceipts.length, lastFlush, clock.monotonic())
    // One by one: whoever sees one may leave, and the rest is forgotten.
    for (let run = others.shift(); run; run = others.shift()) run()
  }

  function arrived(): void {
    const isOverdue = clock.monotonic() - lastFlush >= OVERDUE_MS
    if (stopTimer === null || isOverdue || size() >= MAX_BATCH) flush()
  }

  return {
    message(message: WireMessage<X>): void {
      messages.push(message)
      arrived()
    },
    receipt(receipt: ReceiptEvent): void {
      receipts.push(receipt)
      arrived()
    },
    /** Behind what came before it. */
    behind(run: () => void): void {
      if (size() === 0) run()
      else others.push(run)
    },
    flush,
    /** Forgets what is collected: it was another user's. */
    stop(): void {
      stopTimer?.()
      stopTimer = null
      messages = []
      receipts = []
      others = []
    },
  }
}
