import { inFile, type Mutant } from '../mutant'

export const policy: readonly Mutant[] = [
  ...inFile('src/policy/outbox.ts', [
    ['G3', 'a failed entry blocks its queue', 'else if (entry.failure) isBlocked = elsewhere(entry)', 'else if (entry.failure) isBlocked = true'],
    ['G3', 'what another tab is sending is overtaken', 'else if (entry.failure) isBlocked = elsewhere(entry)', 'else if (entry.failure) return true'],
    ['G3', 'a waiting entry does not hold what stands behind it', 'else if (!owned(entry) || waiting(entry)) isBlocked = true', 'else if (!owned(entry) || waiting(entry)) return true'],
    ['G12', 'whatever the state shows is sent', 'else if (!owned(entry) || waiting(entry)) isBlocked = true', 'else if (waiting(entry)) isBlocked = true'],
    ['G3', 'more in flight than the server orders', 'return found.slice(0, Math.max(0, room - leased))', 'return found'],
    ['G3', 'flights behind what never left are not counted', '(isFull && leased >= flying)', 'isFull'],
    ['G3', "what was refused for another's sake goes at once", 'else if (leased > 0 && ABOUT_ANOTHER.has(entry.lastError?.code))', 'else if (leased < 0)'],
    ['G3', 'what was refused goes behind what was not', 'else if (isNew && refused(entry)) isBlocked = true', ''],
    ['G2', 'what is in flight is emitted again', 'if (entry.lease) {\n      leased++\n      isNew ||= !refused(entry)\n    } else if (', 'if ('],
    ['G1', 'the time budget never ends', "if (now - entry.budgetFrom > budget.retryForMs) return 'expired'", ''],
  ]),
  ...inFile('src/policy/status.ts', [
    ['G4', 'the receipt that came last wins', 'const read = Math.max(a?.read ?? 0, b.read)', 'const read = b.read || (a?.read ?? 0)'],
    ['G4', 'my own reading makes my message read', 'if (receipt && key !== authorKey)', 'if (receipt)'],
  ]),
  ...inFile('src/policy/timeline.ts', [
    ['G2', 'a repeated message is appended again', 'index.has(message.id) || (last', '(last'],
    ['G2', 'messages of the same content are one', '  const index = indexOf(window)\n  const merged = follows(', '  const index = indexOf(window)\n  incoming = incoming.filter(({ id, content }) => !window.some((chunk) => chunk.some((held) => held.id !== id && held.content === content)))\n  const merged = follows('],
    ['G2', 'what is appended is not in the index', 'index.set(message.id, message)\n    last = message', 'last = message'],
    ['G1', 'what is not appended after all stays in the index', 'for (const { id } of incoming.slice(0, count)) index.delete(id)', ''],
    ['G10', "another user's copy replaces a message", 'known.userId !== message.userId || ', ''],
    ['G5', 'two messages on one seq', 'if (contradicts(next, message)) continue', ''],
    ['G6', 'the cursor jumps over holes', 'messages[i]?.seq === end + 1) {\n      end++', 'messages[i]?.seq !== undefined) {\n      end = messages[i]?.seq ?? end'],
    ['G8', 'the window grows', 'if (surplus <= 0) return window', 'return window'],
    ['G8', 'the index keeps what left the window', '    index.delete(id)\n    return --left > 0', '    return --left > 0'],
    ['G8', 'the index keeps what a full window pushes out', '  index.delete(first.id)\n', ''],
    ['G8', 'more leaves the index than the window', 'return --left > 0', 'return true'],
    ['G5', 'an improved copy stands beside the old one', 'next = removed(next, placeIn(next, known))', ''],
    ['G5', 'a late copy without seq takes the place away', '(held.seq === incoming.seq && !isSameJson(held, incoming))', '!isSameJson(held, incoming)'],
    ['G5', "the server's own copy is not taken", ' || (held.seq === incoming.seq && !isSameJson(held, incoming))', ''],
  ]),
  ...inFile('src/policy/companions.ts', [
    ['G5', 'an older version finds what was handed on', 'others.delete(before)', ''],
    ['G5', 'what is handed on stays with its last version', 'if (before === newest) newest = after', 'if (before === newest) newest = before'],
  ]),
  ...inFile('src/policy/backoff.ts', [
    ['G8', 'retries without a pause', 'return Math.round(random * ceiling)', 'return random * 0'],
    ['G8', 'retries without jitter', 'return Math.round(random * ceiling)', 'return ceiling'],
  ]),
  ...inFile('src/policy/json.ts', [
    ['G1', 'bytes are counted as characters', 'bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4', 'bytes += 1'],
    ['G10', 'any number is a seq', 'Number.isSafeInteger(whole) && whole >= least', 'whole >= least'],
    ['G1', 'NaN counts as JSON', "if (typeof value === 'number') return Number.isFinite(value)", "if (typeof value === 'number') return true"],
  ]),
  ...inFile('src/policy/defaults.ts', [
    ['G8', 'an option that is undefined has no default', '.filter(([, value]) => value !== undefined)', ''],
  ]),
  ...inFile('src/policy/errors.ts', [
    ['G1', 'an expired token fails the message', "if (REAUTHENTICATE.has(error.code)) return 'reauthenticate'", ''],
  ]),
]
