import fc from 'fast-check'
import { problemsOf } from './hostile-checker'
import { CHANNELS } from './hostile-steps'
import { ME, type HostileWorld } from './hostile-world'
import { valueAt } from '../../src/policy/table'

/** What was said and done so far, kept apart from the library. */
export interface Book {
  /** My messages by id, as they were written. */
  readonly sent: Map<string, { readonly channelId: string; readonly content: string; readonly topic: string }>
  /** Ids of mine that the server has named as committed: these may leave the outbox. */
  readonly released: Set<string>
  /** Payloads dropped since the last report, by the report's code. */
  readonly drops: { invalid_event: number; invalid_ack: number }
  /** Characters that the server has said. */
  fed: number
}

export const createBook = (): Book => ({ sent: new Map(), released: new Set(), drops: { invalid_event: 0, invalid_ack: 0 }, fed: 0 })

class HostileServerWon extends Error {}

export const fail = (what: string, taken: unknown): never => {
  throw new HostileServerWon(`${what}\n  at ${fc.stringify(taken)}`)
}

const QUIET_MS = 1_000

interface Reported { readonly type: string; readonly code: string; readonly at: number; readonly count?: number }

/** A flood of bad payloads is one action a second and code, and its count leaves none out. */
function createErrorWatch({ store }: HostileWorld, { drops }: Book) {
  let looked = 0
  const last = new Map<string, number>()

  function judge({ code, at, count = 1 }: Reported, taken: unknown): void {
    const before = last.get(code)
    if (before !== undefined && at - before < QUIET_MS) fail(`error ${code} was reported again after ${at - before} ms`, taken)
    last.set(code, at)
    if (code !== 'invalid_event' && code !== 'invalid_ack') return
    drops[code] -= count
    if (drops[code] !== 0) fail(`the reports of ${code} differ from the drops by ${drops[code]}`, taken)
  }

  return (taken: unknown): void => {
    for (const action of store.actions.slice(looked)) {
      const reported = action.type === 'chat/errorReported' ? (action['payload'] as { readonly error: Reported }).error : null
      if (reported?.type === 'invalid_payload') judge(reported, taken)
    }
    looked = store.actions.length
  }
}

/** My messages are whole, and here until the server has them. */
function lookAtMine({ store }: HostileWorld, { sent, released }: Book, taken: unknown): void {
  const { outbox, messages } = store.state()
  for (const [id, draft] of sent) {
    const queued = valueAt(outbox.channels, draft.channelId)?.flat().find((entry) => entry.message.id === id)?.message
    if (!queued && !released.has(id)) fail(`message ${id} of mine is gone, and the server never had it`, taken)
    const shown = queued ?? valueAt(messages, draft.channelId)?.messages.flat().find((each) => each.id === id && each.userId === ME)
    const isWhole = !shown || (shown.content === draft.content && 'topic' in shown && shown.topic === draft.topic && shown.userId === ME)
    // What the server echoes under my id is its own word.
    if (!isWhole && (queued || !released.has(id))) fail(`message ${id} of mine was changed`, taken)
  }
}

/** Everything that must always hold; throws with the step that broke it. */
export function createWatch(world: HostileWorld, book: Book) {
  const { state, chat: { selectors } } = world.store
  const lookAtErrors = createErrorWatch(world, book)
  return (taken: unknown): void => {
    const [problem] = problemsOf(state())
    if (problem) fail(`malformed state: ${problem}`, taken)
    lookAtMine(world, book, taken)
    lookAtErrors(taken)
    const root = { chat: state() }
    for (const channelId of CHANNELS) {
      selectors.selectMessages(root, channelId)
      selectors.selectChannel(root, channelId)
      selectors.selectUnreadCount(root, channelId)
      selectors.selectReceipts(root, channelId)
    }
  }
}
