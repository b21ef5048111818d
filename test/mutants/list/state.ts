import { inFile, type Mutant } from '../mutant'

export const state: readonly Mutant[] = [
  ...inFile('src/state/outbox.ts', [
    ['G1', 'no requeue on disconnect', "changeQueues(state, afterLoss)", "state"],
    ['G3', 'the lease attempt is ignored by the reducer', 'if (entryIn(queue, target.id)?.lease?.attempt !== target.attempt) return state', 'if (!entryIn(queue, target.id)) return state'],
    ['G3', 'no go-back-N', 'if (isBehind) return rested(entry)', 'if (isBehind) return entry'],
    ['G7', 'a change of user keeps the queue', 'if (state.userId !== null) return { ...EMPTY_OUTBOX, userId, lastOrder: state.lastOrder }', 'if (state.userId !== null) return { ...state, userId }'],
    ['G7', 'sign-out keeps the queue', '.on(commands.signOut, ({ lastOrder }) => ({ ...EMPTY_OUTBOX, userId: SIGNED_OUT, lastOrder }))', '.on(commands.signOut, (state) => state)'],
    ['G3', 'restored messages stand behind new ones', '[...missing, ...(earlier ? movedBehind(queue, missing) : queue)].sort((a, b) => a.order - b.order)', '[...queue, ...missing]'],
    ['G1', 'a restored queue replaces what was sent meanwhile', 'unite(queueIn(next, channelId), restored, earlier)', 'sequenceOf(restored)'],
    ['G7', 'poison is never isolated', 'losses: entry.losses + 1', 'losses: entry.losses'],
    ['G3', 'another life of a queue begins its order anew', 'userId, lastOrder: state.lastOrder', 'userId'],
    ['G7', 'a cut connection suspects everything in flight', 'entry === head ? blamed(entry) : rested(entry)', 'entry.lease ? blamed(entry) : entry'],
    ['G1', 'a retry renews no budget', '{ ...entry, failure: null, nextAttemptAt: null, spent: 0, losses: 0, budgetFrom: at }', '{ ...entry, failure: null, nextAttemptAt: null }'],
    ['G1', 'disconnect leaves leases', '.on(commands.disconnect, (state) => changeEvery(state, rested))', '.on(commands.disconnect, (state) => state)'],
  ]),
  ...inFile('src/state/channel.ts', [
    ['G6', 'the cursor is the newest held', 'cursor: cursorAfter(channel, messages),', 'cursor: highestSeq(messages.flat(), channel.cursor),'],
    ['G6', 'a page for a window that moved is taken', 'if (before !== historyEdge(channel)) return rested', ''],
  ]),
  ...inFile('src/state/marks.ts', [
    ['G5', 'receipts that come early are lost', 'waiting.push(event)', ''],
  ]),
  ...inFile('src/state/messages.ts', [
    ['G6', 'a new connection makes nothing stale', 'stale: channel.stale || !channel.detached,', 'stale: channel.stale,'],
    ['G6', 'reopening a detached channel stays detached', 'const reset = channel.detached ? shrunk(channel) : channel', 'const reset = channel'],
  ]),
  ...inFile('src/state/views.ts', [
    ['G4', 'a chunk keeps its old statuses', 'if (known?.receipts === receipts) return', 'if (known) return'],
  ]),
  ...inFile('src/state/census.ts', [
    ['G8', 'what shrank counts as loaded', 'else census.shrinkable.delete(key)', ''],
    ['G8', 'an open channel shrinks', '!open && cursor !== null', 'cursor !== null'],
  ]),
  ...inFile('src/state/errors.ts', [['G8', 'errors are kept without bound', '.slice(-MAX_ERRORS)', '']]),
]
