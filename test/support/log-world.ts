import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment } from 'redux-chat/testing'
import { findEntry } from '../../src/policy/outbox'
import { valueAt } from '../../src/policy/table'
import { openStore } from './chat-store'

/**
 * `steady`: one log for ever, and room for all of it. `small`: windows that are smaller than the log. `anew`: a server that loses its log and
 * begins another. `blind`: the same without catch-up: what is gone from the screen is gone.
 */
export const KINDS = ['steady', 'small', 'anew', 'blind'] as const
export const CHANNELS = ['a', 'b', 'c', 'd'] as const
const HIDDEN = 'hidden'
const LONG = 1_000

/** One tab, and a server whose copies are behind, race with what is being written, refuse, promise what they do not give, or tell no place. */
export function createLogWorld(run: number) {
  const random = createSeededRandom(`logs ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const upTo = (count: number): number => Math.floor(random() * count)
  const kind = KINDS[run % KINDS.length] ?? 'steady'
  const moods = { behind: 0, racing: 0, promises: false, untold: false, forbidden: new Set<string>() }
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, capabilities: kind === 'blind' ? [] : ['sync', 'ordered'], echo: pick(['after_ack', 'before_ack', 'none']) })
  /** Requests for newer messages since the last look. */
  let asked: string[] = []

  const visible = (channelId: string) => server.log(channelId).filter(({ content }) => content !== HIDDEN)

  interface Request { readonly channelId: string; readonly after?: number; readonly before?: number; readonly limit: number }

  /** What a copy has that lags behind its server, and how much it says there is: more, when some was written between its two reads. */
  function readAfter(channelId: string, after: number) {
    const whole = server.log(channelId).length
    // What is behind all that the tab holds cannot be told from a log that began anew.
    const first = tab.messages(channelId)[0]?.seq ?? Infinity
    const latest = first <= whole - moods.behind ? whole - moods.behind : whole
    const left = visible(channelId).filter(({ seq }) => seq > after && seq <= latest)
    // An empty page says that there is nothing.
    const early = left.filter(({ seq }) => seq <= latest - moods.racing)
    return { left: early.length > 0 ? early : left, latest }
  }
  if (kind !== 'blind') {
    server.on('message:sync', (payload, _peer, reply) => {
      const { channelId, after = 0, limit } = payload as Request
      asked.push(channelId)
      // A loop without a pause would never let the clock go on.
      if (asked.length > 2_000) return
      if (moods.forbidden.has(channelId)) return reply({ success: false, error: { code: 'forbidden', message: 'no', retryable: false } })
      const { left, latest } = readAfter(channelId, after)
      const receipts: readonly object[] = []
      if (moods.promises) return reply({ success: true, data: { messages: [], receipts, latest, more: true } })
      reply({ success: true, data: { messages: left.slice(0, limit), receipts, latest, more: left.length > limit } })
    })
    server.on('message:history', (payload, _peer, reply) => {
      const { channelId, before = Infinity, limit } = payload as Request
      const left = visible(channelId).filter(({ seq }) => seq < before)
      reply({ success: true, data: { messages: left.slice(-limit), more: left.length > limit } })
    })
  }

  // In a log that begins anew each message counts: it is known by another one in its place.
  const hides = kind === 'steady' || kind === 'small'
  const windowSize = kind === 'small' ? 10 + upTo(12) : LONG
  const pageSize = 1 + upTo(8)
  const maxChannels = kind === 'small' ? upTo(3) : 10
  const env = createTestEnvironment({ seed: run, clock, server, latencyMs: { min: 0, max: pick([0, 40, 80]) } })
  // What nobody is told of: it was there, and was removed.
  env.network.fault({ direction: 'down', event: 'message:new', match: (message) => (message as { content: string }).content === HIDDEN, action: 'drop' })
  const tab = openStore({ env, config: {
    history: { windowSize, pageSize, maxChannels },
    reconnection: { attempts: 1_000 },
    protocol: { ack: (response, event) => (event === 'message:send' && moods.untold ? untold(response, isCaughtUp) : response) },
  } })

  /** Where only the end of a channel was looked at yet, the place may lie in its history, which nobody asks for. */
  function isCaughtUp(id: string): boolean {
    const chat = tab.store.getState().chat
    const channelId = chat && findEntry(chat.outbox, id)?.message.channelId
    return channelId !== undefined && valueAt(chat?.messages ?? [], channelId)?.anchored === true
  }

  return {
    run, kind, random, pick, upTo, clock, server, env, tab, moods, visible, windowSize, pageSize, maxChannels,
    push(channelId: string, count: number): void {
      for (let i = 0; i < count; i++) server.push(channelId, { userId: pick(['bob', 'carol']), content: hides && random() < 0.15 ? HIDDEN : 'x' })
    },
    calm(): void {
      Object.assign(moods, { behind: 0, racing: 0, promises: false, untold: false })
      moods.forbidden.clear()
      env.network.restore()
    },
    /** How often each channel was asked for since the last time. */
    takeAsked(): readonly string[] {
      const taken = asked
      asked = []
      return taken
    },
  }
}

/** An acknowledgement that does not tell the place. */
function untold(response: unknown, isAskedFor: (id: string) => boolean): unknown {
  const { success, data } = response as { readonly success: boolean; readonly data?: { readonly id: string } }
  return success && data && isAskedFor(data.id) ? { success, data: { id: data.id } } : response
}

export type LogWorld = ReturnType<typeof createLogWorld>
