import type { Transport } from 'redux-chat'
import { createManualClock, createMemoryServer, createSeededRandom, createTestEnvironment } from 'redux-chat/testing'
import { openStore } from './chat-store'

export const CHANNELS = ['a', 'b'] as const
export const OTHERS = ['bob', 'carol'] as const
/** After this much silence no answer is asked for any more. */
const PATIENCE_MS = 31_000
const AGAIN_MS = 4_900

interface Mark { readonly channelId: string; readonly userId?: string; readonly seq?: number; readonly messageId?: string }

/** One tab, and a server that refuses marks, answers none, delays catch-up, or learns to number its messages only later. */
export function createMarkWorld(run: number) {
  const random = createSeededRandom(`marks ${run}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const upTo = (count: number): number => Math.floor(random() * count)
  /** Without numbers, and without catch-up, to begin with. */
  const isLate = run % 3 === 0
  /** At times it answers no mark at all, where others refuse them for now. */
  const isMute = run % 4 === 1
  const moods = { isSyncRefused: false, isBlind: isLate }
  const problems: string[] = []
  const clock = createManualClock()
  const server = createMemoryServer({ now: clock.now, capabilities: isLate ? [] : ['sync'], echo: pick(['after_ack', 'before_ack']) })
  const told = new Map<string, number>()
  let silentSince = Infinity
  let stops: (() => void)[] = []

  function become(marks: 'ok' | 'busy' | 'silent'): void {
    for (const stop of stops) stop()
    stops = marks === 'ok' ? [] : (['delivered', 'read'] as const).map((kind) => server.on(`message:${kind}`, (payload, peer, reply) => {
      const { channelId, seq, messageId } = payload as Mark
      const key = [peer.id, kind, channelId, seq ?? messageId].join()
      if (marks === 'busy' && !isLate && clock.monotonic() - (told.get(key) ?? -Infinity) < AGAIN_MS) problems.push(`${kind} is told again at once`)
      told.set(key, clock.monotonic())
      if (marks === 'busy') reply({ success: false, error: { code: 'unavailable', message: 'later', retryable: true } })
    }))
  }
  server.onConnection(() => { silentSince = Infinity })

  const env = createTestEnvironment({ seed: run, clock, server })
  /** Each answer that is asked for is a callback that the socket keeps. */
  const transport: Transport = { open(request, handlers) {
    const connection = env.environment.transport.open(request, handlers)
    return { ...connection, emit(event, args, onAck) {
      const isMark = event === 'message:read' && onAck !== undefined
      if (isMark && clock.monotonic() - silentSince > PATIENCE_MS) problems.push('an answer is asked for that never comes')
      if (isMark && silentSince === Infinity) silentSince = clock.monotonic()
      connection.emit(event, args, onAck && ((response) => {
        if (isMark) silentSince = Infinity
        onAck(response)
      }))
    } }
  } }
  const withoutSeq = (message: unknown): unknown => {
    const { seq: _seq, ...rest } = message as { readonly seq?: number }
    return moods.isBlind ? rest : message
  }
  const tab = openStore({ env, config: {
    environment: { transport },
    protocol: {
      incoming: { 'message:new': withoutSeq },
      ack: (response) => {
        const { success, data } = response as { readonly success: boolean; readonly data?: object }
        return success && data ? { success, data: withoutSeq(data) } : response
      },
    },
  } })
  if (!isLate) server.on('message:sync', (payload, _peer, reply) => {
    const { channelId, after, limit } = payload as { readonly channelId: string; readonly after: number; readonly limit: number }
    if (moods.isSyncRefused) return reply({ success: false, error: { code: 'unavailable', message: 'later', retryable: true } })
    const rows = server.log(channelId).filter(({ seq }) => seq > after)
    const receipts = [...OTHERS, 'alice'].map((userId) => ({ userId, ...server.receipts(channelId, userId) }))
    reply({ success: true, data: { messages: rows.slice(0, limit), receipts, latest: server.log(channelId).length, more: rows.length > limit } })
  })

  return { run, isLate, isMute, random, pick, upTo, clock, server, env, tab, moods, problems, become }
}

export type MarkWorld = ReturnType<typeof createMarkWorld>
