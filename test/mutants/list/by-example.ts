import { inFile, type Mutant } from '../mutant'

/** Those that an example notices, and no generated input of the usual number of runs: whatever is moved from here to its own list is a hole less. */
export const byExample: readonly Mutant[] = [
  ...inFile('src/persistence/indexed-db.ts', [
    ['G1', 'a torn log of the browser is written on', 'if (!isLogRenewed) renewLog(factory, name).catch(() => undefined)', ''],
    ['G8', 'the log is renewed with each connection', 'isLogRenewed = true', ''],
  ]),
  ...inFile('src/persistence/persist.ts', [
    ['G1', 'a discard forgets what is sent after it', 'await discard(userId).finally(() => keepShown(userId))', 'await discard(userId)'],
    ['G7', "the difference removes another user's records", 'const before = outbox.userId === seen.userId ? seen : EMPTY_OUTBOX', 'const before = seen'],
    ['G2', 'looks run side by side', '(looking.get(visit.userId) ?? Promise.resolve()).then(() => readNow(visit))', 'readNow(visit)'],
  ]),
  ...inFile('src/persistence/ownership.ts', [
    ['G9', 'who has left meanwhile claims a lock', 'if (!isWanted()) return false', ''],
    ['G2', "a lock that another tab waits for counts as this tab's own", '(await heldOf([witnessOf(userId)])).size > 0', '(await living(userId, [name])).length > 0'],
    ['G9', 'queued locks stay', 'for (const stop of awaited.values()) stop()', ''],
  ]),
  ...inFile('src/persistence/writer.ts', [
    ['G2', 'what another tab owns is not told', 'if (notOurs.length > 0) lost(notOurs)', ''],
    ['G1', 'what is too large holds the rest again when it is tried again', 'if (edits.isAllTooLarge()) setAside()', 'if (edits.isAllTooLarge() && !edits) setAside()'],
    ['G2', 'what a look before a purge sees waits no more', 'const before = edits.snapshot().filter(matches)', 'const before = edits.snapshot().filter(matches)\n      edits.forget(before)'],
  ]),
  ...inFile('src/persistence/key-value.ts', [
    ['G1', 'one key that cannot be read hides all', 'refused.length === keys.length', 'refused.length > 0'],
    ['G7', 'a segment that is in use is taken out of the index', 'segments.has(tab) || !(await isEmpty(tab, slots))', 'segments.has(tab)'],
  ]),
]
