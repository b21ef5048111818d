import type { UnknownAction } from '@reduxjs/toolkit'
import type { Extra, OutboxEntry, ReceiptEvent } from '../model'
import { createOutboxPersistence } from '../persistence/persist'
import { reasonText } from '../policy/errors'
import { entriesIn, findEntry, idsIn, queueIn, TAKEN_OVER } from '../policy/outbox'
import { lastOf } from '../policy/sequence'
import { entriesOf, keysOf } from '../policy/table'
import { findMessage } from '../policy/timeline'
import { createHandlers, isOf } from '../state/handlers'
import type { ServerEvent } from '../transport/wire'
import { applyEmit, applyEvent } from './bindings'
import { createDelivery } from './delivery'
import { createInbox } from './inbox'
import { createReceipts } from './receipts'
import { createRecovery } from './recovery'
import type { Runtime } from './runtime'
import { createSession } from './session'
import { createSync } from './sync'

/** The effects of one store, wired to each other. It starts nothing before the first `connect`. */
export function createEngine<X extends Extra>(runtime: Runtime<X>) {
  const { environment, options, actions, metrics } = runtime
  const { commands, reports } = actions
  const inbox = createInbox(runtime)
  const session = createSession(runtime, { onOpened, onEvent, onClosed, onThawed: () => recovery.lookAgain(), onDoubt })
  const delivery = createDelivery(runtime, session)
  const sync = createSync(runtime, session.renewal.refuse)
  const receipts = createReceipts(runtime, session.renewal.refuse)
  const persistence = createOutboxPersistence<X>({
    key: options.reducerPath,
    storage: (dropped) => environment.storage(options.reducerPath, dropped),
    locks: environment.locks,
    clock: environment.clock,
    random: environment.random,
    tabId: environment.id(),
    report: {
      stored: (ids) => runtime.dispatch(reports.outboxStored({ ids })),
      unstored: (ids = idsIn(runtime.getState().outbox)) => runtime.dispatch(reports.outboxStored({ ids, stored: false })),
      failed: ({ code, message }) => runtime.report('storage_error', code, message, { retryable: true }),
      adopted: (userId, restored) => recovery.take(userId, restored),
      // Without locks two living tabs may take each other for dead: better sent twice, which the server notices, than by nobody.
      lost: (ids) => { if (environment.locks) delivery.abandon(ids) },
    },
  })
  const recovery = createRecovery(runtime, delivery, persistence)
  let user: string | null = null
  let outbox: unknown = null
  /** Whose messages this tab keeps, also between a disconnect and the next connect. */
  let owner: string | null = null
  let reconciling = false
  let again = false

  function onOpened(reconnected: boolean): void {
    receipts.opened()
    sync.opened(reconnected)
    if (reconnected) runtime.audience.told.onReconnect()
    reconcile()
  }

  function onClosed(): void {
    inbox.flush()
    delivery.closed()
    sync.closed()
    receipts.closed()
  }

  function onEvent(name: string, args: readonly unknown[]): void {
    const parsed = runtime.wire.inbound(name, args)
    if (!parsed) applyEvent(runtime, name, args, inbox.behind)
    else if (parsed.ok) apply(parsed.value)
    else runtime.invalid('invalid_event', `unable to read a "${name}" event: ${parsed.problem}`)
  }

  function apply(event: ServerEvent<X>): void {
    if (event.kind === 'message') inbox.message(event.message)
    else if (event.kind === 'receipt') applyReceipt(event.receipt)
    else if (event.kind === 'authExpired') session.renewal.refuse()
    else {
      const { tokenExpiresAt, ...announced } = event.session
      // First the timer: whoever sees the report may end the connection, which has to stop it.
      if (tokenExpiresAt !== null) session.renewal.expiresAt(tokenExpiresAt)
      runtime.dispatch(reports.sessionAnnounced(announced))
    }
  }

  /** A server of the four events alone may name the message and not its channel; of a message that is not here it says nothing to us. */
  function applyReceipt(receipt: ReceiptEvent): void {
    const { channelId, messageId } = receipt
    const entry = messageId === undefined ? undefined : findEntry(runtime.getState().outbox, messageId)
    if (entry?.failure && receipt.userId !== user) heal(entry)
    if (channelId !== '' || messageId === undefined) {
      inbox.receipt(receipt)
      return
    }
    inbox.flush()
    const [found = entry?.message.channelId] = entriesOf(runtime.getState().messages).find(([, channel]) => findMessage(channel.messages, messageId)) ?? []
    if (found !== undefined) inbox.receipt({ ...receipt, channelId: found })
  }

  /** Somebody else who has a message of mine has it from the server. One that is still sent waits for its acknowledgement, which tells its place. */
  function heal({ attempts, message: { id, channelId } }: OutboxEntry<X>): void {
    if (attempts > 0) runtime.dispatch(reports.messageAcked({ id, channelId, attempt: attempts, at: environment.clock.now() }))
  }

  /** A connection that looks open after a sleep answers a small question, or is replaced. */
  function onDoubt(): void {
    const { messages, connection } = runtime.getState()
    const [channelId] = connection.capabilities.includes('sync') ? keysOf(messages) : []
    /** Without having asked: a browser that says that it is offline may be wrong about a server near by. */
    const reopenBlindly = (): void => { if (environment.lifecycle.isOnline()) session.reopen() }
    if (channelId === undefined) return reopenBlindly()
    runtime.link.ask('message:sync', { channelId, after: Number.MAX_SAFE_INTEGER, limit: 1 }, ({ unclear }) => {
      if (unclear === 'timeout') session.reopen()
      else if (unclear === 'unmapped') reopenBlindly()
    }, Math.min(5_000, options.delivery.ackTimeoutMs))
  }

  function signIn(userId: string): void {
    // Idle by now only if the app has reset its whole state: it knows of no connection, channel or message any more.
    if (user !== null && (user !== userId || runtime.getState().connection.status === 'idle')) leave()
    if (user === null) {
      if (owner !== userId) session.forget()
      user = owner = userId
      delivery.own(idsIn(runtime.getState().outbox))
      recovery.start(userId)
    }
    session.start(userId)
  }

  /** Ends everything that runs for the present user; stored messages stay. */
  function leave(): void {
    // What arrived and is not yet applied belongs to a user whose state may be gone already.
    const isShown = runtime.getState().connection.userId === user
    // From here on nothing is sent: what follows changes state, which would be looked at.
    user = null
    if (isShown) inbox.flush()
    inbox.stop()
    session.stop()
    delivery.stop()
    sync.stop()
    receipts.stop()
    recovery.stop()
    // The queue of a user who has left was followed up to the end; another user's begins anew.
    persistence.update(runtime.getState().outbox)
    persistence.stop()
  }

  function signOut(discard: boolean): void {
    const leaving = owner
    leave()
    session.forget()
    owner = null
    if (!discard || leaving === null) return
    persistence.discard(leaving, runtime.getState().outbox.lastOrder).catch((reason: unknown) =>
      runtime.report('storage_error', 'discard_failed', `unable to remove stored messages: ${reasonText(reason)}; they are removed when their user is back`, { retryable: true }))
  }

  /** What another tab has taken over may still be that one's to send: the storage tells. */
  function retry(ids: readonly string[]): void {
    const wanted = new Set(ids)
    recovery.own(ids)
    if (entriesIn(runtime.getState().outbox).some(({ message, lastError }) => lastError?.code === TAKEN_OVER && wanted.has(message.id))) recovery.lookAgain()
  }

  /** What can never be sent fails in the reducers: it is told as every other failure is. */
  function composed({ id, channelId }: { readonly id: string; readonly channelId: string }): void {
    delivery.own([id])
    // It stands last: nothing is searched.
    const entry = lastOf(queueIn(runtime.getState().outbox, channelId))
    if (!entry?.failure || entry.message.id !== id) return
    metrics.count('failed')
    runtime.report('message_failed', entry.failure.code, entry.failure.message, { channelId, messageId: id })
  }

  /** Commands that the state alone does not tell. */
  const obey = createHandlers<void>()
    .on(commands.connect, (_, { userId }) => signIn(userId))
    .on(commands.openChannel, (_, { channelId }) => sync.wanted(channelId))
    .on(commands.sendMessage, (_, message) => composed(message))
    .on(commands.retryMessage, (_, { id }) => retry([id]))
    .on(commands.retryAllFailed, () => retry(idsIn(runtime.getState().outbox)))
    .on(commands.discardMessage, (_, { id }) => delivery.disown(id))
    .on(commands.disconnect, leave)
    .on(commands.signOut, (_, { discardOutbox }) => signOut(discardOutbox === true))
    .reduce

  /** Level-triggered: looks at the state and does what is missing. A change that it causes itself makes it look once more. */
  function reconcile(): void {
    again = true
    if (reconciling) return
    reconciling = true
    try {
      while (again) {
        again = false
        follow()
      }
    } finally {
      reconciling = false
    }
  }

  /** Keeps the queue as it is now. */
  function keep(): void {
    const { outbox: now } = runtime.getState()
    if (now === outbox) return
    outbox = now
    persistence.update(now)
    metrics.queueChanged(runtime, now)
  }

  function follow(): void {
    keep()
    if (user === null) return
    // A state that somebody put into its place (an import, a reset) may be another user's.
    if (runtime.getState().outbox.userId === user) delivery.reconcile()
    sync.reconcile()
    receipts.reconcile()
  }

  return {
    /** After the reducers have seen an action. */
    handle(action: UnknownAction, changed: boolean): void {
      if (!changed && (isOf(reports.messageEmitted, action) || isOf(reports.syncStarted, action))) runtime.ignored.add(action.payload)
      persistence.handle(action)
      obey(undefined, action, undefined)
      if (changed) reconcile()
      // Last, because the app's own code may throw there. An app's own action may well be called `chat/typing`; but what is told of an emit
      // that failed, emitted as well, would fail for ever.
      if (!isOf(reports.errorReported, action)) applyEmit(runtime, action)
    },
    reconcile,
    keep,
  }
}

export type Engine = ReturnType<typeof createEngine<Extra>>
