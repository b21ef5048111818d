import { inFile, type Mutant } from '../mutant'

export const effects: readonly Mutant[] = [
  ...inFile('src/effects/delivery.ts', [
    ['G3', 'sending does not wait for the stored queue', '=== 0 || held || isWary() ||', '=== 0 || isWary() ||'],
    ['G7', 'channels that are not answered hold up the others', 'const isSilent = flights.isSilent(channelId)', 'const isSilent = false'],
    ['G1', 'a pause that ends is not looked at', '    looked = null\n    if (clock', '    if (clock'],
    ['G1', 'what comes due while nothing may be sent is forgotten', 'alarm.drop()\n    looked = null\n  }', 'alarm.drop()\n  }'],
    ['G2', 'what another tab took over stays in the queue', 'if (!entry || entry.failure) continue', 'if (!entry || !entry.failure) continue'],
    ['G2', 'a timer that slept counts as a timeout', 'if (clock.monotonic() - moment > LATE_TIMER_MS) flights.prolong(LATE_TIMER_MS)', ''],
    ['G8', 'no bound on what is in flight in all', 'flights.isAtLimit() || link.generation()', 'link.generation()'],
    ['G1', 'a size limit that the server announces late is not looked at', 'if (impossible) outcomes.fail(', 'if (impossible && !impossible) outcomes.fail('],
    ['G7', 'others fly with a suspect', ' || isTaken) return', ') return'],
    ['G1', 'what an echo has settled counts as in flight', 'flights.isFull(outcomes.isUnderWay)', 'flights.isAtLimit()'],
    ['G1', 'a pause that ends during the look is not waited for', 'waits.next(now), precedence', 'waits.next(clock.monotonic()), precedence'],
  ]),
  ...inFile('src/effects/outcomes.ts', [
    ['G3', 'a late failure of an old attempt counts', 'current(target)?.lease?.attempt === target.attempt', 'current(target) !== undefined'],
    ['G4', 'a mark of my own stands for an acknowledgement', ' && userId !== runtime.getState().connection.userId', ''],
    ['G4', 'what somebody has fails for want of an answer', 'if ((code || entry.spent > 1) && isReceived(target))', 'if (entry.spent < 0)'],
    ['G1', 'an expired token spends attempts', 'nextAttemptAt: null, spent: false', 'nextAttemptAt: null, spent: true'],
    ['G2', "the server's memory of ids is not respected", 'Math.min(delivery.retryForMs, dedupWindowMs ?? entry.dedupWindowMs ?? Infinity)', 'delivery.retryForMs'],
    ['G3', 'retryAfterMs is ignored', 'delivery.backoff), retryAfterMs)', 'delivery.backoff), 0)'],
    ['G2', 'the code "duplicate" is a failure', "if (error.code === 'duplicate') {", "if (error.code === '') {"],
    ['G2', 'a reloaded page does not know how soon its server forgets', 'dedupWindowMs ?? entry.dedupWindowMs ?? Infinity', 'dedupWindowMs ?? Infinity'],
  ]),
  ...inFile('src/effects/session.ts', [
    ['G8', 'a refused token is refreshed for ever', 'else if (refreshed) refuse(', 'else if (refreshed && code === null) refuse('],
    ['G9', 'lifecycle listeners stay', '      hiddenAt = Infinity\n      stopLifecycle()', '      hiddenAt = Infinity'],
    ['G9', 'sockets stay open', 'connection?.close()', ''],
    ['G8', 'a server that turns everybody away is connected to for ever', "if (phase === 'open' && !welcome.isTurnedAway(reason)) attempt = 0", "if (phase === 'open') attempt = 0"],
    ['G8', 'attempts go on while offline', 'if (!lifecycle.isOnline()) {', 'if (!lifecycle.isOnline() && attempt < 0) {'],
    ['G8', 'a pause before the next attempt has no end', 'Math.min(retryAfterMs, MAX_PAUSE_MS)', 'retryAfterMs'],
    ['G9', 'a reconnection timer stays', "    const mine = ++generation\n    stopTimer()\n", '    const mine = ++generation\n'],
    ['G9', 'no generation guard on a connection', 'if (mine === generation) task(...args)', 'task(...args)'],
  ]),
  ...inFile('src/effects/renewal.ts', [
    ['G8', 'fresh tokens that do not help are asked for without end', 'if (++fruitless > MAX_FRUITLESS)', 'if (++fruitless > Infinity)'],
    ['G9', 'the renewal timer stays', 'stopTimer()\n      stopAsking()', 'stopAsking()'],
    ['G8', 'each refusal asks for a token of its own', 'if (renewing) return\n', ''],
  ]),
  ...inFile('src/effects/receipts.ts', [
    ['G1', 'marks of the last connection are not repeated', 'unanswered.clear()\n    sent.clear()\n', 'unanswered.clear()\n'],
    ['G9', 'the receipt timer stays', 'suspects.clear()\n      stopTimer?.()', 'suspects.clear()'],
    ['G6', 'delivery is confirmed beyond a gap', 'Math.min(channel.foreign, channel.cursor)', 'channel.foreign'],
    ['G8', 'a refused receipt is told again at once', 'Math.max(RETRY_MS, error.retryAfterMs ?? 0)', '0'],
    ['G7', 'a receipt that breaks the connection is told as before', 'Math.max(suspects.until(key), later.get(key) ?? 0)', 'later.get(key) ?? 0'],
    ['G8', 'a pause that the server asked for holds only for what was told', 'Math.max(suspects.until(key), later.get(key) ?? 0)', 'suspects.until(key)'],
    ['G8', 'of two pauses the last one counts', 'Math.max(later.get(key) ?? 0, at)', 'at'],
    ['G11', 'a receipt that meets an expired token renews none', "if (reactionTo(error) === 'reauthenticate') unauthorized(startedAt)", ''],
    ['G8', 'each read mark waits for an answer', ' < ANSWER_MS', ' < Infinity'],
    ['G5', 'a refused delivery is not told again', "if (userId === null || unclear) return", "if (kind === 'delivered' || userId === null || unclear) return"],
  ]),
  ...inFile('src/effects/slots.ts', [
    ['G8', 'any number of requests at once', 'running >= MAX_REQUESTS', 'running < 0'],
  ]),
  ...inFile('src/effects/precedence.ts', [
    ['G7', 'a suspect that gets no answer has the connection for itself', 'standsBack(isUnanswered(), aloneAt + ALONE_MS)', 'isUnanswered()'],
  ]),
  ...inFile('src/effects/flights.ts', [
    ['G7', 'channels that are not answered take all the room', 'Math.max(0, Math.max(1, limit >> 1) -', 'Math.max(0, limit -'],
  ]),
  ...inFile('src/effects/sync.ts', [
    ['G7', 'channels whose pages do not come are asked for first again', "silent.has(channelId) ? 'last' : ", ''],
    ['G8', 'a hole that stays is asked for in a loop', 'else pauses.inVain(key)', 'else pauses.over(key)'],
    ['G6', 'a page of the last connection counts', 'if (link.generation() !== generation) return lost(key, channelId)', ''],
    ['G6', 'what a closed channel lacks is not asked for', '|| lacksOlder(channel, options.history))) agenda.add', '|| lacksOlder(channel, options.history)) && channel.open) agenda.add'],
    ['G6', 'a channel that was forbidden is never asked for again', 'pauses.wanted(key)', ''],
    ['G8', 'an empty page that promises more is asked for in a loop', 'const isVain = page.more && end === beyond', 'const isVain = page.more && page.messages.length < 0'],
    ['G7', 'a page that breaks the connection is asked for as before', 'Math.max(pauses.of(key).readyAt, suspects.until(key))', 'pauses.of(key).readyAt'],
    ['G6', 'a page that is too large for the way stays as large', 'if (losses >= SUSPECT_LOSSES) sizes', 'if (false) sizes'],
    ['G8', 'somebody who wants a page is given it before the server allows it', 'Math.max(pauses.of(key).wantedAt, suspects.until(key))', 'suspects.until(key)'],
  ]),
  ...inFile('src/effects/engine.ts', [
    ['G2', 'what another tab may be sending is retried at once', '&& wanted.has(message.id))) recovery.lookAgain()', '&& wanted.has(message.id))) delivery.own(ids)'],
    ['G5', 'a receipt settles what waits for its acknowledgement', 'if (entry?.failure && ', 'if (entry && '],
    ['G7', "an app's action with the name of the chat is not emitted", 'if (!isOf(reports.errorReported, action)) applyEmit', "if (!action.type.startsWith('chat/')) applyEmit"],
    ['G4', 'a mark of my own heals', ' && receipt.userId !== user', ''],
  ]),
  ...inFile('src/effects/turns.ts', [
    ['G1', 'what was composed before a change of user is not kept', 'if (isSwitch(turn.action)) engine.keep()', ''],
    ['G7', 'what was dispatched first is obeyed last', 'let turn = held.shift(); turn; turn = held.shift()', 'let turn = held.pop(); turn; turn = held.pop()'],
    ['G7', 'what is sent while the user changes leaves at once', 'if (isSwitching) return reduce(next, turn)', 'if (held.length < 0) return reduce(next, turn)'],
    ['G1', 'what a subscriber that throws has seen is not obeyed', 'turn.isReduced ||= read() !== turn.before', ''],
  ]),
  ...inFile('src/effects/link.ts', [
    ['G9', 'requests outlive their connection', "for (const settle of [...pending]) settle({ ok: false, code: 'disconnected' })", ''],
  ]),
  ...inFile('src/effects/token.ts', [
    ['G9', 'a late token is used', 'return end', 'return stopTimer'],
    ['G7', 'a token of another subject is taken', '(subject ??= sub) !== sub', '(subject ??= sub) === null'],
  ]),
  ...inFile('src/effects/recovery.ts', [
    ['G2', 'a thawed tab does not look again', 'if (user !== null) look(user, true)', ''],
    ['G2', 'what others took over is sent after the thaw', 'delivery.abandon(restored.lost)', ''],
    ['G3', 'a thawed tab sends while it looks', 'delivery.hold(true)', 'delivery.hold(looks > 1 ? false : true)'],
    ['G3', 'a clock that was set back moves new messages before old ones', 'look(userId, false, !met.has(userId))', 'look(userId, false, false)'],
    ['G1', 'the record of a message that was settled meanwhile stays', 'if (looks === mine) forgetSettled(userId, entries)', ''],
    ['G1', 'what a sign-out took out of the state counts as settled', 'if (looks === mine) forgetSettled(userId, entries)', 'forgetSettled(userId, entries)'],
    ['G2', 'a thawed tab sends what it has before it has looked', 'look(user, true)', 'look(user, false)'],
  ]),
  ...inFile('src/effects/alarm.ts', [
    ['G6', 'a timer that rings too early is not set again', 'setFor = Infinity\n        ring', 'ring'],
  ]),
  ...inFile('src/effects/agenda.ts', [
    ['G8', 'what waits is looked at each time', 'if (wakeAt <= now) wake(now)', 'wake(Infinity)'],
    ['G6', 'what has waited is never asked for', 'lane.add(key)\n      }', '}'],
  ]),
  ...inFile('src/effects/waits.ts', [
    ['G1', 'a restored moment is trusted however far it lies', 'Math.min(Math.max(0, nextAttemptAt - clock.now()), longestMs)', 'Math.max(0, nextAttemptAt - clock.now())'],
  ]),
  ...inFile('src/effects/middleware.ts', [
    ['G7', 'a subscriber that throws ends the connection', 'shielded((action: UnknownAction) => void api.dispatch(action))', '((action: UnknownAction) => void api.dispatch(action))'],
  ]),
  ...inFile('src/effects/inbox.ts', [
    ['G7', "what arrived for one user is applied for the next", 'stopTimer = null\n      messages = []', 'stopTimer = null'],
  ]),
]
