import type { PageDirection } from '../actions'
import type { Stop } from '../environment'
import type { Extra } from '../model'
import { fullJitter } from '../policy/backoff'
import { errorBody, reactionTo } from '../policy/errors'
import { idOf, keyOf } from '../policy/keys'
import { nextWakeAt } from '../policy/outbox'
import { lastOf } from '../policy/sequence'
import { changedKeys, EMPTY_TABLE, valueAt } from '../policy/table'
import { historyEdge, newerEdge, type ChannelState } from '../state/channel'
import type { MessagesState } from '../state/messages'
import type { RequestResult } from './link'
import type { Runtime } from './runtime'

/** Requests under way at once, so that a client with thousands of channels does not flood the server. */
const MAX_REQUESTS = 4

/** A hole that an overtaken message leaves closes by itself: only one that stays is asked for. */
const GAP_HOLD_MS = 100

/** A fleet that reconnects together catches up spread over this time. */
const RECONNECT_SPREAD_MS = 1_000

const BACKOFF = { baseMs: 1_000, maxMs: 30_000 }

interface Wait { failures: number; readyAt: number }

function put(key: string, keys: Set<string>, isIn: boolean): void {
  if (isIn) keys.add(key)
  else keys.delete(key)
}

/** Fills what is missing: catch-up from the cursor, page by page, and the history that was asked for. Safe to call at any time. */
export function createSync<X extends Extra>(runtime: Runtime<X>, unauthorized: () => void) {
  const { environment, options, link, wire, metrics } = runtime
  const { clock } = environment
  const { reports } = runtime.actions
  const { pageSize } = options.history
  /** Pauses by direction and channel (monotonic): after a failure, and while a gap may close by itself. */
  const waits = new Map<string, Wait>()
  const gapSince = new Map<string, number>()
  /** Channels that lack something, as of the last look: those that somebody has open come first. */
  const urgent = new Set<string>()
  const others = new Set<string>()
  let looked: MessagesState<X> = EMPTY_TABLE
  let notBefore = 0
  let running = 0
  let stopTimer: Stop = () => undefined

  const waitKey = (direction: PageDirection, channelKey: string): string => direction + channelKey

  function isPaused(direction: PageDirection, channelKey: string, now: number): boolean {
    return (waits.get(waitKey(direction, channelKey))?.readyAt ?? 0) > now
  }

  function lacksNewer(key: string, channel: ChannelState<X>): boolean {
    // Nobody told the place of a last message without a seq.
    const isUntold = channel.messages.length > 0 && lastOf(channel.messages)?.seq === undefined
    const gap = !channel.stale && !channel.detached && (isUntold || (channel.latest ?? 0) > (channel.cursor ?? 0))
    if (!gap) gapSince.delete(key)
    return (channel.stale || gap) && channel.catchUp !== 'running'
  }

  function lacksOlder(channel: ChannelState<X>): boolean {
    if (channel.history === 'running' || historyEdge(channel) === null) return false
    const first = channel.open && !channel.loaded && channel.anchored && channel.hasOlder && !channel.stale
    return channel.history === 'wanted' || first
  }

  /** Whether a catch-up that is lacking may be asked for now. */
  function mayAskNewer(key: string, channel: ChannelState<X>, now: number): boolean {
    if (isPaused('newer', key, now)) return false
    if (channel.stale) return notBefore <= now
    const since = gapSince.get(key) ?? now
    gapSince.set(key, since)
    return now - since >= GAP_HOLD_MS
  }

  function start(channelKey: string, direction: PageDirection, from: number): void {
    const channelId = idOf(channelKey)
    const asked = direction === 'newer'
      ? wire.asked('message:sync', { channelId, after: from, limit: pageSize })
      : wire.asked('message:history', { channelId, before: from, limit: pageSize })
    if (!asked) {
      failed(channelKey, direction, 'unmappable', 'protocol.outgoing could not map it', false)
      return
    }
    running++
    runtime.dispatch(reports.syncStarted({ channelId, direction }))
    const generation = link.generation()
    link.request(asked.name, asked.payload, (result) => {
      running--
      // After a disconnect the state has already forgotten this request.
      if (link.generation() !== generation) return
      finish(channelKey, direction, from, result)
      runtime.reconcile()
    })
  }

  function finish(channelKey: string, direction: PageDirection, from: number, result: RequestResult): void {
    if (!result.ok) {
      failed(channelKey, direction, 'timeout', 'the server did not answer in time', true)
      return
    }
    const response = wire.response(direction === 'newer' ? 'message:sync' : 'message:history', result.response)
    if (!response.ok) unreadable(channelKey, direction, 'invalid_ack', response.problem)
    else if (response.value.success) loaded(channelKey, direction, from, response.value.data)
    else {
      const error = errorBody(response.value)
      if (reactionTo(error) === 'reauthenticate') unauthorized()
      failed(channelKey, direction, error.code, error.message, reactionTo(error) !== 'fail', error.retryAfterMs)
    }
  }

  function loaded(channelKey: string, direction: PageDirection, from: number, data: { readonly [field: string]: unknown }): void {
    const channelId = idOf(channelKey)
    const parsed = wire.page(data, channelId)
    if (!parsed.ok) {
      unreadable(channelKey, direction, 'invalid_page', parsed.problem)
      return
    }
    const { page, problems } = parsed.value
    if (problems[0]) runtime.invalid('invalid_message', `unable to read ${problems.length} messages of a page: ${problems[0]}`, { channelId }, problems.length)
    const isFurther = page.messages.some(({ seq }) => seq !== undefined && (direction === 'newer' ? seq > from : seq < from))
    if (page.more && !isFurther) {
      failed(channelKey, direction, 'empty_page', 'the server promised more messages and gave none', true)
      return
    }
    const key = waitKey(direction, channelKey)
    const failures = waits.get(key)?.failures ?? 0
    const before = valueAt(runtime.getState().messages, channelKey)
    // Nothing more is asked for before it is known what this page brought.
    waits.set(key, { failures, readyAt: Infinity })
    runtime.dispatch(reports.pageLoaded({ channelId, direction, from, page }))
    const after = valueAt(runtime.getState().messages, channelKey)
    const isLacking = direction === 'newer' && after !== undefined && lacksNewer(channelKey, after)
    if (!isLacking) waits.delete(key)
    else if ((after.cursor ?? 0) > (before?.cursor ?? 0)) waits.set(key, { failures, readyAt: 0 })
    // The server has nothing where something is missing, or contradicts itself: asked again, but ever more slowly.
    else pause(channelKey, direction)
  }

  function pause(channelKey: string, direction: PageDirection, retryAfterMs = 0): void {
    const key = waitKey(direction, channelKey)
    const failures = (waits.get(key)?.failures ?? 0) + 1
    const delay = Math.max(fullJitter(failures, environment.random(), BACKOFF), retryAfterMs, BACKOFF.baseMs / 2)
    waits.set(key, { failures, readyAt: clock.monotonic() + delay })
  }

  function failed(channelKey: string, direction: PageDirection, code: string, message: string, retryable: boolean, retryAfterMs?: number): void {
    const channelId = idOf(channelKey)
    pause(channelKey, direction, retryAfterMs)
    // A refusal for good is asked about again on the next connection, or when the channel is opened.
    if (!retryable) waits.set(waitKey(direction, channelKey), { failures: 1, readyAt: Infinity })
    const error = runtime.error('sync_failed', code, `unable to load messages of "${channelId}": ${message}`, { channelId, retryable })
    runtime.dispatch(reports.syncFailed({ channelId, direction, error }))
  }

  function unreadable(channelKey: string, direction: PageDirection, code: string, problem: string): void {
    metrics.count('invalid_payload')
    failed(channelKey, direction, code, problem, true)
  }

  /** Nothing is missing, nothing is waited for: so it is with nearly every action. */
  const isIdle = (): boolean => urgent.size + others.size + waits.size + gapSince.size === 0

  function setTimer(now: number): void {
    stopTimer()
    const moments = [...[...waits.values()].map((wait) => wait.readyAt), ...[...gapSince.values()].map((since) => since + GAP_HOLD_MS), notBefore]
    const wake = nextWakeAt(moments.filter((moment) => moment > now))
    if (wake !== Infinity) stopTimer = clock.setTimer(wake - now, () => runtime.reconcile())
  }

  /** Notes which of the channels that changed lack something: a live message costs no look at all the others. */
  function look(): void {
    const { messages } = runtime.getState()
    for (const key of changedKeys(looked, messages)) {
      const channel = valueAt(messages, key)
      const lacks = channel !== undefined && (lacksNewer(key, channel) || lacksOlder(channel))
      put(key, urgent, lacks && channel.open)
      put(key, others, lacks && !channel.open)
    }
    looked = messages
  }

  function ask(key: string, now: number): void {
    const channel = valueAt(runtime.getState().messages, key)
    if (!channel) return
    if (lacksNewer(key, channel) && mayAskNewer(key, channel, now)) start(key, 'newer', newerEdge(channel))
    else if (lacksOlder(channel) && (channel.history === 'wanted' || !isPaused('older', key, now))) start(key, 'older', historyEdge(channel) ?? 1)
  }

  /** False when no more may be under way. */
  function askAll(keys: Iterable<string>, now: number): boolean {
    for (const key of keys) {
      if (running >= MAX_REQUESTS) return false
      ask(key, now)
    }
    return true
  }

  return {
    reconcile(): void {
      if (link.generation() === 0 || !runtime.getState().connection.capabilities.includes('sync')) return
      look()
      if (isIdle()) return stopTimer()
      const now = clock.monotonic()
      if (askAll(urgent, now) && askAll(others, now)) setTimer(now)
    },
    /** Somebody opens the channel: what the server refused for good may be allowed by now. */
    wanted(channelId: string): void {
      const key = waitKey('newer', keyOf(channelId))
      if (waits.get(key)?.readyAt === Infinity) waits.delete(key)
    },
    opened(again: boolean): void {
      waits.clear()
      notBefore = again ? clock.monotonic() + environment.random() * RECONNECT_SPREAD_MS : 0
    },
    closed(): void {
      stopTimer()
      gapSince.clear()
    },
    stop(): void {
      stopTimer()
      waits.clear()
      gapSince.clear()
      urgent.clear()
      others.clear()
      looked = EMPTY_TABLE
    },
  }
}

export type Sync = ReturnType<typeof createSync<Extra>>
