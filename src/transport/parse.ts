import type { Extra, Page, ReceiptEvent, SocketErrorBody, WireMessage } from '../model'
import { MAX_PAUSE_MS } from '../policy/backoff'
import { reasonText } from '../policy/errors'
import { fieldsOf, isFields, isJson, toWhole, type Fields } from '../policy/json'
import { isId } from '../policy/keys'
import { OWN_FIELDS } from '../policy/message'
import { compareMessages } from '../policy/timeline'

/** Checks and narrows a message's extra fields; a throw drops the message, and its text is told. */
export type ParseExtra<X extends Extra> = (extra: { readonly [field: string]: unknown }) => X

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }

/**
 * What came of a request: data, or why there is none. `unclear` says that the server may have done what it was asked for; `unmapped` that the
 * app's own mapping had no words for it, so that it was never asked.
 */
export type Answer =
  | { readonly data: Fields; readonly error?: undefined; readonly unclear?: undefined }
  | { readonly data?: undefined; readonly error: SocketErrorBody; readonly unclear?: 'unreadable' | 'timeout' | 'disconnected' | 'unmapped' }

export interface SessionAnnouncement {
  readonly capabilities: readonly string[]
  readonly maxMessageBytes: number | null
  readonly dedupWindowMs: number | null
  readonly tokenExpiresAt: number | null
}

const MAX_CAPABILITIES = 64
/** A text from outside is kept in the state: it may not be without end. */
const MAX_REASON_LENGTH = 1_000
const NO_EXTRA_FIELDS = new Set([...OWN_FIELDS, 'channelId', 'content', '__proto__', 'constructor', 'prototype'])

const NOT_AN_ACK = 'an acknowledgement must be { success, data } or { success, error }'

/** Parsers throw what is wrong; it ends in `parsed`. */
const refuse: (problem: string) => never = (problem) => {
  throw new Error(problem)
}

export const problemIn = (reason: unknown): string => reasonText(reason).slice(0, MAX_REASON_LENGTH)

/** Here ends whatever a parser refuses, or an app's own mapping throws. */
export function parsed<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() }
  } catch (reason) {
    return { ok: false, problem: problemIn(reason) }
  }
}

const valueOf = <T>(result: Parsed<T>): readonly T[] => (result.ok ? [result.value] : [])

/** A place in a channel. */
export const toSeq = (value: unknown): number | null => toWhole(value, 1)
export const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null
const positive = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null)

/** Milliseconds since the epoch, an ISO 8601 text as many servers send it, or the `Date` that some parsers keep. */
export function toMillis(value: unknown): number | null {
  const millis = typeof value === 'string' ? toWhole(value, 0) ?? Date.parse(value) : value instanceof Date ? value.getTime() : value
  return typeof millis === 'number' && Number.isFinite(millis) && Math.abs(millis) <= 8.64e15 ? millis : null
}

/** An own member, and never one that the prototype lends. */
export const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

const fieldsIn = (raw: unknown, what: string): Fields => (isFields(raw) ? raw : refuse(`${what} must be an object`))

function idIn(fields: Fields, name: string): string {
  const id = own(fields, name)
  return isId(id) ? id : refuse(`${name} must be a non-empty string`)
}

/** Null when there are none, as in most messages. */
function extraFields(raw: Fields): Fields | null {
  let extra: { [field: string]: unknown } | null = null
  for (const name of Object.keys(raw)) {
    if (NO_EXTRA_FIELDS.has(name) || raw[name] === undefined) continue
    if (!isJson(raw[name])) refuse('an extra field holds what JSON cannot carry')
    extra ??= {}
    extra[name] = raw[name]
  }
  return extra
}

export function parseMessage<X extends Extra>(raw: unknown, parseExtra: ParseExtra<X> | undefined): WireMessage<X> {
  const given = fieldsIn(raw, 'a message')
  const id = idIn(given, 'id')
  const channelId = idIn(given, 'channelId')
  const userId = idIn(given, 'userId')
  const content = own(given, 'content')
  const place = own(given, 'seq')
  const seq = toSeq(place)
  const createdAt = toMillis(own(given, 'createdAt'))
  if (typeof content !== 'string') refuse('content must be a string')
  if (createdAt === null) refuse('createdAt must be milliseconds or ISO 8601')
  if (!isAbsent(place) && seq === null) refuse('seq must be a whole number from 1')
  const extra = extraFields(given)
  const checked = parseExtra ? parseExtra(extra ?? {}) : extra
  const fields = seq !== null ? { id, channelId, userId, content, createdAt, seq } : { id, channelId, userId, content, createdAt }
  // A spread costs more than all the checks: it is for messages that have something to spread.
  return (checked ? { ...checked, ...fields } : fields) as WireMessage<X>
}

