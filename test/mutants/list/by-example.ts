import { inFile, type Mutant } from '../mutant'

/** Those that an example notices, and no generated input of the usual number of runs: whatever is moved from here to its own list is a hole less. */
export const byExample: readonly Mutant[] = [
  ...inFile('src/state/outbox.ts', [
    ['G3', 'what is taken over in parts stands the wrong way round', 'earlier ? movedBehind(queue, missing) : queue', 'movedBehind(queue, missing)'],
    ['G2', 'what one look brings twice is shown twice', '[...new Map(restored.map((entry) => [entry.message.id, entry])).values()]', 'restored'],
  ]),
  ...inFile('src/state/channel.ts', [
    ['G6', 'a page after a lost cursor is taken', 'if (after > 0 && after > (channel.cursor ?? 0)) return { ...known, stale: true }', ''],
  ]),
  ...inFile('src/effects/delivery.ts', [
    ['G7', 'others fly with a suspect', ' || isSuspectInFlight()) return', ') return'],
    ['G1', 'what an echo has settled counts as in flight', 'flights.isFull(outcomes.isUnderWay)', 'flights.isAtLimit()'],
    ['G1', 'a pause that ends during the look is not waited for', 'setTimer(now)\n    },', 'setTimer(clock.monotonic())\n    },'],
  ]),
  ...inFile('src/effects/outcomes.ts', [
    ['G2', 'the code "duplicate" is a failure', "if (error.code === 'duplicate') {", "if (error.code === '') {"],
    ['G2', 'a reloaded page does not know how soon its server forgets', 'dedupWindowMs ?? entry.dedupWindowMs ?? Infinity', 'dedupWindowMs ?? Infinity'],
  ]),
  ...inFile('src/effects/renewal.ts', [
    ['G8', 'each refusal asks for a token of its own', 'if (renewing) return\n', ''],
  ]),
  ...inFile('src/effects/receipts.ts', [
    ['G5', 'a refused delivery is not told again', "if (userId === null || !response.ok) return", "if (kind === 'delivered' || userId === null || !response.ok) return"],
  ]),
  ...inFile('src/effects/sync.ts', [
    ['G4', 'a place that the server did not tell is not asked for', 'lastOf(channel.messages)?.seq === undefined', 'lastOf(channel.messages)?.seq === -1'],
  ]),
  ...inFile('src/effects/engine.ts', [
    ['G4', 'a mark of my own heals', ' && receipt.userId !== user', ''],
  ]),
  ...inFile('src/effects/recovery.ts', [
    ['G3', 'a clock that was set back moves new messages before old ones', 'look(userId, false, !met.has(userId))', 'look(userId, false, false)'],
    ['G1', 'the record of a message that was settled meanwhile stays', 'if (looks === mine) forgetSettled(userId, entries)', ''],
    ['G1', 'what a sign-out took out of the state counts as settled', 'if (looks === mine) forgetSettled(userId, entries)', 'forgetSettled(userId, entries)'],
    ['G2', 'a thawed tab sends what it has before it has looked', 'look(user, true)', 'look(user, false)'],
  ]),
]
