import type { Extra, OutboxEntry, OutboxState, ReadMark, SendFailure, WireMessage } from '../model'
import { fieldsOf, isFields, toWhole, type Fields } from '../policy/json'
import { entriesIn, idsIn, type Queue } from '../policy/outbox'
import { EMPTY_SEQUENCE, itemsOf, unlike } from '../policy/sequence'
import { changedKeys, valueAt } from '../policy/table'
import type { StoredRecord, UnreadableRecord } from './record-storage'

/** What this code writes. A record of a higher version was written by newer code and is left alone. */
export const RECORD_VERSION = 1

export interface RestoredOutbox<X extends Extra> {
  /** In dispatch order within each channel; nothing is in flight, all are stored. */
  readonly entries: readonly OutboxEntry<X>[]
  readonly reads: { readonly [channelKey: string]: ReadMark }
  readonly unreadable: readonly UnreadableRecord[]
}

const READ_PREFIX = 'read:'

/** One for each record of each user. */
export const recordKey = ({ userId, id }: { readonly userId: string; readonly id: string }): string => `${userId.length}:${userId}${id}`

/** Times and counts only: leases and `stored` are facts of this life of the tab, not of the message. */
const entryData = <X extends Extra>({ lease: _lease, stored: _stored, ...data }: OutboxEntry<X>): Fields => data

/** Whether the stored form of an entry changed. `attempts` alone is not worth a write: it only names emits of this life. */
const differs = <X extends Extra>(a: OutboxEntry<X>, b: OutboxEntry<X>): boolean =>
  a.message !== b.message || a.order !== b.order || a.spent !== b.spent || a.losses !== b.losses || a.budgetFrom !== b.budgetFrom ||
  a.dedupWindowMs !== b.dedupWindowMs || a.nextAttemptAt !== b.nextAttemptAt || a.failure !== b.failure || a.lastError !== b.lastError

/** One pending change of one record: null removes it. `fresh`: no write of it has been confirmed yet. */
export interface RecordEdit {
  readonly userId: string
  readonly id: string
  readonly record: StoredRecord | null
  readonly fresh: boolean
}

export const removal = (userId: string, id: string): RecordEdit => ({ userId, id, record: null, fresh: false })

/** Messages belong to one tab; a read watermark to the user, whichever tab writes it. */
export const isShared = (id: string): boolean => id.startsWith(READ_PREFIX)

/** Entries mostly change where they stand; only those that do not are looked up. */
function diffQueue<X extends Extra>(
  before: Queue<X>, after: Queue<X>, isKept: (id: string) => boolean, put: (entry: OutboxEntry<X>) => void, remove: (id: string) => void,
): void {
  const chunks = unlike(before, after)
  const [old, now] = [itemsOf(before, chunks.start, chunks.oldEnd), itemsOf(after, chunks.start, chunks.newEnd)]
  const { start, oldEnd, newEnd } = unlike(old, now)
  const isInPlace = (at: number): boolean => at < oldEnd && at < newEnd && old[at]?.message.id === now[at]?.message.id
  let moved: Map<string, OutboxEntry<X>> | undefined
  for (let at = start; at < oldEnd; at++) {
    const entry = old[at] as OutboxEntry<X>
    if (!isInPlace(at)) (moved ??= new Map()).set(entry.message.id, entry)
  }
  for (let at = start; at < newEnd; at++) {
    const entry = now[at] as OutboxEntry<X>
    const { id } = entry.message
    const known = isInPlace(at) ? old[at] : moved?.get(id)
    moved?.delete(id)
    // New here and stored already: it was restored; or it is back from a removal, by a jump in DevTools.
    if (known ? differs(known, entry) : !entry.stored || !isKept(id)) put(entry)
  }
  for (const id of moved?.keys() ?? []) remove(id)
}

/** What changed between two states of one user's outbox, as edits of records. Costs what changed, not what is queued. `isKept`: the device was seen to have it. */
export function diffOutbox<X extends Extra>(
  before: OutboxState<X>, after: OutboxState<X>, userId: string, tabOf: (id: string) => string, isKept: (id: string) => boolean,
): readonly RecordEdit[] {
  const edits: RecordEdit[] = []
  const put = (id: string, data: Fields, fresh: boolean): void => {
    edits.push({ userId, id, record: { userId, id, tab: tabOf(id), version: RECORD_VERSION, data }, fresh })
  }
  const putEntry = (entry: OutboxEntry<X>): void => put(entry.message.id, entryData(entry), !entry.stored)
  const remove = (id: string): void => void edits.push(removal(userId, id))
  for (const key of changedKeys(before.channels, after.channels)) {
    diffQueue(valueAt(before.channels, key) ?? EMPTY_SEQUENCE, valueAt(after.channels, key) ?? EMPTY_SEQUENCE, isKept, putEntry, remove)
  }
  if (before.reads === after.reads) return edits
  for (const key of new Set([...Object.keys(before.reads), ...Object.keys(after.reads)])) {
    const mark = after.reads[key]
    if (mark === before.reads[key]) continue
    // As old as a message would be that was composed in its place.
    if (mark) put(READ_PREFIX + key, { mark, order: after.lastOrder + 1 }, false)
    else remove(READ_PREFIX + key)
  }
  return edits
}

