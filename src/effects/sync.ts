import type { PageDirection } from '../actions'
import type { Extra, SocketErrorBody } from '../model'
import { reactionTo } from '../policy/errors'
import { POISON_LOSSES, SUSPECT_LOSSES } from '../policy/outbox'
import { changedKeys, EMPTY_TABLE, valueAt } from '../policy/table'
import { historyEdge, type ChannelState } from '../state/channel-state'
import { channelIn, type MessagesState } from '../state/messages'
import { hasGap, lacksOlder, mayHaveMissed, newerEdge } from '../state/missing'
import type { Answer } from '../transport/parse'
import { createAgenda } from './agenda'
import { createPageSizes } from './page-sizes'
import { createPauses } from './pauses'
import type { Runtime } from './runtime'
import { createSlots } from './slots'
import { createSuspects } from './suspects'

/** A hole that an overtaken message leaves closes by itself: only one that stays is asked for. */
const GAP_HOLD_MS = 100

/** A page that is asked for again has up to so many times `ackTimeoutMs`. */
const LONGEST_PATIENCE = 8

/** A fleet that reconnects together catches up spread over this time. */
const RECONNECT_SPREAD_MS = 1_000

/** A page that was asked for. */
interface Asked {
  readonly channelId: string
  readonly direction: PageDirection
  /** The edge of the window. */
  readonly from: number
  /** Where it goes on, after pages of which nothing could be read. */
  readonly beyond: number
  /** Monotonic. */
  readonly startedAt: number
}

