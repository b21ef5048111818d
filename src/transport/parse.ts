import type { Extra, Page, ReceiptEvent, SocketErrorBody, SocketResponse, WireMessage } from '../model'
import { MAX_PAUSE_MS } from '../policy/backoff'
import { fieldsOf, isFields, isJson, toWhole, type Fields } from '../policy/json'
import { isId } from '../policy/keys'
import { OWN_FIELDS } from '../policy/message'
import { compareMessages } from '../policy/timeline'

/** Checks and narrows a message's extra fields; a throw drops the message. */
export type ParseExtra<X extends Extra> = (extra: { readonly [field: string]: unknown }) => X

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }

export interface SessionAnnouncement {
  readonly capabilities: readonly string[]
  readonly maxMessageBytes: number | null
  readonly dedupWindowMs: number | null
  readonly tokenExpiresAt: number | null
}

const MAX_CAPABILITIES = 64
/** A refusal's text is kept in the state: it may not be without end. */
const MAX_REASON_LENGTH = 1_000
const NO_REASON = 'the server gave no reason'
const NO_EXTRA_FIELDS = new Set([...OWN_FIELDS, 'channelId', 'content', '__proto__', 'constructor', 'prototype'])

export const good = <T>(value: T): Parsed<T> => ({ ok: true, value })
export const bad = (problem: string): Parsed<never> => ({ ok: false, problem })
export const mapped = <T, U>(parsed: Parsed<T>, map: (value: T) => U): Parsed<U> => (parsed.ok ? good(map(parsed.value)) : parsed)
const badId = (name: string): Parsed<never> => bad(`${name} must be a non-empty string`)
const BAD_ACK = bad('an acknowledgement must be { success, data } or { success, error }')
const valueOf = <T>(parsed: Parsed<T>): readonly T[] => (parsed.ok ? [parsed.value] : [])

/** A place in a channel. */
export const toSeq = (value: unknown): number | null => toWhole(value, 1)
export const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null
const positive = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null)

/** Milliseconds since the epoch, or an ISO 8601 text as many servers send it. */
export function toMillis(value: unknown): number | null {
  const millis = typeof value === 'string' ? Date.parse(value) : value
  return typeof millis === 'number' && Number.isFinite(millis) && Math.abs(millis) <= 8.64e15 ? millis : null
}

/** An own member, and never one that the prototype lends. */
export const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

const NO_EXTRA: Fields = Object.freeze({})

function extraFields(raw: Fields): Fields | null {
  let extra: { [field: string]: unknown } | null = null
  for (const name of Object.keys(raw)) {
    if (NO_EXTRA_FIELDS.has(name) || raw[name] === undefined) continue
    if (!isJson(raw[name])) return null
    extra ??= {}
    extra[name] = raw[name]
  }
  return extra ?? NO_EXTRA
}

export function parseMessage<X extends Extra>(raw: unknown, parseExtra: ParseExtra<X> | undefined): Parsed<WireMessage<X>> {
  if (!isFields(raw)) return bad('a message must be an object')
  const id = own(raw, 'id')
  const channelId = own(raw, 'channelId')
  const userId = own(raw, 'userId')
  const content = own(raw, 'content')
  const given = own(raw, 'seq')
  const seq = toSeq(given)
  const createdAt = toMillis(own(raw, 'createdAt'))
  if (!isId(id) || !isId(channelId) || !isId(userId)) return bad('id, channelId and userId must be non-empty strings')
  if (typeof content !== 'string') return bad('content must be a string')
  if (createdAt === null) return bad('createdAt must be milliseconds or ISO 8601')
  if (!isAbsent(given) && seq === null) return bad('seq must be a whole number from 1')
  const extra = extraFields(raw)
  if (!extra) return bad('an extra field holds what JSON cannot carry')
  try {
    const checked = parseExtra ? parseExtra(extra === NO_EXTRA ? {} : extra) : extra
    const fields = seq !== null ? { id, channelId, userId, content, createdAt, seq } : { id, channelId, userId, content, createdAt }
    // A spread costs more than all the checks: it is for messages that have something to spread.
    return good((checked === NO_EXTRA ? fields : { ...checked, ...fields }) as WireMessage<X>)
  } catch {
    return bad('parseExtra refused the extra fields')
  }
}

