import { z } from 'zod'
import type { ChatState } from '../../src/state/chat-state'
import { placeProblem } from './channel-places'
import { LIMITS } from './hostile-world'
import { entriesOf } from '../../src/policy/table'

const id = z.string().min(1)
const mark = z.int().nonnegative()
const position = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER)
const seq = z.int().positive()
const code = z.string().min(1).max(512)
const failure = z.strictObject({ code, message: z.string().max(2_000), retryable: z.boolean(), attempt: mark }).nullable()
const message = z.looseObject({ id, channelId: id, userId: z.string(), content: z.string(), createdAt: z.number().min(-8.64e15).max(8.64e15), seq: seq.optional() })
const readMark = z.strictObject({ seq: seq.optional(), messageId: id.optional() })
const key = z.templateLiteral(['#', z.string()])
const channel = z.strictObject({
  messages: z.array(message).max(LIMITS.windowSize),
  cursor: mark.nullable(), latest: mark.nullable(), foreign: position,
  anchored: z.boolean(), hasOlder: z.boolean(), loaded: z.boolean(), detached: z.boolean(), open: z.boolean(), place: mark, stale: z.boolean(), doubt: mark.nullable(), missedAfter: mark.nullable(),
  catchUp: z.enum(['idle', 'running', 'failed']), history: z.enum(['idle', 'wanted', 'running', 'failed']),
  receipts: z.record(key, z.strictObject({ delivered: position, read: position })),
  early: z.array(z.strictObject({ kind: z.enum(['delivered', 'read']), channelId: id, userId: z.string(), messageId: id })).max(100),
})
const entry = z.strictObject({
  message, order: seq, attempts: mark, spent: mark, losses: mark, budgetFrom: z.number(), dedupWindowMs: z.number().positive().nullable(), nextAttemptAt: z.number().nullable(),
  lease: z.strictObject({ attempt: seq, deadline: z.number() }).nullable(), stored: z.boolean(), failure, lastError: failure,
})
const error = z.strictObject({
  id, type: z.enum(['auth_failed', 'connection_error', 'message_failed', 'invalid_payload', 'storage_error', 'sync_failed', 'emit_failed']),
  code, message: z.string().max(4_000), at: z.number(), retryable: z.boolean(), channelId: id.optional(), messageId: id.optional(), count: seq.optional(),
})
const connection = z.strictObject({
  status: z.enum(['idle', 'connecting', 'connected', 'reconnecting', 'offline', 'unauthorized', 'failed']),
  userId: z.string().nullable(), attempt: mark, nextRetryAt: z.number().nullable(), lastConnectedAt: z.number().nullable(),
  reason: z.string().nullable(), capabilities: z.array(id).max(64), maxMessageBytes: z.number().positive().nullable(), dedupWindowMs: z.number().positive().nullable(),
})
const reads = z.record(key, readMark)
const queue = z.array(entry).min(1)

/** Plain JSON: what a round trip gives back is the same. */
export function isPlainJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return false
  if (Object.getOwnPropertySymbols(value).length > 0) return false
  if (Array.isArray(value)) return Object.keys(value).length === value.length && Array.from(value).every(isPlainJson)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  // JSON leaves out a member that is undefined, which is what undefined says.
  return Object.values(value).every((member) => member === undefined || isPlainJson(member))
}

type Ordered = { readonly id: string; readonly createdAt: number; readonly seq?: number | undefined }

/** Those with a seq first, ascending; then those without, by time and id. */
function isBefore(a: Ordered, b: Ordered): boolean {
  if (a.seq !== undefined && b.seq !== undefined) return a.seq < b.seq
  if (a.seq !== undefined || b.seq !== undefined) return a.seq !== undefined
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id)
}

function windowProblem(channelId: string, window: readonly (Ordered & { readonly channelId: string })[]): string | null {
  if (new Set(window.map((each) => each.id)).size !== window.length) return 'an id twice in a window'
  if (window.some((each) => each.channelId !== channelId)) return 'a message in another channel'
  const at = window.findIndex((each, i) => i > 0 && !isBefore(window[i - 1] ?? each, each))
  return at === -1 ? null : `a window out of order at ${at}`
}

/** Slices are immutable: one that was looked at needs no second look. */
const seen = new WeakSet<object>()

function shape(name: string, schema: z.ZodType, value: object): string[] {
  if (seen.has(value)) return []
  const found = schema.safeParse(value)
  if (!found.success) return [`${name}: ${found.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join(', ')}`]
  if (!isPlainJson(value)) return [`${name}: not plain JSON`]
  seen.add(value)
  return []
}

/** Everything that is wrong with a chat state; empty when it is well formed. */
export function problemsOf({ connection: link, messages, outbox, errors }: ChatState): readonly string[] {
  const found = [
    ...shape('connection', connection, link), ...shape('reads', reads, outbox.reads),
    ...entriesOf(outbox.channels).flatMap(([name, chunks]) => shape(`queue ${name}`, queue, chunks.flat())),
    ...errors.flatMap((each) => shape('errors', error, each)),
    ...(errors.length > 50 ? ['more than 50 errors'] : []),
  ]
  for (const [name, each] of entriesOf(messages)) {
    if (seen.has(each)) continue
    const problem = windowProblem(name, each.messages.flat()) ?? placeProblem(each)
    found.push(...(problem ? [`messages ${name}: ${problem}`] : shape(`messages ${name}`, channel, { ...each, messages: each.messages.flat() })))
  }
  return found
}
