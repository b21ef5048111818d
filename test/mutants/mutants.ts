/** One small deliberate bug: `find` occurs exactly once in `file`, and a test of `promise` has to notice `replace`. */
export interface Mutant {
  readonly name: string
  readonly promise: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

type Row = readonly [promise: string, name: string, find: string, replace: string]

const inFile = (file: string, rows: readonly Row[]): readonly Mutant[] =>
  rows.map(([promise, name, find, replace]) => ({ promise, name, file, find, replace }))

const policy: readonly Mutant[] = [
  ...inFile('src/policy/outbox.ts', [
    ['G3', 'a failed entry blocks its queue', 'else if (entry.failure) isBlocked = elsewhere(entry)', 'else if (entry.failure) isBlocked = true'],
    ['G3', 'what another tab is sending is overtaken', 'else if (entry.failure) isBlocked = elsewhere(entry)', 'else if (entry.failure) return true'],
    ['G3', 'a waiting entry does not hold what stands behind it', 'else if (!owned(entry) || waiting(entry)) isBlocked = true', 'else if (!owned(entry) || waiting(entry)) return true'],
    ['G12', 'whatever the state shows is sent', 'else if (!owned(entry) || waiting(entry)) isBlocked = true', 'else if (waiting(entry)) isBlocked = true'],
    ['G3', 'more in flight than the server orders', 'return found.slice(0, Math.max(0, room - inFlight))', 'return found'],
    ['G3', 'flights behind what never left are not counted', '((isBlocked || found.length >= room) && inFlight >= flying)', '(isBlocked || found.length >= room)'],
    ['G3', "what was refused for another's sake goes at once", 'else if (inFlight > 0 && entry.lastError?.code === OUT_OF_ORDER)', 'else if (inFlight < 0)'],
    ['G2', 'what is in flight is emitted again', 'if (entry.lease) inFlight++\n    else if (', 'if ('],
    ['G1', 'the time budget never ends', "if (now - entry.budgetFrom > budget.retryForMs) return 'expired'", ''],
  ]),
  ...inFile('src/policy/status.ts', [
    ['G4', 'the receipt that came last wins', 'const read = Math.max(a?.read ?? 0, b.read)', 'const read = b.read || (a?.read ?? 0)'],
    ['G4', 'my own reading makes my message read', 'if (receipt && key !== authorKey)', 'if (receipt)'],
  ]),
  ...inFile('src/policy/timeline.ts', [
    ['G2', 'a repeated message is appended again', 'index.has(message.id) || (last', '(last'],
    ['G2', 'what is appended is not in the index', 'index.set(message.id, message)\n    last = message', 'last = message'],
    ['G1', 'what is not appended after all stays in the index', 'for (const { id } of incoming.slice(0, count)) index.delete(id)', ''],
    ['G10', "another user's copy replaces a message", 'known.userId !== message.userId || ', ''],
    ['G5', 'two messages on one seq', 'if (there && message.seq !== undefined && there.seq === message.seq) return window', ''],
    ['G6', 'the cursor jumps over holes', 'messages[i]?.seq === end + 1) {\n      end++', 'messages[i]?.seq !== undefined) {\n      end = messages[i]?.seq ?? end'],
    ['G8', 'the window grows', 'if (surplus <= 0) return window', 'return window'],
    ['G8', 'the index keeps what left the window', '    index.delete(id)\n    return --left > 0', '    return --left > 0'],
    ['G8', 'more leaves the index than the window', 'return --left > 0', 'return true'],
    ['G5', 'an improved copy stands beside the old one', 'next = removed(next, placeIn(next, known))', ''],
    ['G5', 'a late copy without seq takes the place away', '(held.seq === incoming.seq && !isSameJson(held, incoming))', '!isSameJson(held, incoming)'],
    ['G5', "the server's own copy is not taken", ' || (held.seq === incoming.seq && !isSameJson(held, incoming))', ''],
  ]),
  ...inFile('src/policy/companions.ts', [
    ['G5', 'an older version finds what was handed on', 'others.delete(before)', ''],
    ['G5', 'what is handed on stays with its last version', 'if (before === newest) newest = after', 'if (before === newest) newest = before'],
  ]),
  ...inFile('src/policy/defaults.ts', [['G8', 'an option that is undefined has no default', '.filter(([, value]) => value !== undefined)', '']]),
  ...inFile('src/policy/backoff.ts', [
    ['G8', 'retries without a pause', 'return Math.round(random * ceiling)', 'return random * 0'],
    ['G8', 'retries without jitter', 'return Math.round(random * ceiling)', 'return ceiling'],
  ]),
  ...inFile('src/policy/errors.ts', [
    ['G1', 'an expired token fails the message', "if (REAUTHENTICATE.has(error.code)) return 'reauthenticate'", ''],
  ]),
  ...inFile('src/policy/json.ts', [
    ['G1', 'bytes are counted as characters', 'bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4', 'bytes += 1'],
    ['G10', 'any number is a seq', 'Number.isSafeInteger(whole) && whole >= least', 'whole >= least'],
    ['G1', 'NaN counts as JSON', "if (typeof value === 'number') return Number.isFinite(value)", "if (typeof value === 'number') return true"],
  ]),
]

const state: readonly Mutant[] = [
  ...inFile('src/state/outbox.ts', [
    ['G1', 'no requeue on disconnect', "changeQueues(state, afterLoss)", "state"],
    ['G3', 'the lease attempt is ignored by the reducer', 'if (entryIn(queue, target.id)?.lease?.attempt !== target.attempt) return state', 'if (!entryIn(queue, target.id)) return state'],
    ['G3', 'no go-back-N', 'if (isBehind) return rested(entry)', 'if (isBehind) return entry'],
    ['G7', "another user's echo settles ours", 'if (message.userId === state.userId) next', 'next'],
    ['G7', 'a change of user keeps the queue', 'if (state.userId !== null) return { ...initialOutbox, userId, lastOrder: state.lastOrder }', 'if (state.userId !== null) return { ...state, userId }'],
    ['G7', 'sign-out keeps the queue', '.on(commands.signOut, ({ lastOrder }) => ({ ...initialOutbox, userId: SIGNED_OUT, lastOrder }))', '.on(commands.signOut, (state) => state)'],
    ['G3', 'restored messages stand behind new ones', '[...missing, ...(earlier ? movedBehind(queue, missing) : queue)].sort((a, b) => a.order - b.order)', '[...queue, ...missing]'],
    ['G3', 'what is taken over in parts stands the wrong way round', 'earlier ? movedBehind(queue, missing) : queue', 'movedBehind(queue, missing)'],
    ['G1', 'a restored queue replaces what was sent meanwhile', 'unite(queueIn(next, channelId), restored, earlier)', 'sequenceOf(restored)'],
    ['G1', 'oversize check off', 'const small = hasOnly(5, message) && (id.length + channelId.length + userId.length + content.length) * 6 + 1_000 < limit', 'const small = limit > 0'],
    ['G7', 'poison is never isolated', 'losses: entry.losses + 1', 'losses: entry.losses'],
    ['G3', 'another life of a queue begins its order anew', 'userId, lastOrder: state.lastOrder', 'userId'],
    ['G2', 'what one look brings twice is shown twice', '[...new Map(restored.map((entry) => [entry.message.id, entry])).values()]', 'restored'],
    ['G7', 'a cut connection suspects everything in flight', 'entry === head ? blamed(entry) : rested(entry)', 'entry.lease ? blamed(entry) : entry'],
    ['G1', 'a retry renews no budget', '{ ...entry, failure: null, nextAttemptAt: null, spent: 0, losses: 0, budgetFrom: at }', '{ ...entry, failure: null, nextAttemptAt: null }'],
    ['G1', 'disconnect leaves leases', '.on(commands.disconnect, (state) => changeEvery(state, rested))', '.on(commands.disconnect, (state) => state)'],
  ]),
  ...inFile('src/state/channel.ts', [
    ['G4', 'moments count as seqs', 'withoutMoments(channel) : channel)', 'channel : channel)'],
    ['G6', 'a page covers nothing but its messages', 'const covered = highestSeq(page.messages, null) ?? (page.more ?', 'const covered = (page.messages.length >= 0 ?'],
    ['G6', 'a page reaches up to what came after it was read', 'const covered = highestSeq(page.messages, null) ??', 'const covered = (page.more ? highestSeq(page.messages, null) : null) ??'],
    ['G6', 'the cursor is the newest held', 'cursor: cursorAfter(channel, messages),', 'cursor: highestSeq(messages.flat(), channel.cursor),'],
    ['G6', 'live messages join a detached window', 'channel.detached ? channel.messages : mergeMessages(', 'mergeMessages('],
    ['G6', 'a page for a window that moved is taken', 'if (before !== historyEdge(channel)) return rested', ''],
    ['G6', 'a page after a lost cursor is taken', 'if (after > 0 && after > (channel.cursor ?? 0)) return { ...known, stale: true }', ''],
    ['G1', 'a log that began anew is not read', 'if (page.latest !== null && page.latest < after && page.messages.length === 0 && !page.more) return doubted(channel, page.latest)', ''],
    ['G6', 'a copy that is behind counts as a new log', 'channel.doubt === null ?', 'latest < 0 ?'],
    ['G1', 'a page of a new log joins the old one', 'if (page.messages.some((message) => contradicts(channel.messages, message))) return begunAnew(channel)', ''],
    ['G1', 'an ack under the number of another message is lost', 'receive(begunAnew(channel), incoming', 'receive(channel, incoming'],
    ['G1', 'what cannot be read again is given up for an ack', 'return catchesUp ?', 'return true ?'],
    ['G8', 'a long absence is paged through whole', '(!channel.detached && latest - after > windowSize)', '(!channel.detached && latest < after)'],
  ]),
  ...inFile('src/state/marks.ts', [
    ['G5', 'receipts that come early are lost', 'waiting.push(event)', ''],
    ['G8', 'early receipts are kept without bound', '.slice(-MAX_EARLY_RECEIPTS)', ''],
    ['G4', 'a moment counts as a place among seqs', 'message.seq === undefined && latest !== null', 'message.seq === undefined && latest !== latest'],
  ]),
  ...inFile('src/state/messages.ts', [
    ['G7', 'a change of user keeps the messages', '(context.userId === userId ? state : reopened(state))', '(context.userId === userId ? state : state)'],
    ['G6', 'what is on the screen is not opened for the next user', '(isOpen ? [[key', '(!isOpen ? [[key'],
    ['G6', 'a new connection makes nothing stale', 'stale: channel.stale || !channel.detached,', 'stale: channel.stale,'],
    ['G8', 'closed channels are never shrunk', 'if (shrinkable.size <= maxChannels) return state', 'return state'],
    ['G8', 'what shrinks is the newest', 'sort(([, a], [, b]) => a - b)', 'sort(([, a], [, b]) => b - a)'],
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
  ...inFile('src/state/chat-state.ts', [
    ['G7', "another member's receipt confirms my read mark", ' || receipt.userId !== outbox.userId', ''],
  ]),
]

const effects: readonly Mutant[] = [
  ...inFile('src/effects/delivery.ts', [
    ['G3', 'sending does not wait for the stored queue', '=== 0 || held || renewal.isExpired()', '=== 0 || renewal.isExpired()'],
    ['G2', 'a timer that slept counts as a timeout', 'if (clock.monotonic() - wake > LATE_TIMER_MS) flights.prolong(LATE_TIMER_MS)', ''],
    ['G8', 'no bound on what is in flight in all', 'flights.isAtLimit() || link.generation()', 'link.generation()'],
    ['G7', 'others fly with a suspect', ' || isSuspectInFlight()) return', ') return'],
    ['G1', 'what an echo has settled counts as in flight', 'flights.isFull(outcomes.isUnderWay)', 'flights.isAtLimit()'],
    ['G1', 'a pause that ends during the look is not waited for', 'setTimer(now)\n    },', 'setTimer(clock.monotonic())\n    },'],
    ['G1', 'a pause that ends is not looked at', '      looked = null\n      if (clock', '      if (clock'],
    ['G1', 'what comes due while nothing may be sent is forgotten', 'timerAt = Infinity\n    looked = null\n  }', 'timerAt = Infinity\n  }'],
    ['G2', 'what another tab took over stays in the queue', 'if (!entry || entry.failure) continue', 'if (!entry || !entry.failure) continue'],
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
    ['G3', 'a late failure of an old attempt counts', 'current(target)?.lease?.attempt === target.attempt', 'current(target) !== undefined'],
    ['G1', 'an expired token spends attempts', 'nextAttemptAt: null, spent: false', 'nextAttemptAt: null, spent: true'],
    ['G2', 'the code "duplicate" is a failure', "if (error.code === 'duplicate') {", "if (error.code === '') {"],
    ['G2', "the server's memory of ids is not respected", 'Math.min(delivery.retryForMs, dedupWindowMs ?? Infinity)', 'Math.min(delivery.retryForMs, dedupWindowMs === null ? Infinity : Infinity)'],
    ['G3', 'retryAfterMs is ignored', 'delivery.backoff), retryAfterMs)', 'delivery.backoff), 0)'],
  ]),
  ...inFile('src/effects/session.ts', [
    ['G9', 'no generation guard on a connection', 'if (mine === generation) task(...args)', 'task(...args)'],
    ['G8', 'a refused token is refreshed for ever', 'else if (refreshed) refuse(', 'else if (refreshed && code === null) refuse('],
    ['G9', 'lifecycle listeners stay', '      hiddenAt = Infinity\n      stopLifecycle()', '      hiddenAt = Infinity'],
    ['G9', 'sockets stay open', 'connection?.close()', ''],
    ['G8', 'a server that turns everybody away is connected to for ever', "if (phase === 'open' && !isTurnedAway(reason)) attempt = 0", "if (phase === 'open') attempt = 0"],
    ['G8', 'attempts go on while offline', 'if (!lifecycle.isOnline()) {', 'if (!lifecycle.isOnline() && attempt < 0) {'],
    ['G8', 'a pause before the next attempt has no end', 'Math.min(retryAfterMs, MAX_PAUSE_MS)', 'retryAfterMs'],
    ['G9', 'a reconnection timer stays', "    generation++\n    stopTimer()\n", '    generation++\n'],
  ]),
  ...inFile('src/effects/renewal.ts', [
    ['G8', 'each refusal asks for a token of its own', 'if (renewing) return\n', ''],
    ['G8', 'fresh tokens that do not help are asked for without end', 'if (++fruitless > MAX_FRUITLESS)', 'if (++fruitless > Infinity)'],
    ['G9', 'the renewal timer stays', 'generation++\n      stopTimer()', 'generation++'],
  ]),
  ...inFile('src/effects/receipts.ts', [
    ['G6', 'delivery is confirmed beyond a gap', 'Math.min(channel.foreign, channel.cursor)', 'channel.foreign'],
    ['G1', 'marks of the last connection are not repeated', 'refused.clear()\n    sent.clear()\n    askedAt', 'refused.clear()\n    askedAt'],
    ['G8', 'a refused receipt is told again at once', 'refused.add(kind + keyOf(channelId))', 'sent.delete(kind + keyOf(channelId))'],
    ['G5', 'a refused delivery is not told again', "if (userId === null || !response.ok) return", "if (kind === 'delivered' || userId === null || !response.ok) return"],
    ['G8', 'each read mark waits for an answer', ' < ANSWER_MS', ' < Infinity'],
    ['G9', 'the receipt timer stays', 'stop(): void {\n      stopTimer?.()', 'stop(): void {'],
  ]),
  ...inFile('src/effects/sync.ts', [
    ['G4', 'a place that the server did not tell is not asked for', 'lastOf(channel.messages)?.seq === undefined', 'lastOf(channel.messages)?.seq === -1'],
    ['G6', 'a page of the last connection counts', 'if (link.generation() !== generation) return', ''],
    ['G8', 'a hole that stays is asked for in a loop', 'else pause(channelKey, direction)', 'else waits.delete(key)'],
    ['G8', 'any number of requests at once', 'running >= MAX_REQUESTS', 'running < 0'],
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
    ['G2', 'what another tab may be sending is retried at once', '&& wanted.has(message.id))) recovery.lookAgain()', '&& wanted.has(message.id))) delivery.own(ids)'],
  ]),
  ...inFile('src/effects/turns.ts', [
    ['G7', 'what is sent while the user changes leaves at once', 'if (isSwitching) return reduce(next, turn)', 'if (held.length < 0) return reduce(next, turn)'],
    ['G1', 'what was composed before a change of user is not kept', 'if (isSwitch(turn.action)) engine.keep()', ''],
    ['G1', 'what a subscriber that throws has seen is not obeyed', 'turn.isReduced ||= read() !== turn.before', ''],
    ['G7', 'what was dispatched first is obeyed last', 'let turn = held.shift(); turn; turn = held.shift()', 'let turn = held.pop(); turn; turn = held.pop()'],
  ]),
  ...inFile('src/effects/link.ts', [
    ['G9', 'requests outlive their connection', "for (const settle of [...pending]) settle({ ok: false, code: 'disconnected' })", ''],
  ]),
  ...inFile('src/effects/inbox.ts', [
    ['G7', "what arrived for one user is applied for the next", 'stopTimer = null\n      messages = []', 'stopTimer = null'],
  ]),
  ...inFile('src/effects/token.ts', [
    ['G9', 'a late token is used', 'return end', 'return stopTimer'],
    ['G7', 'a token of another subject is taken', '(subject ??= sub) !== sub', '(subject ??= sub) === null'],
  ]),
  ...inFile('src/effects/recovery.ts', [
    ['G3', 'a clock that was set back moves new messages before old ones', 'look(userId, false, !met.has(userId))', 'look(userId, false, false)'],
    ['G1', 'the record of a message that was settled meanwhile stays', 'if (looks === mine) forgetSettled(userId, entries)', ''],
    ['G1', 'what a sign-out took out of the state counts as settled', 'if (looks === mine) forgetSettled(userId, entries)', 'forgetSettled(userId, entries)'],
    ['G2', 'a thawed tab does not look again', 'if (user !== null) look(user, true)', ''],
    ['G2', 'a thawed tab sends what it has before it has looked', 'look(user, true)', 'look(user, false)'],
    ['G2', 'what others took over is sent after the thaw', 'delivery.abandon(restored.lost)', ''],
    ['G3', 'a thawed tab sends while it looks', 'delivery.hold(true)', 'delivery.hold(looks > 1 ? false : true)'],
  ]),
]

const persistence: readonly Mutant[] = [
  ...inFile('src/persistence/indexed-db.ts', [
    ['G1', 'a torn log of the browser is written on', 'if (!isLogRenewed) renewLog(factory, name).catch(() => undefined)', ''],
    ['G8', 'the log is renewed with each connection', 'isLogRenewed = true', ''],
  ]),
  ...inFile('src/persistence/persist.ts', [
    ['G7', "the difference removes another user's records", 'const before = outbox.userId === seen.userId ? seen : nothing', 'const before = seen'],
    ['G1', 'the end of a living tab goes unnoticed', 'for (const tab of living) adoption.awaitEnd(visit, tab)', ''],
    ['G1', 'a tab that comes later is not heard of', 'if (!isOver(visit)) ownership.meet(userId, (tab) => adoption.awaitEnd(visit, tab))', ''],
    ['G2', 'looks run side by side', '(looking.get(visit.userId) ?? Promise.resolve()).then(() => readNow(visit))', 'readNow(visit)'],
    ['G2', 'a thawed tab looks amid an adoption', 'ownership.alone(ownership.name(), look)', 'look()'],
    ['G7', 'what an earlier sign-in of the same user took over comes back', 'visit !== present', 'visit.userId !== present?.userId'],
    ['G1', 'what waits to be written counts as stored', '(owners.has(entry.message.id) ? entry : { ...entry, stored: false })', 'entry'],
    ['G3', 'the lock of a user who left goes before the device has all', 'written.then(allWritten)', 'written'],
    ['G1', 'a discard forgets what is sent after it', 'await discard(userId).finally(() => keepShown(userId))', 'await discard(userId)'],
  ]),
  ...inFile('src/persistence/adoption.ts', [
    ['G1', 'only the first slice is adopted', 'at < ids.length; at +=', 'at < Math.min(1, ids.length); at +='],
    ['G1', 'what cannot be moved is not shown', 'const left = await livesOn(visit, tab) ? [] : await standIn(visit, tab, ids)', 'throw reason'],
    ['G2', 'others may take what this tab stands in for', 'await ownership.standIn(visit.userId, tab)', ''],
    ['G2', 'a record that stayed is written under a new name', 'homes.set(record.id, tab)', 'homes.has(record.id)'],
  ]),
  ...inFile('src/persistence/ownership.ts', [
    ['G2', 'living tabs are adopted', 'locks && names.length > 0 ?', 'locks && names.length < 0 ?'],
    ['G9', 'the tab lock stays', '        leaving--\n        release()', '        leaving--'],
    ['G3', 'the tab lock goes before the last write', '      leaving++\n      void written.then', '      leaving++\n      release()\n      void written.then'],
    ['G2', 'who comes back shares what another tab stands in for', 'name = `${tabId}.${++names}`', '++names'],
    ['G9', 'who has left meanwhile claims a lock', 'if (!isWanted()) return false', ''],
    ['G2', "a lock that another tab waits for counts as this tab's own", '(await heldOf([witnessOf(userId)])).size > 0', '(await living(userId, [name])).length > 0'],
    ['G2', 'adoption without a claim', 'alone(locks, `${scope}:adopt:${tab}`, task)', 'task()'],
    ['G9', 'queued locks stay', 'for (const stop of awaited.values()) stop()', ''],
  ]),
  ...inFile('src/persistence/records.ts', [
    ['G1', 'a restore renews the attempts', "spent: count(data['spent'])", 'spent: 0'],
    ['G1', 'a restore renews the time budget', "budgetFrom: typeof budgetFrom === 'number' ? budgetFrom : message['createdAt']", 'budgetFrom: Number.MAX_SAFE_INTEGER'],
    ['G1', 'records of newer code are read as ours', "if (!(version <= RECORD_VERSION)) refused", 'if (!(version <= Infinity)) refused'],
    ['G7', "another user's message in my record is read", " || message['userId'] !== userId", ''],
  ]),
  ...inFile('src/persistence/writer.ts', [
    ['G3', 'writes are not serialised', 'const mine = turn.then(() => timed(task))', 'const mine = timed(task)'],
    ['G2', 'what another tab owns is not told', 'if (notOurs.length > 0) lost(notOurs)', ''],
    ['G1', 'stored is told before it is true', 'const notOurs = await target.write(', 'const notOurs: readonly string[] = []\n    void target.write('],
    ['G1', 'what is too large holds the rest again when it is tried again', 'if (edits.isAllTooLarge()) setAside()', 'if (edits.isAllTooLarge() && !edits) setAside()'],
    ['G1', 'a write overtakes a purge', 'if (mine === batch) await writeBatch()', 'await writeBatch()'],
    ['G2', 'what a look before a purge sees waits no more', 'const before = edits.snapshot().filter(matches)', 'const before = edits.snapshot().filter(matches)\n      edits.forget(before)'],
  ]),
  ...inFile('src/persistence/edits.ts', [
    ['G1', 'a refused write is forgotten', '      putBack(failed)\n', ''],
    ['G2', 'an unconfirmed write is never removed', '[key, { ...edit, fresh: false }]', '[key, edit]'],
    ['G1', 'what was too large once is given up', 'for (const [key, edit] of aside) pending.set(key, edit)', ''],
    ['G1', 'what was changed while it was written counts as unwritten', "if (newer?.fresh) pending.set(key, { ...newer, fresh: false })", ''],
    ['G1', 'a purge forgets what came after it', 'if (held?.record !== edit.record) return false\n', ''],
  ]),
  ...inFile('src/persistence/key-value.ts', [
    ['G1', 'the index is written without its lock', '=> aloneWith(locks, `${prefix}index`, task)', '=> task()'],
    ['G1', 'a segment that was just filled is taken out of the index', ' && await isEmpty(tab, slots)) now', ') now'],
    ['G1', 'one key that cannot be read hides all', 'refused.length === keys.length', 'refused.length > 0'],
  ]),
  ...inFile('src/persistence/fitting.ts', [
    ['G1', 'a message too large for the device holds all others', '|| items.length === 1) throw reason', '|| items.length > 0) throw reason'],
    ['G8', 'a full device is asked for each message by itself', '++refusals >= MAX_REFUSALS && taken === 0', '++refusals < 0'],
    ['G3', 'what was refused before there was room waits', 'if (hasRoom) await', 'if (hasRoom && !hasRoom) await'],
    ['G1', 'the largest are tried first', 'a.size - b.size', 'b.size - a.size'],
  ]),
]

const wire: readonly Mutant[] = [
  ...inFile('src/transport/parse.ts', [
    ['G10', 'prototype names are taken as extra fields', ", '__proto__', 'constructor', 'prototype'", ''],
    ['G10', 'the library\'s own fields come in as extra fields', '[...OWN_FIELDS, ', "[...OWN_FIELDS.filter((name) => name !== 'stored'), "],
    ['G7', "a page brings another channel's messages", 'parsed.ok && parsed.value.channelId !== channelId ?', 'parsed.ok && parsed.value.channelId === null ?'],
  ]),
  ...inFile('src/transport/wire.ts', [
    ['G10', 'the acknowledgement of another message is taken', 'if (!isAbsent(ackId) && ackId !== id) return bad(', 'if (ackId === null) return bad('],
    ['G10', 'a mapping that throws reaches the store', "      } catch {\n        return bad('protocol.incoming could not map it')", "      } catch (reason) {\n        throw reason"],
  ]),
]

export const mutants: readonly Mutant[] = [...policy, ...state, ...effects, ...persistence, ...wire]