export function parseReceipt(kind: ReceiptEvent['kind'], raw: unknown): Parsed<ReceiptEvent> {
  if (!isFields(raw)) return bad('a receipt must be an object')
  const channelId = own(raw, 'channelId')
  const userId = own(raw, 'userId')
  const given = own(raw, 'seq')
  const seq = toSeq(given)
  const messageId = own(raw, 'messageId')
  const named = isAbsent(channelId) && isId(messageId) && isAbsent(given)
  if (!isId(channelId) && !named) return badId('channelId')
  if (!isAbsent(userId) && !isId(userId)) return badId('userId')
  // A server that does not say who has read it means somebody other than the sender.
  const from = { kind, channelId: isId(channelId) ? channelId : '', userId: isId(userId) ? userId : '' }
  if (seq !== null) return good({ ...from, seq })
  return isId(messageId) ? good({ ...from, messageId }) : bad('a receipt needs a seq or a messageId')
}

export function parseSession(raw: unknown): Parsed<SessionAnnouncement> {
  if (!isFields(raw)) return bad('a session must be an object')
  const listed = own(raw, 'capabilities')
  if (!Array.isArray(listed) || listed.length > MAX_CAPABILITIES || !Array.from(listed).every(isId)) return bad('capabilities must be a list of names')
  return good({
    capabilities: [...listed],
    maxMessageBytes: positive(own(raw, 'maxMessageBytes')),
    dedupWindowMs: positive(own(raw, 'dedupWindowMs')),
    tokenExpiresAt: toMillis(own(raw, 'tokenExpiresAt')),
  })
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

function parseErrorBody(raw: unknown): SocketErrorBody | string | null {
  if (typeof raw === 'string') return raw.slice(0, MAX_REASON_LENGTH)
  // A refusal without a word is one for good, like one with words alone.
  if (isAbsent(raw)) return { code: 'rejected', message: NO_REASON }
  if (!isFields(raw)) return null
  const [code, message] = [own(raw, 'code'), own(raw, 'message')]
  return {
    code: isId(code) ? code : 'rejected',
    message: typeof message === 'string' ? message.slice(0, MAX_REASON_LENGTH) : NO_REASON,
    ...retryHints(raw),
  }
}

export function parseResponse(raw: unknown): Parsed<SocketResponse<Fields>> {
  if (!isFields(raw)) return BAD_ACK
  const success = own(raw, 'success')
  if (success === true) return good({ success: true, data: fieldsOf(own(raw, 'data')) })
  const error = success === false ? parseErrorBody(own(raw, 'error')) : null
  return error === null ? BAD_ACK : good({ success: false, error })
}

/** Members' watermarks of a sync page: a list, or an object by user. */
function parsePageReceipts(raw: unknown, channelId: string): readonly Parsed<ReceiptEvent>[] {
  const list = Array.isArray(raw) ? Array.from(raw) : isFields(raw) ? Object.entries(raw).map(([userId, marks]) => ({ ...fieldsOf(marks), userId })) : isAbsent(raw) ? [] : [raw]
  return list.flatMap((item): readonly Parsed<ReceiptEvent>[] => {
    const userId = isFields(item) ? own(item, 'userId') : undefined
    if (!isFields(item) || !isId(userId)) return [badId('userId')]
    return (['delivered', 'read'] as const).flatMap((kind) => {
      const given = own(item, kind)
      const seq = toWhole(given, 0)
      if (isAbsent(given) || seq === 0) return []
      return [seq !== null ? good({ kind, channelId, userId, seq }) : bad(`${kind} must be a whole number from 0`)]
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

export function parsePage<X extends Extra>(data: Fields, channelId: string, parseExtra: ParseExtra<X> | undefined): Parsed<ParsedPage<X>> {
  const listed = own(data, 'messages')
  if (!Array.isArray(listed)) return bad('messages must be a list')
  const raws = Array.from<unknown>(listed)
  const parsed = raws.map((raw) => ofChannel(parseMessage(raw, parseExtra), channelId))
  const receipts = parsePageReceipts(own(data, 'receipts'), channelId)
  return good({
    // What a full window pushes out is told by the first of them.
    page: { messages: parsed.flatMap(valueOf).sort(compareMessages), receipts: receipts.flatMap(valueOf), latest: toWhole(own(data, 'latest'), 0), more: own(data, 'more') === true },
    problems: [...parsed, ...receipts].flatMap((result) => (result.ok ? [] : [result.problem])),
    seqs: raws.flatMap((raw) => toSeq(own(fieldsOf(raw), 'seq')) ?? []),
  })
}

const ofChannel = <X extends Extra>(parsed: Parsed<WireMessage<X>>, channelId: string): Parsed<WireMessage<X>> =>
  parsed.ok && parsed.value.channelId !== channelId ? bad('a page holds a message of another channel') : parsed
