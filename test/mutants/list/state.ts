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
    ['G1', 'oversize check off', 'const small = hasOnly(5, message) && (id.length + channelId.length + userId.length + content.length) * 6 + 1_000 < limit', 'const small = limit > 0'],
    ['G7', "another user's echo settles ours", 'if (message.userId === state.userId && shows(message)) next', 'if (shows(message)) next'],
  ]),
  ...inFile('src/state/channel.ts', [
    ['G6', 'the cursor is the newest held', 'cursor: cursorAfter(channel, messages),', 'cursor: highestSeq(messages.flat(), channel.cursor),'],
    ['G6', 'a page for a window that moved is taken', 'if (before !== historyEdge(channel)) return rested', ''],
    ['G6', 'a page covers nothing but its messages', 'const covered = highestSeq(page.messages, null) ?? (page.more ?', 'const covered = (page.messages.length >= 0 ?'],
    ['G6', 'a page reaches up to what came after it was read', 'const covered = highestSeq(page.messages, null) ??', 'const covered = (page.more ? highestSeq(page.messages, null) : null) ??'],
    ['G6', 'live messages join a detached window', 'channel.detached ? channel.messages : mergeMessages(', 'mergeMessages('],
    ['G1', 'a log that began anew is not read', 'if (page.latest !== null && page.latest < after && page.messages.length === 0 && !page.more) return doubted(channel, page.latest)', ''],
    ['G6', 'a copy that is behind counts as a new log', 'channel.doubt === null ?', 'latest < 0 ?'],
    ['G1', 'a page of a new log joins the old one', 'if (page.messages.some((message) => contradicts(channel.messages, message))) return begunAnew(channel)', ''],
    ['G1', 'an ack under the number of another message is lost', 'receive(begunAnew(channel), incoming', 'receive(channel, incoming'],
    ['G1', 'what cannot be read again is given up for an ack', 'return catchesUp ?', 'return true ?'],
    ['G8', 'a long absence is paged through whole', '(!channel.detached && latest - after > windowSize)', '(!channel.detached && latest < after)'],
    ['G4', 'moments count as seqs', 'withoutMoments(channel) : channel)', 'channel : channel)'],
    ['G6', 'a page after a lost cursor is taken', 'if (after > 0 && after > (channel.cursor ?? 0)) return { ...known, stale: true }', ''],
  ]),
  ...inFile('src/state/marks.ts', [
    ['G5', 'receipts that come early are lost', 'waiting.push(event)', ''],
    ['G8', 'early receipts are kept without bound', '.slice(-MAX_EARLY_RECEIPTS)', ''],
    ['G4', 'a moment counts as a place among seqs', 'message.seq === undefined && latest !== null', 'message.seq === undefined && latest !== latest'],
  ]),
  ...inFile('src/state/messages.ts', [
    ['G6', 'a new connection makes nothing stale', 'stale: channel.stale || !channel.detached,', 'stale: channel.stale,'],
    ['G6', 'reopening a detached channel stays detached', 'const reset = channel.detached ? shrunk(channel) : channel', 'const reset = channel'],
    ['G7', 'a change of user keeps the messages', '(context.userId === userId ? state : reopened(state))', '(context.userId === userId ? state : state)'],
    ['G6', 'what is on the screen is not opened for the next user', '(isOpen ? [[key', '(!isOpen ? [[key'],
    ['G8', 'closed channels are never shrunk', 'return surplus <= 0 ? state', 'return surplus < Infinity ? state'],
    ['G8', 'what shrinks is the newest', 'sort(([, a], [, b]) => a - b)', 'sort(([, a], [, b]) => b - a)'],
  ]),
  ...inFile('src/state/views.ts', [
    ['G4', 'a chunk keeps its old statuses', 'if (known?.receipts === receipts) return', 'if (known) return'],
  ]),
  ...inFile('src/state/census.ts', [
    ['G8', 'what shrank counts as loaded', 'else census.shrinkable.delete(key)', ''],
    ['G8', 'an open channel shrinks', '!open && cursor !== null', 'cursor !== null'],
  ]),
  ...inFile('src/state/errors.ts', [['G8', 'errors are kept without bound', '.slice(-MAX_ERRORS)', '']]),
  ...inFile('src/state/chat-state.ts', [
    ['G7', "another member's receipt confirms my read mark", ' || receipt.userId !== outbox.userId', ''],
  ]),
]
