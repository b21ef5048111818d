import { inFile, type Mutant } from '../mutant'

export const persistence: readonly Mutant[] = [
  ...inFile('src/persistence/persist.ts', [
    ['G2', 'a thawed tab looks amid an adoption', 'ownership.alone(ownership.name(), look)', 'look()'],
    ['G7', 'what an earlier sign-in of the same user took over comes back', 'visit !== present', 'visit.userId !== present?.userId'],
    ['G1', 'the end of a living tab goes unnoticed', 'for (const tab of living) adoption.awaitEnd(visit, tab)', ''],
    ['G1', 'a tab that comes later is not heard of', 'if (!isOver(visit)) ownership.meet(userId, (tab) => (ownership.isOurs(tab) ? readAgain(visit, 1) : adoption.awaitEnd(visit, tab)))', ''],
    ['G1', 'what waits to be written counts as stored', '(owners.has(entry.message.id) ? entry : { ...entry, stored: false })', 'entry'],
    ['G1', 'a discard forgets what is sent after it', 'await discard(userId).finally(() => keepShown(userId))', 'await discard(userId)'],
    ['G7', "the difference removes another user's records", 'const before = outbox.userId === seen.userId ? seen : EMPTY_OUTBOX', 'const before = seen'],
    ['G2', 'looks run side by side', '(looking.get(visit.userId) ?? Promise.resolve()).then(() => readNow(visit))', 'readNow(visit)'],
  ]),
  ...inFile('src/persistence/ownership.ts', [
    ['G2', 'living tabs are adopted', 'locks && names.length > 0 ?', 'locks && names.length < 0 ?'],
    ['G9', 'the tab lock stays', '        stopMeeting()\n        release()', '        stopMeeting()'],
    ['G3', 'the tab lock goes before the last write', '      leaving.push(leaver)\n', '      leaving.push(leaver)\n      release()\n'],
    ['G2', 'adoption without a claim', 'alone(locks, `${scope}:adopt:${tab}`, task)', 'task()'],
    ['G1', 'who stands in for a tab that came back waits for its end', '      if (!(await heldOf([lock])).has(lock) || isGranted) return true\n', '      while (!isGranted) await new Promise((resolve) => setTimeout(resolve, 3_600_000))\n      if (isGranted) return true\n'],
    ['G1', 'who lost its locks still counts as waiting for others', '        stopWaiting()\n', ''],
    ['G1', 'what is written for somebody who has left is told to nobody', 'locks?.meet(`${scope}:tabs:${userId}`, tab, () => undefined)()', 'null'],
    ['G2', 'who comes back shares what another tab stands in for', 'name = `${tabId}.${++names}`', '++names'],
    ['G9', 'who has left meanwhile claims a lock', 'isWanted() && releaseLock === before', 'releaseLock === before'],
    ['G9', 'queued locks stay', 'for (const stop of awaited.values()) stop()', ''],
    ['G2', "a lock that another tab waits for counts as this tab's own", '(await heldOf([witnessOf(userId)])).size > 0', '(await living(userId, [name])).length > 0'],
  ]),
  ...inFile('src/persistence/records.ts', [
    ['G1', 'a restore renews the attempts', "spent: count(data['spent'])", 'spent: 0'],
    ['G1', 'a restore renews the time budget', "budgetFrom: typeof budgetFrom === 'number' ? budgetFrom : message['createdAt']", 'budgetFrom: Number.MAX_SAFE_INTEGER'],
    ['G1', 'records of newer code are read as ours', "if (!(version <= RECORD_VERSION)) refused", 'if (!(version <= Infinity)) refused'],
    ['G7', "another user's message in my record is read", " || message['userId'] !== userId", ''],
  ]),
  ...inFile('src/persistence/writer.ts', [
    ['G3', 'writes are not serialised', 'const mine = turn.then(() => timed(task))', 'const mine = timed(task)'],
    ['G1', 'stored is told before it is true', 'const notOurs = await target.write(', 'const notOurs: readonly string[] = []\n    void target.write('],
    ['G1', 'what is too large holds the rest again when it is tried again', 'if (edits.isAllTooLarge()) setAside()', 'if (edits.isAllTooLarge() && !edits) setAside()'],
    ['G2', 'what a look before a purge sees waits no more', 'const before = edits.snapshot().filter(matches)', 'const before = edits.snapshot().filter(matches)\n      edits.forget(before)'],
    ['G2', 'what another tab owns is not told', 'if (notOurs.length > 0) lost(notOurs)', ''],
  ]),
  ...inFile('src/persistence/edits.ts', [
    ['G1', 'a refused write is forgotten', '      putBack(failed)\n', ''],
    ['G2', 'an unconfirmed write is never removed', '[key, { ...edit, fresh: false }]', '[key, edit]'],
    ['G1', 'what was too large once is given up', 'for (const [key, edit] of aside) pending.set(key, edit)', ''],
    ['G1', 'what was changed while it was written counts as unwritten', "if (newer?.fresh) pending.set(key, { ...newer, fresh: false })", ''],
    ['G1', 'a purge forgets what came after it', 'if (held?.record !== edit.record) return false\n', ''],
  ]),
  ...inFile('src/persistence/slot-index.ts', [
    ['G1', 'one key that cannot be read hides all', 'refused.length === keys.length', 'refused.length > 0'],
    ['G1', 'all tabs write the same part of the index', 'parts[(await own)?.at ?? 0]', 'parts[(await own) ? 0 : 0]'],
  ]),
  ...inFile('src/persistence/transfers.ts', [
    ['G1', 'what was written since stays with whoever took it over before', 'transfer?.from.includes(tab) ?', 'transfer ?'],
  ]),
  ...inFile('src/persistence/indexed-db.ts', [
    ['G2', 'an update writes over what another tab has taken over', '(isRecord(held) ? held : record).tab !== record.tab', '(record).tab !== record.tab'],
    ['G1', 'a take-over forgets those before it', 'needed([...transfers, transferOf', 'needed([transferOf'],
    ['G1', 'a torn log of the browser is written on', 'if (!isLogRenewed) renewLog(factory, name).catch(() => undefined)', ''],
    ['G8', 'the log is renewed with each connection', 'isLogRenewed = true', ''],
  ]),
  ...inFile('src/persistence/key-value.ts', [
    ['G3', 'a take-over begins before anything says so', '        await put([said], known)\n', ''],
    ['G3', 'of two take-overs that broke off the earlier counts', 'a.nth - b.nth', 'b.nth - a.nth'],
    ['G7', 'a segment that is in use is taken out of the index', 'segments.has(tab) || !(await isEmpty(tab, slots))', 'segments.has(tab)'],
  ]),
  ...inFile('src/persistence/fitting.ts', [
    ['G3', 'what was refused before there was room waits', 'if (hasRoom) await', 'if (hasRoom && !hasRoom) await'],
    ['G1', 'a message too large for the device holds all others', '|| items.length === 1) throw reason', '|| items.length > 0) throw reason'],
    ['G8', 'a full device is asked for each message by itself', '++refusals >= MAX_REFUSALS && taken === 0', '++refusals < 0'],
    ['G1', 'the largest are tried first', 'a.size - b.size', 'b.size - a.size'],
  ]),
  ...inFile('src/persistence/adoption.ts', [
    ['G1', 'the rest of a long queue is left', 'ownership.name(), ids)', 'ownership.name(), ids.slice(0, 2))'],
    ['G1', 'what cannot be moved is not shown', 'const left = await standIn(visit, tab, ids)', 'throw reason'],
    ['G2', 'others may take what this tab stands in for', 'if (!(await ownership.standIn(visit.userId, tab))) {', 'if (!visit) {'],
    ['G2', 'a record that stayed is written under a new name', 'homes.set(id, tab)', 'homes.has(id)'],
  ]),
]