export function parseReceipt(kind: ReceiptEvent['kind'], raw: unknown): ReceiptEvent {
  const fields = fieldsIn(raw, 'a receipt')
  const messageId = own(fields, 'messageId')
  const seq = toSeq(own(fields, 'seq'))
  const isNamed = isAbsent(own(fields, 'channelId')) && isId(messageId) && isAbsent(own(fields, 'seq'))
  const channelId = isNamed ? '' : idIn(fields, 'channelId')
  // A server that does not say who has read it means somebody other than the sender.
  const userId = isAbsent(own(fields, 'userId')) ? '' : idIn(fields, 'userId')
  if (seq !== null) return { kind, channelId, userId, seq }
  return { kind, channelId, userId, messageId: isId(messageId) ? messageId : refuse('a receipt needs a seq or a messageId') }
}

export function parseSession(raw: unknown): SessionAnnouncement {
  const fields = fieldsIn(raw, 'a session')
  const listed = own(fields, 'capabilities')
  if (!Array.isArray(listed) || listed.length > MAX_CAPABILITIES || !Array.from(listed).every(isId)) refuse('capabilities must be a list of names')
  return {
    capabilities: [...listed],
    maxMessageBytes: positive(own(fields, 'maxMessageBytes')),
    dedupWindowMs: positive(own(fields, 'dedupWindowMs')),
    tokenExpiresAt: toMillis(own(fields, 'tokenExpiresAt')),
  }
}

/** Whether and when to try again, as far as the server says so. */
export function retryHints(refusal: Fields): { readonly retryable?: boolean; readonly retryAfterMs?: number } {
  const retryable = own(refusal, 'retryable')
  const retryAfterMs = positive(own(refusal, 'retryAfterMs'))
  return {
    ...(typeof retryable === 'boolean' && { retryable }),
    ...(retryAfterMs !== null && { retryAfterMs: Math.min(retryAfterMs, MAX_PAUSE_MS) }),
  }
}

/** A refusal without a word is one for good, like one with words alone. */
function parseError(raw: unknown): SocketErrorBody {
  const isText = typeof raw === 'string'
  if (!isText && !isAbsent(raw) && !isFields(raw)) refuse(NOT_AN_ACK)
  const fields = fieldsOf(raw)
  const code = own(fields, 'code')
  const message = isText ? raw : own(fields, 'message')
  return {
    code: isId(code) ? code : 'rejected',
    message: typeof message === 'string' ? message.slice(0, MAX_REASON_LENGTH) : 'the server gave no reason',
    ...retryHints(fields),
  }
}

export function parseResponse(raw: unknown): Answer {
  const fields = fieldsOf(raw)
  const success = own(fields, 'success')
  if (success === true) return { data: fieldsOf(own(fields, 'data')) }
  return success === false ? { error: parseError(own(fields, 'error')) } : refuse(NOT_AN_ACK)
}

/** Members' watermarks of a sync page: a list, or an object by user. */
function parsePageReceipts(raw: unknown, channelId: string): readonly Parsed<ReceiptEvent>[] {
  const list = Array.isArray(raw) ? Array.from<unknown>(raw) : isFields(raw) ? Object.entries(raw).map(([userId, marks]) => ({ ...fieldsOf(marks), userId })) : isAbsent(raw) ? [] : [raw]
  return list.flatMap((item): readonly Parsed<ReceiptEvent>[] => {
    const fields = fieldsOf(item)
    const user = parsed(() => idIn(fields, 'userId'))
    if (!user.ok) return [user]
    return (['delivered', 'read'] as const).flatMap((kind) => {
      const given = own(fields, kind)
      if (isAbsent(given) || toWhole(given, 0) === 0) return []
      return [parsed(() => ({ kind, channelId, userId: user.value, seq: toSeq(given) ?? refuse(`${kind} must be a whole number from 0`) }))]
    })
  })
}

export interface ParsedPage<X extends Extra> {
  readonly page: Page<X>
  /** Why messages and receipts of the page were dropped, one for each. */
  readonly problems: readonly string[]
  /** The places of its messages, those that were dropped among them. */
  readonly seqs: readonly number[]
}

export function parsePage<X extends Extra>(data: Fields, channelId: string, parseExtra: ParseExtra<X> | undefined): ParsedPage<X> {
  const listed = own(data, 'messages')
  if (!Array.isArray(listed)) refuse('messages must be a list')
  const raws = Array.from<unknown>(listed)
  const messages = raws.map((raw) => parsed(() => {
    const message = parseMessage(raw, parseExtra)
    return message.channelId === channelId ? message : refuse('a page holds a message of another channel')
  }))
  const receipts = parsePageReceipts(own(data, 'receipts'), channelId)
  return {
    // What a full window pushes out is told by the first of them.
    page: { messages: messages.flatMap(valueOf).sort(compareMessages), receipts: receipts.flatMap(valueOf), latest: toWhole(own(data, 'latest'), 0), more: own(data, 'more') === true },
    problems: [...messages, ...receipts].flatMap((result) => (result.ok ? [] : [result.problem])),
    seqs: raws.flatMap((raw) => toSeq(own(fieldsOf(raw), 'seq')) ?? []),
  }
}