/** Fills what is missing: catch-up from the cursor, page by page, and the history that was asked for. Safe to call at any time. */
export function createSync<X extends Extra>(runtime: Runtime<X>, unauthorized: (startedAt: number) => void) {
  const { environment, options, link, wire, metrics } = runtime
  const { clock } = environment
  const { reports } = runtime.actions
  // What a window has no room for would be left out, and nothing would ask for it.
  const sizes = createPageSizes(clock, Math.min(options.history.pageSize, options.history.windowSize))
  /** Pauses by direction and channel (monotonic), after a failure. */
  const pauses = createPauses(environment)
  /** Since when a gap may close by itself. */
  const gapSince = new Map<string, number>()
  /** Channels that lack something, as of the last look: those that somebody has open come first. */
  const agenda = createAgenda(clock, runtime.reconcile)
  let looked: MessagesState<X> = EMPTY_TABLE
  /** Pages that were under way when the connection broke, by direction and channel. */
  const suspects = createSuspects(environment)
  /** Channels whose last page did not come in time, also on the connection before: they stand behind the others. */
  const silent = new Set<string>()
  let notBefore = 0
  const slots = createSlots(clock, options.delivery.ackTimeoutMs, runtime.reconcile)

  const waitKey = (direction: PageDirection, channelId: string): string => direction + channelId

  const readyAt = (key: string): number => Math.max(pauses.of(key).readyAt, suspects.until(key))
  /** The same for somebody who wants it now. */
  const wantedAt = (key: string): number => Math.max(pauses.of(key).wantedAt, suspects.until(key))

  function lacksNewer(channelId: string, channel: ChannelState<X>): boolean {
    const gap = hasGap(channel)
    if (!gap) gapSince.delete(channelId)
    return (mayHaveMissed(channel) || gap) && channel.catchUp !== 'running'
  }

  /** When a catch-up that is lacking may be asked for. */
  function newerAt(channelId: string, channel: ChannelState<X>, now: number): number {
    const key = waitKey('newer', channelId)
    // What comes in spite of a refusal says that the channel is this user's again.
    if ((channel.latest ?? 0) > (pauses.of(key).refusedAt ?? Infinity)) pauses.failed(key)
    if (mayHaveMissed(channel)) return Math.max(readyAt(key), notBefore)
    const since = gapSince.get(channelId) ?? now
    gapSince.set(channelId, since)
    return Math.max(readyAt(key), since + GAP_HOLD_MS)
  }

  function start(channelId: string, direction: PageDirection, from: number, beyond = from): void {
    const key = waitKey(direction, channelId)
    const limit = sizes.of(channelId)
    const startedAt = clock.monotonic()
    // Whoever sees the report may end the connection.
    const generation = link.generation()
    const release = slots.occupy()
    const report = reports.syncStarted({ channelId, direction })
    runtime.dispatch(report)
    if (runtime.ignored.has(report.payload)) {
      // DevTools keep it for when they show the present again: there it has failed.
      release(false)
      pauses.failed(key)
      runtime.dispatch(reports.syncFailed({ channelId, direction }))
      return
    }
    const answered = (answer: Answer): void => {
      const isInTime = answer.unclear !== 'timeout'
      release(isInTime && answer.unclear !== 'disconnected')
      // After a disconnect the state has already forgotten this request.
      if (link.generation() !== generation) return lost(key, channelId)
      suspects.cleared(key)
      if (isInTime) silent.delete(channelId)
      else silent.add(channelId)
      finish({ channelId, direction, from, beyond, startedAt }, answer)
      // Its pause is known only now, after the state that came of it was looked at.
      note(channelId)
      runtime.reconcile()
    }
    // What comes later than that is lost: a slow server is given longer each time.
    const patience = options.delivery.ackTimeoutMs * Math.min(LONGEST_PATIENCE, 2 ** pauses.of(key).late)
    if (direction === 'newer') link.ask('message:sync', { channelId, after: beyond, limit }, answered, patience)
    else link.ask('message:history', { channelId, before: beyond, limit }, answered, patience)
  }

  function lost(key: string, channelId: string): void {
    if (link.wasOurs()) return
    const losses = suspects.lost(key)
    if (losses >= SUSPECT_LOSSES) sizes.halve(channelId)
    if (losses === POISON_LOSSES) runtime.report('sync_failed', 'connection_lost_repeatedly', `unable to load messages of "${channelId}": the connection broke each time`, { channelId, retryable: true })
  }

  function finish(asked: Asked, { data, error, unclear }: Answer): void {
    if (data) return loaded(asked, data)
    if (unclear === 'timeout') {
      sizes.halve(asked.channelId)
      pauses.late(waitKey(asked.direction, asked.channelId))
    }
    if (unclear === 'unreadable') metrics.count('invalid_payload')
    const generation = link.generation()
    if (reactionTo(error) === 'reauthenticate') unauthorized(asked.startedAt)
    // Whoever is told may have signed out.
    if (link.generation() === generation) failed(asked, error)
  }

  function loaded(asked: Asked, data: { readonly [field: string]: unknown }): void {
    const { channelId, direction, from, beyond } = asked
    const parsed = wire.page(data, channelId)
    if (!parsed.ok) {
      metrics.count('invalid_payload')
      return failed(asked, { code: 'invalid_page', message: parsed.problem, retryable: true })
    }
    const { page, problems, seqs } = parsed.value
    const end = seqs.reduce((furthest, seq) => ((direction === 'newer' ? seq > furthest : seq < furthest) ? seq : furthest), beyond)
    const isVain = page.more && end === beyond
    // A page of which nothing can be read keeps nobody from what lies beyond it.
    const goesOn = page.more && !isVain && page.messages.length === 0
    if (goesOn) start(channelId, direction, from, end)
    if (problems[0]) runtime.invalid('invalid_message', `unable to read ${problems.length} messages of a page: ${problems[0]}`, { channelId }, problems.length)
    if (isVain) failed(asked, { code: 'empty_page', message: 'the server promised more and gave none', retryable: true })
    if (isVain || goesOn) return
    const key = waitKey(direction, channelId)
    const before = valueAt(runtime.getState().messages, channelId)
    // Nothing more is asked for before it is known what this page brought.
    pauses.hold(key)
    runtime.dispatch(reports.pageLoaded({ channelId, direction, from, page }))
    const after = valueAt(runtime.getState().messages, channelId)
    const isLacking = direction === 'newer' && after !== undefined && lacksNewer(channelId, after)
    if (!isLacking) pauses.over(key)
    else if ((after.cursor ?? 0) > (before?.cursor ?? 0)) pauses.progress(key)
    else pauses.inVain(key)
  }

  function failed({ channelId, direction }: Pick<Asked, 'channelId' | 'direction'>, reason: SocketErrorBody): void {
    const { code, message, retryAfterMs } = reason
    const retryable = reactionTo(reason) !== 'fail'
    const key = waitKey(direction, channelId)
    pauses.failed(key, retryAfterMs)
    // A refusal for good is asked about again on the next connection, when the channel is opened, or when something new comes from it.
    const { latest } = channelIn(runtime.getState().messages, channelId)
    if (!retryable) pauses.refused(key, latest ?? 0)
    const error = runtime.error('sync_failed', code, `unable to load messages of "${channelId}": ${message}`, { channelId, retryable })
    runtime.dispatch(reports.syncFailed({ channelId, direction, error }))
  }

  /** What a channel lacks is to be asked for, at once or when it may be. */
  function note(channelId: string): void {
    const channel = valueAt(looked, channelId)
    if (channel && (lacksNewer(channelId, channel) || lacksOlder(channel, options.history))) agenda.add(channelId, silent.has(channelId) ? 'last' : channel.open ? 'urgent' : 'usual')
    else agenda.remove(channelId)
  }

  /** Notes which of the channels that changed lack something: a live message costs no look at all the others. */
  function look(): void {
    const { messages } = runtime.getState()
    const changed = changedKeys(looked, messages)
    looked = messages
    changed.forEach(note)
  }

  /** Asks for what a channel lacks, or tells when it may; Infinity when only a change brings that about. */
  function ask(channelId: string, now: number): number {
    const channel = valueAt(runtime.getState().messages, channelId)
    if (!channel) return now
    const newer = lacksNewer(channelId, channel) ? newerAt(channelId, channel, now) : Infinity
    const olderAt = channel.history === 'wanted' ? wantedAt : readyAt
    const older = lacksOlder(channel, options.history) ? olderAt(waitKey('older', channelId)) : Infinity
    if (newer <= now) start(channelId, 'newer', newerEdge(channel))
    else if (older <= now) start(channelId, 'older', historyEdge(channel) ?? 1)
    return Math.min(newer, older)
  }

  return {
    reconcile(): void {
      if (link.generation() === 0 || !runtime.getState().connection.capabilities.includes('sync')) return
      look()
      agenda.run(slots.isBusy, ask)
    },
    /** Somebody opens the channel: what the server refused for good may be allowed by now. */
    wanted(channelId: string): void {
      silent.delete(channelId)
      for (const direction of ['newer', 'older'] as const) {
        const key = waitKey(direction, channelId)
        pauses.wanted(key)
        suspects.wanted(key)
      }
      note(channelId)
    },
    opened(again: boolean): void {
      // A page of the last connection may have left some after its end.
      pauses.clear()
      notBefore = again ? clock.monotonic() + environment.random() * RECONNECT_SPREAD_MS : 0
    },
    /** On the next connection every channel is looked at anew. */
    closed(): void {
      agenda.clear()
      gapSince.clear()
      looked = EMPTY_TABLE
    },
    /** Whoever comes next may be answered. */
    stop(): void {
      suspects.clear()
      silent.clear()
      sizes.clear()
    },
  }
}