/** Ids of all records that a state stands for. */
export const recordIds = <X extends Extra>(outbox: OutboxState<X>): ReadonlySet<string> =>
  new Set([...Object.keys(outbox.reads).map((key) => READ_PREFIX + key), ...idsIn(outbox)])

export const storedIds = <X extends Extra>(outbox: OutboxState<X>): readonly string[] =>
  entriesIn(outbox).flatMap(({ stored, message }) => (stored ? [message.id] : []))

/** A tab's records that its state does not show, less what waits to be removed. */
export function ownRecords(
  records: readonly StoredRecord[], waiting: readonly RecordEdit[], isOurs: (tab: string) => boolean, shown: Iterable<string>,
): readonly StoredRecord[] {
  const waits = new Map(waiting.map(({ id, record }) => [id, record]))
  const own = new Map([...records.map((record) => [record.id, record] as const), ...waits])
  // A mark is its user's: what waits here is newer than what another has.
  for (const { id, tab } of records) if (!isOurs(tab) && !(isShared(id) && waits.has(id))) own.delete(id)
  for (const id of shown) own.delete(id)
  return [...own.values()].filter((record) => record !== null)
}

const count = (value: unknown): number => toWhole(value, 0) ?? 0

const numberOr = <T>(value: unknown, otherwise: T): number | T => (typeof value === 'number' ? value : otherwise)

function readFailure(value: unknown): SendFailure | null {
  const { code, message, retryable, attempt } = fieldsOf(value)
  if (typeof code !== 'string' || typeof message !== 'string') return null
  return { code, message, retryable: retryable === true, attempt: count(attempt) }
}

function readEntry<X extends Extra>(data: Fields, userId: string): OutboxEntry<X> | null {
  const { message } = data
  if (!isFields(message) || message['userId'] !== userId) return null
  const texts = ['id', 'channelId', 'content'].every((name) => typeof message[name] === 'string')
  if (!texts || typeof message['createdAt'] !== 'number') return null
  return {
    message: message as unknown as WireMessage<X>,
    order: count(data['order']), attempts: count(data['attempts']), spent: count(data['spent']), losses: count(data['losses']),
    budgetFrom: numberOr(data['budgetFrom'], message['createdAt']),
    dedupWindowMs: numberOr(data['dedupWindowMs'], null),
    nextAttemptAt: numberOr(data['nextAttemptAt'], null),
    failure: readFailure(data['failure']), lastError: readFailure(data['lastError']),
    lease: null, stored: true,
  }
}

function readMark(data: Fields): ReadMark | null {
  const { seq, messageId } = fieldsOf(data['mark'])
  const whole = toWhole(seq, 1)
  if (whole !== null) return { seq: whole }
  return typeof messageId === 'string' ? { messageId } : null
}

/** The place of a record's message or mark in the order in which they were composed; NaN of any other record. */
export const orderOf = ({ data }: StoredRecord): number => Number(fieldsOf(data)['order'])

/** Reads what can be understood; the rest is named and left where it is. */
export function readRecords<X extends Extra>(userId: string, records: readonly StoredRecord[], unreadable: readonly UnreadableRecord[]): RestoredOutbox<X> {
  const entries: OutboxEntry<X>[] = []
  const reads: { [key: string]: ReadMark } = {}
  const refused = [...unreadable]
  for (const { id, version, data } of records) {
    const fields = fieldsOf(data)
    const mark = isShared(id) ? readMark(fields) : null
    const entry = mark ? null : readEntry<X>(fields, userId)
    if (!(version <= RECORD_VERSION)) refused.push({ id, reason: 'newer_version' })
    else if (mark) reads[id.slice(READ_PREFIX.length)] = mark
    else if (entry && entry.message.id === id) entries.push(entry)
    else refused.push({ id, reason: 'corrupt' })
  }
  entries.sort((a, b) => a.order - b.order || a.message.createdAt - b.message.createdAt)
  return { entries, reads, unreadable: refused }
}
