import { inFile, type Mutant } from '../mutant'

export const effects: readonly Mutant[] = [
  ...inFile('src/effects/delivery.ts', [
    ['G3', 'sending does not wait for the stored queue', '=== 0 || held || renewal.isExpired()', '=== 0 || renewal.isExpired()'],
    ['G1', 'a pause that ends is not looked at', '      looked = null\n      if (clock', '      if (clock'],
    ['G1', 'what comes due while nothing may be sent is forgotten', 'timerAt = Infinity\n    looked = null\n  }', 'timerAt = Infinity\n  }'],
    ['G2', 'what another tab took over stays in the queue', 'if (!entry || entry.failure) continue', 'if (!entry || !entry.failure) continue'],
    ['G2', 'a timer that slept counts as a timeout', 'if (clock.monotonic() - wake > LATE_TIMER_MS) flights.prolong(LATE_TIMER_MS)', ''],
    ['G8', 'no bound on what is in flight in all', 'flights.isAtLimit() || link.generation()', 'link.generation()'],
    ['G1', 'a size limit that the server announces late is not looked at', 'if (impossible) outcomes.fail(', 'if (impossible && !impossible) outcomes.fail('],
    ['G7', 'others fly with a suspect', ' || isSuspectInFlight()) return', ') return'],
    ['G1', 'what an echo has settled counts as in flight', 'flights.isFull(outcomes.isUnderWay)', 'flights.isAtLimit()'],
    ['G1', 'a pause that ends during the look is not waited for', 'setTimer(now)\n    },', 'setTimer(clock.monotonic())\n    },'],
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
    ['G8', 'a server that turns everybody away is connected to for ever', "if (phase === 'open' && !isTurnedAway(reason)) attempt = 0", "if (phase === 'open') attempt = 0"],
    ['G8', 'attempts go on while offline', 'if (!lifecycle.isOnline()) {', 'if (!lifecycle.isOnline() && attempt < 0) {'],
    ['G8', 'a pause before the next attempt has no end', 'Math.min(retryAfterMs, MAX_PAUSE_MS)', 'retryAfterMs'],
    ['G9', 'a reconnection timer stays', "    generation++\n    stopTimer()\n", '    generation++\n'],
    ['G9', 'no generation guard on a connection', 'if (mine === generation) task(...args)', 'task(...args)'],
  ]),
  ...inFile('src/effects/renewal.ts', [
    ['G8', 'fresh tokens that do not help are asked for without end', 'if (++fruitless > MAX_FRUITLESS)', 'if (++fruitless > Infinity)'],
    ['G9', 'the renewal timer stays', 'generation++\n      stopTimer()', 'generation++'],
    ['G8', 'each refusal asks for a token of its own', 'if (renewing) return\n', ''],
  ]),
  ...inFile('src/effects/receipts.ts', [
    ['G1', 'marks of the last connection are not repeated', 'refused.clear()\n    sent.clear()\n    askedAt', 'refused.clear()\n    askedAt'],
    ['G9', 'the receipt timer stays', 'stop(): void {\n      stopTimer?.()', 'stop(): void {'],
    ['G6', 'delivery is confirmed beyond a gap', 'Math.min(channel.foreign, channel.cursor)', 'channel.foreign'],
    ['G8', 'a refused receipt is told again at once', 'refused.add(kind + keyOf(channelId))', 'sent.delete(kind + keyOf(channelId))'],
    ['G8', 'each read mark waits for an answer', ' < ANSWER_MS', ' < Infinity'],
    ['G5', 'a refused delivery is not told again', "if (userId === null || !response.ok) return", "if (kind === 'delivered' || userId === null || !response.ok) return"],
  ]),
  ...inFile('src/effects/sync.ts', [
    ['G8', 'a hole that stays is asked for in a loop', 'else pause(channelKey, direction)', 'else waits.delete(key)'],
    ['G8', 'any number of requests at once', 'running >= MAX_REQUESTS', 'running < 0'],
    ['G6', 'a page of the last connection counts', 'if (link.generation() !== generation) return', ''],
    ['G6', 'what a closed channel lacks is not asked for', '|| lacksOlder(channel))) agenda.add', '|| lacksOlder(channel)) && channel.open) agenda.add'],
    ['G6', 'a channel that was forbidden is never asked for again', 'if (waits.get(key)?.readyAt === Infinity) waits.delete(key)', ''],
    ['G8', 'an empty page that promises more is asked for in a loop', 'if (page.more && !isFurther) {', 'if (page.more && page.messages.length < 0) {'],
    ['G4', 'a place that the server did not tell is not asked for', 'lastOf(channel.messages)?.seq === undefined', 'lastOf(channel.messages)?.seq === -1'],
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
  ]),
  ...inFile('src/effects/agenda.ts', [
    ['G6', 'a timer that rings too early is not set again', 'timerAt = Infinity\n      ring()', 'ring()'],
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
