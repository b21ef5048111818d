/**
 * What must be dropped, written once more from PROTOCOL.md and independently of `transport/wire.ts`:
 * whatever this refuses must be counted, and whatever it accepts must not.
 */
type Fields = { readonly [name: string]: unknown }

const MAX_DEPTH = 32
const LIBRARY_FIELDS = ['id', 'channelId', 'userId', 'content', 'createdAt', 'seq', 'status', 'stored', 'attempts', 'nextAttemptAt', 'failure', '__proto__', 'constructor', 'prototype']

export const fieldsOf = (value: unknown): Record<string, unknown> | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.assign(Object.create(null), value) as Record<string, unknown>
}
const isName = (value: unknown): boolean => typeof value === 'string' && value.length >= 1 && value.length <= 512
const isMissing = (value: unknown): boolean => value === null || value === undefined
const wholeOf = (value: unknown): unknown => (typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : value)
const isPlace = (value: unknown): boolean => Number.isSafeInteger(wholeOf(value)) && Number(value) >= 1

function isMoment(value: unknown): boolean {
  // A parser that keeps dates gives them.
  if (value instanceof Date) return isMoment(value.getTime())
  const moment = typeof value === 'string' ? new Date(value).getTime() : value
  return typeof moment === 'number' && moment >= -8.64e15 && moment <= 8.64e15
}

function survivesJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string': case 'boolean': return true
    case 'number': return Number.isFinite(value)
    case 'object': break
    default: return false
  }
  if (value === null) return true
  if (depth > MAX_DEPTH) return false
  if (Array.isArray(value)) return Object.keys(value).length === value.length && Array.from(value).every((item) => survivesJson(item, depth + 1))
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) return false
  return Object.values(value).every((item) => item === undefined || survivesJson(item, depth + 1))
}

export function isMessage(raw: unknown): boolean {
  const fields = fieldsOf(raw)
  if (!fields) return false
  return isName(fields['id']) && isName(fields['channelId']) && isName(fields['userId']) && typeof fields['content'] === 'string'
    && isMoment(fields['createdAt']) && (isMissing(fields['seq']) || isPlace(fields['seq']))
    && Object.keys(fields).every((name) => LIBRARY_FIELDS.includes(name) || fields[name] === undefined || survivesJson(fields[name]))
}

function isReceipt(raw: unknown): boolean {
  const fields = fieldsOf(raw)
  if (!fields) return false
  const { channelId, userId, seq, messageId } = fields
  if (!isMissing(userId) && !isName(userId)) return false
  if (isName(channelId)) return isPlace(seq) || isName(messageId)
  return isMissing(channelId) && isMissing(seq) && isName(messageId)
}

function isSession(raw: unknown): boolean {
  const listed = fieldsOf(raw)?.['capabilities']
  return Array.isArray(listed) && listed.length <= 64 && Array.from(listed).every(isName)
}

/** How many watermarks of a page cannot be read. */
export function countBadMarks(raw: unknown): number {
  if (isMissing(raw)) return 0
  const byUser = fieldsOf(raw)
  if (!Array.isArray(raw) && !byUser) return 1
  const members: readonly (Fields | null)[] = Array.isArray(raw) ? Array.from(raw, fieldsOf) : Object.entries(byUser ?? {}).map(([userId, marks]) => ({ ...fieldsOf(marks), userId }))
  return members.reduce((bad, member) => {
    if (!member || !isName(member['userId'])) return bad + 1
    return bad + [member['delivered'], member['read']].filter((place) => !isMissing(place) && wholeOf(place) !== 0 && !isPlace(place)).length
  }, 0)
}

/** Whether an inbound event is to be applied. */
export function isAcceptable(event: string, payload: unknown): boolean {
  switch (event) {
    case 'message:new': return isMessage(payload)
    case 'message:delivered': case 'message:read': return isReceipt(payload)
    case 'session': return isSession(payload)
    // Nothing in an expiry notice is needed, and an unknown event is none of ours.
    default: return true
  }
}

export type Verdict = 'unreadable' | 'refused' | 'accepted'

export function judgeResponse(raw: unknown): { readonly verdict: Verdict; readonly data: Fields; readonly code: unknown } {
  const fields = fieldsOf(raw)
  const data = fieldsOf(fields?.['data']) ?? {}
  const error = fields?.['error']
  if (fields?.['success'] === true) return { verdict: 'accepted', data, code: null }
  const isError = fields?.['success'] === false && (typeof error === 'string' || isMissing(error) || fieldsOf(error) !== null)
  return { verdict: isError ? 'refused' : 'unreadable', data, code: fieldsOf(error)?.['code'] }
}

/** An accepted `message:send` names its message, or none. */
export const isAckOf = (id: unknown, data: Fields): boolean => isMissing(data['id']) || data['id'] === id
