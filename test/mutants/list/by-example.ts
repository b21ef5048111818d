import { inFile, type Mutant } from '../mutant'

/** Those that an example notices, and no generated input of the usual number of runs: whatever is moved from here to its own list is a hole less. */
export const byExample: readonly Mutant[] = [
  ...inFile('src/policy/status.ts', [
    ['G4', 'my own reading makes my message read', 'if (receipt && key !== authorKey)', 'if (receipt)'],
  ]),
  ...inFile('src/policy/defaults.ts', [
    ['G8', 'an option that is undefined has no default', '.filter(([, value]) => value !== undefined)', ''],
  ]),
  ...inFile('src/policy/errors.ts', [
    ['G1', 'an expired token fails the message', "if (REAUTHENTICATE.has(error.code)) return 'reauthenticate'", ''],
  ]),
  ...inFile('src/state/outbox.ts', [
    ['G7', "another user's echo settles ours", 'if (message.userId === state.userId && shows(message)) next', 'if (shows(message)) next'],
    ['G3', 'what is taken over in parts stands the wrong way round', 'earlier ? movedBehind(queue, missing) : queue', 'movedBehind(queue, missing)'],
    ['G1', 'oversize check off', 'const small = hasOnly(5, message) && (id.length + channelId.length + userId.length + content.length) * 6 + 1_000 < limit', 'const small = limit > 0'],
    ['G2', 'what one look brings twice is shown twice', '[...new Map(restored.map((entry) => [entry.message.id, entry])).values()]', 'restored'],
  ]),
  ...inFile('src/state/channel.ts', [
    ['G4', 'moments count as seqs', 'withoutMoments(channel) : channel)', 'channel : channel)'],
    ['G6', 'a page covers nothing but its messages', 'const covered = highestSeq(page.messages, null) ?? (page.more ?', 'const covered = (page.messages.length >= 0 ?'],
    ['G6', 'a page reaches up to what came after it was read', 'const covered = highestSeq(page.messages, null) ??', 'const covered = (page.more ? highestSeq(page.messages, null) : null) ??'],
    ['G6', 'live messages join a detached window', 'channel.detached ? channel.messages : mergeMessages(', 'mergeMessages('],
    ['G6', 'a page after a lost cursor is taken', 'if (after > 0 && after > (channel.cursor ?? 0)) return { ...known, stale: true }', ''],
    ['G1', 'a log that began anew is not read', 'if (page.latest !== null && page.latest < after && page.messages.length === 0 && !page.more) return doubted(channel, page.latest)', ''],
    ['G6', 'a copy that is behind counts as a new log', 'channel.doubt === null ?', 'latest < 0 ?'],
    ['G1', 'a page of a new log joins the old one', 'if (page.messages.some((message) => contradicts(channel.messages, message))) return begunAnew(channel)', ''],
    ['G1', 'an ack under the number of another message is lost', 'receive(begunAnew(channel), incoming', 'receive(channel, incoming'],
    ['G1', 'what cannot be read again is given up for an ack', 'return catchesUp ?', 'return true ?'],
    ['G8', 'a long absence is paged through whole', '(!channel.detached && latest - after > windowSize)', '(!channel.detached && latest < after)'],
  ]),
  ...inFile('src/state/marks.ts', [
    ['G8', 'early receipts are kept without bound', '.slice(-MAX_EARLY_RECEIPTS)', ''],
    ['G4', 'a moment counts as a place among seqs', 'message.seq === undefined && latest !== null', 'message.seq === undefined && latest !== latest'],
  ]),
  ...inFile('src/state/messages.ts', [
    ['G7', 'a change of user keeps the messages', '(context.userId === userId ? state : reopened(state))', '(context.userId === userId ? state : state)'],
    ['G6', 'what is on the screen is not opened for the next user', '(isOpen ? [[key', '(!isOpen ? [[key'],
    ['G8', 'closed channels are never shrunk', 'if (shrinkable.size <= maxChannels) return state', 'return state'],
    ['G8', 'what shrinks is the newest', 'sort(([, a], [, b]) => a - b)', 'sort(([, a], [, b]) => b - a)'],
  ]),
  ...inFile('src/state/chat-state.ts', [
    ['G7', "another member's receipt confirms my read mark", ' || receipt.userId !== outbox.userId', ''],
  ]),
  ...inFile('src/effects/delivery.ts', [
    ['G2', 'a timer that slept counts as a timeout', 'if (clock.monotonic() - wake > LATE_TIMER_MS) flights.prolong(LATE_TIMER_MS)', ''],
    ['G8', 'no bound on what is in flight in all', 'flights.isAtLimit() || link.generation()', 'link.generation()'],
    ['G7', 'others fly with a suspect', ' || isSuspectInFlight()) return', ') return'],
    ['G1', 'what an echo has settled counts as in flight', 'flights.isFull(outcomes.isUnderWay)', 'flights.isAtLimit()'],
    ['G1', 'a pause that ends during the look is not waited for', 'setTimer(now)\n    },', 'setTimer(clock.monotonic())\n    },'],
    ['G1', 'a size limit that the server announces late is not looked at', 'if (impossible) outcomes.fail(', 'if (impossible && !impossible) outcomes.fail('],
  ]),
  ...inFile('src/effects/middleware.ts', [
    ['G7', 'a subscriber that throws ends the connection', 'shielded((action: UnknownAction) => void api.dispatch(action))', '((action: UnknownAction) => void api.dispatch(action))'],
  ]),
  ...inFile('src/effects/waits.ts', [
    ['G1', 'a restored moment is trusted however far it lies', 'Math.min(Math.max(0, nextAttemptAt - clock.now()), longestMs)', 'Math.max(0, nextAttemptAt - clock.now())'],
  ]),
  ...inFile('src/effects/outcomes.ts', [
    ['G4', 'a mark of my own stands for an acknowledgement', ' && userId !== runtime.getState().connection.userId', ''],
    ['G4', 'what somebody has fails for want of an answer', 'if ((code || entry.spent > 1) && isReceived(target))', 'if (entry.spent < 0)'],
    ['G1', 'an expired token spends attempts', 'nextAttemptAt: null, spent: false', 'nextAttemptAt: null, spent: true'],
    ['G2', 'the code "duplicate" is a failure', "if (error.code === 'duplicate') {", "if (error.code === '') {"],
    ['G2', "the server's memory of ids is not respected", 'Math.min(delivery.retryForMs, dedupWindowMs ?? entry.dedupWindowMs ?? Infinity)', 'delivery.retryForMs'],
    ['G2', 'a reloaded page does not know how soon its server forgets', 'dedupWindowMs ?? entry.dedupWindowMs ?? Infinity', 'dedupWindowMs ?? Infinity'],
    ['G3', 'retryAfterMs is ignored', 'delivery.backoff), retryAfterMs)', 'delivery.backoff), 0)'],
  ]),
  ...inFile('src/effects/session.ts', [
    ['G9', 'no generation guard on a connection', 'if (mine === generation) task(...args)', 'task(...args)'],
  ]),
  ...inFile('src/effects/renewal.ts', [
    ['G8', 'each refusal asks for a token of its own', 'if (renewing) return\n', ''],
  ]),
  ...inFile('src/effects/receipts.ts', [
    ['G6', 'delivery is confirmed beyond a gap', 'Math.min(channel.foreign, channel.cursor)', 'channel.foreign'],
    ['G8', 'a refused receipt is told again at once', 'refused.add(kind + keyOf(channelId))', 'sent.delete(kind + keyOf(channelId))'],
    ['G5', 'a refused delivery is not told again', "if (userId === null || !response.ok) return", "if (kind === 'delivered' || userId === null || !response.ok) return"],
    ['G8', 'each read mark waits for an answer', ' < ANSWER_MS', ' < Infinity'],
  ]),
  ...inFile('src/effects/sync.ts', [
    ['G4', 'a place that the server did not tell is not asked for', 'lastOf(channel.messages)?.seq === undefined', 'lastOf(channel.messages)?.seq === -1'],
    ['G6', 'a page of the last connection counts', 'if (link.generation() !== generation) return', ''],
    ['G6', 'what a closed channel lacks is not asked for', '|| lacksOlder(channel))) agenda.add', '|| lacksOlder(channel)) && channel.open) agenda.add'],
    ['G6', 'a channel that was forbidden is never asked for again', 'if (waits.get(key)?.readyAt === Infinity) waits.delete(key)', ''],
    ['G8', 'an empty page that promises more is asked for in a loop', 'if (page.more && !isFurther) {', 'if (page.more && page.messages.length < 0) {'],
  ]),
  ...inFile('src/effects/agenda.ts', [
    ['G6', 'a timer that rings too early is not set again', 'timerAt = Infinity\n      ring()', 'ring()'],
    ['G8', 'what waits is looked at each time', 'if (wakeAt <= now) wake(now)', 'wake(Infinity)'],
    ['G6', 'what has waited is never asked for', 'lane.add(key)\n      }', '}'],
  ]),
  ...inFile('src/effects/engine.ts', [
    ['G4', 'a mark of my own heals', ' && receipt.userId !== user', ''],
    ['G5', 'a receipt settles what waits for its acknowledgement', 'if (entry?.failure && ', 'if (entry && '],
    ['G7', "an app's action with the name of the chat is not emitted", 'if (!isOf(reports.errorReported, action)) applyEmit', "if (!action.type.startsWith('chat/')) applyEmit"],
  ]),
  ...inFile('src/effects/turns.ts', [
    ['G7', 'what is sent while the user changes leaves at once', 'if (isSwitching) return reduce(next, turn)', 'if (held.length < 0) return reduce(next, turn)'],
    ['G1', 'what a subscriber that throws has seen is not obeyed', 'turn.isReduced ||= read() !== turn.before', ''],
  ]),
  ...inFile('src/effects/inbox.ts', [
    ['G7', "what arrived for one user is applied for the next", 'stopTimer = null\n      messages = []', 'stopTimer = null'],
  ]),
  ...inFile('src/effects/recovery.ts', [
    ['G3', 'a clock that was set back moves new messages before old ones', 'look(userId, false, !met.has(userId))', 'look(userId, false, false)'],
    ['G1', 'the record of a message that was settled meanwhile stays', 'if (looks === mine) forgetSettled(userId, entries)', ''],
    ['G1', 'what a sign-out took out of the state counts as settled', 'if (looks === mine) forgetSettled(userId, entries)', 'forgetSettled(userId, entries)'],
    ['G2', 'a thawed tab sends what it has before it has looked', 'look(user, true)', 'look(user, false)'],
  ]),
  ...inFile('src/persistence/indexed-db.ts', [
    ['G1', 'a torn log of the browser is written on', 'if (!isLogRenewed) renewLog(factory, name).catch(() => undefined)', ''],
    ['G8', 'the log is renewed with each connection', 'isLogRenewed = true', ''],
  ]),
  ...inFile('src/persistence/persist.ts', [
    ['G1', 'a discard forgets what is sent after it', 'await discard(userId).finally(() => keepShown(userId))', 'await discard(userId)'],
    ['G7', "the difference removes another user's records", 'const before = outbox.userId === seen.userId ? seen : EMPTY_OUTBOX', 'const before = seen'],
    ['G1', 'the end of a living tab goes unnoticed', 'for (const tab of living) adoption.awaitEnd(visit, tab)', ''],
    ['G1', 'a tab that comes later is not heard of', 'if (!isOver(visit)) ownership.meet(userId, (tab) => adoption.awaitEnd(visit, tab))', ''],
    ['G2', 'looks run side by side', '(looking.get(visit.userId) ?? Promise.resolve()).then(() => readNow(visit))', 'readNow(visit)'],
    ['G1', 'what waits to be written counts as stored', '(owners.has(entry.message.id) ? entry : { ...entry, stored: false })', 'entry'],
  ]),
  ...inFile('src/persistence/adoption.ts', [
    ['G1', 'whoever was first and left is not noticed', 'if (moved.length < ids.length) await follow(visit, ids)', ''],
    ['G1', 'what cannot be moved is not shown', 'const left = await livesOn(visit, tab) ? [] : await standIn(visit, tab, ids)', 'throw reason'],
    ['G2', 'others may take what this tab stands in for', 'await ownership.standIn(visit.userId, tab)', ''],
    ['G2', 'a record that stayed is written under a new name', 'homes.set(record.id, tab)', 'homes.has(record.id)'],
  ]),
  ...inFile('src/persistence/ownership.ts', [
    ['G2', 'who comes back shares what another tab stands in for', 'name = `${tabId}.${++names}`', '++names'],
    ['G9', 'who has left meanwhile claims a lock', 'if (!isWanted()) return false', ''],
    ['G2', "a lock that another tab waits for counts as this tab's own", '(await heldOf([witnessOf(userId)])).size > 0', '(await living(userId, [name])).length > 0'],
    ['G9', 'queued locks stay', 'for (const stop of awaited.values()) stop()', ''],
  ]),
  ...inFile('src/persistence/writer.ts', [
    ['G2', 'what another tab owns is not told', 'if (notOurs.length > 0) lost(notOurs)', ''],
    ['G1', 'what is too large holds the rest again when it is tried again', 'if (edits.isAllTooLarge()) setAside()', 'if (edits.isAllTooLarge() && !edits) setAside()'],
    ['G2', 'what a look before a purge sees waits no more', 'const before = edits.snapshot().filter(matches)', 'const before = edits.snapshot().filter(matches)\n      edits.forget(before)'],
  ]),
  ...inFile('src/persistence/edits.ts', [
    ['G2', 'an unconfirmed write is never removed', '[key, { ...edit, fresh: false }]', '[key, edit]'],
    ['G1', 'what was too large once is given up', 'for (const [key, edit] of aside) pending.set(key, edit)', ''],
    ['G1', 'what was changed while it was written counts as unwritten', "if (newer?.fresh) pending.set(key, { ...newer, fresh: false })", ''],
    ['G1', 'a purge forgets what came after it', 'if (held?.record !== edit.record) return false\n', ''],
  ]),
  ...inFile('src/persistence/key-value.ts', [
    ['G1', 'one key that cannot be read hides all', 'refused.length === keys.length', 'refused.length > 0'],
  ]),
  ...inFile('src/persistence/fitting.ts', [
    ['G1', 'a message too large for the device holds all others', '|| items.length === 1) throw reason', '|| items.length > 0) throw reason'],
    ['G8', 'a full device is asked for each message by itself', '++refusals >= MAX_REFUSALS && taken === 0', '++refusals < 0'],
    ['G1', 'the largest are tried first', 'a.size - b.size', 'b.size - a.size'],
  ]),
  ...inFile('src/transport/wire.ts', [
    ['G10', 'a mapping that throws reaches the store', "      } catch {\n        return bad('protocol.incoming could not map it')", "      } catch (reason) {\n        throw reason"],
  ]),
]
