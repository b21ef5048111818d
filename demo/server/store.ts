import { isDeepStrictEqual } from 'node:util'
import type { Database, Query } from './database'
import { forbidden, refuseForGood, sqlState } from './refusal'

/** A message to commit: `extra` holds the app's own fields, `createdAt` is ms since the epoch. */
export interface NewMessage {
  readonly id: string
  readonly channelId: string
  readonly userId: string
  readonly content: string
  readonly createdAt: number
  readonly extra: Readonly<Record<string, unknown>>
}

/** A message as every member sees it. */
export interface StoredMessage {
  readonly id: string
  readonly channelId: string
  readonly userId: string
  readonly content: string
  readonly createdAt: number
  readonly seq: number
  readonly [extra: string]: unknown
}

export interface MessagePage {
  readonly messages: StoredMessage[]
  readonly more: boolean
}

export interface MessageStore {
  /** Commits once: a duplicate resolves to what was committed first, with `isNew` false. */
  commit(message: NewMessage): Promise<{ message: StoredMessage; isNew: boolean }>
  /** Ascending, from just after `after`; `latest` is the channel's last number. */
  pageAfter(channelId: string, after: number, limit: number): Promise<MessagePage & { latest: number }>
  /** Ascending, up to just before `before` (null: from the newest). */
  pageBefore(channelId: string, before: number | null, limit: number): Promise<MessagePage>
}

interface Row {
  readonly id: string
  readonly channel_id: string
  readonly user_id: string
  readonly seq: number
  readonly body: string
  readonly created_at: number
}

const UNIQUE_VIOLATION = '23505'

export function createMessageStore(database: Database): MessageStore {
  return {
    async commit(message) {
      try {
        return await database.transaction((query) => commitOnce(query, message))
      } catch (error) {
        // The id was committed in another channel between our look and our insert.
        if (sqlState(error) === UNIQUE_VIOLATION) throw conflict()
        throw error
      }
    },
    pageAfter: (channelId, after, limit) => pageAfter(database.query, channelId, after, limit),
    pageBefore: (channelId, before, limit) => pageBefore(database.query, channelId, before, limit),
  }
}

/**
 * The order of the four statements is the whole guarantee: the row lock makes writers of one channel take turns, so the
 * duplicate is found before a number is spent, and numbers are contiguous in commit order.
 */
async function commitOnce(query: Query, message: NewMessage): Promise<{ message: StoredMessage; isNew: boolean }> {
  const { id, channelId, userId, content, extra } = message
  await lockChannel(query, channelId, userId)
  const [known] = await query<Row>('select * from messages where id = $1', [id])
  if (known !== undefined) return { message: sameOrConflict(known, message), isNew: false }
  const [channel] = await query<{ seq: number }>('update channels set seq = seq + 1 where id = $1 returning seq', [channelId])
  if (channel === undefined) throw notMember()
  const createdAt = plausible(message.createdAt, Date.now())
  const body = JSON.stringify({ ...extra, content })
  await query(
    'insert into messages (id, channel_id, seq, user_id, body, created_at) values ($1, $2, $3, $4, $5, $6)',
    [id, channelId, channel.seq, userId, body, createdAt])
  return { message: toMessage({ id, channel_id: channelId, seq: channel.seq, user_id: userId, body, created_at: createdAt }), isNew: true }
}

async function lockChannel(query: Query, channelId: string, userId: string): Promise<void> {
  const rows = await query(
    `select c.id from channels c join members m on m.channel_id = c.id and m.user_id = $2
     where c.id = $1 for update of c`, [channelId, userId])
  if (rows.length === 0) throw notMember()
}

// `createdAt` is not compared: the stored one may be the server's.
function sameOrConflict(known: Row, { channelId, userId, content, extra }: NewMessage): StoredMessage {
  const isSame = known.channel_id === channelId && known.user_id === userId
    && isDeepStrictEqual(JSON.parse(known.body), JSON.parse(JSON.stringify({ ...extra, content })))
  if (!isSame) throw conflict()
  return toMessage(known)
}

const conflict = () => refuseForGood('conflict', 'unable to send: this id belongs to a different message; send it under a new id')

// One answer for "no such channel" and "not a member": whoever is not a member learns nothing.
export const notMember = () => forbidden('unable to use this channel: you are not a member of it')

const YEAR_2000_MS = 946_684_800_000
const DAY_MS = 86_400_000

/** The sender's time as it is (messages may wait long in an outbox), unless no clock can have meant it. */
function plausible(createdAt: number, now: number): number {
  const isPlausible = Number.isSafeInteger(createdAt) && createdAt >= YEAR_2000_MS && createdAt <= now + DAY_MS
  return isPlausible ? createdAt : now
}

const toMessage = (row: Row): StoredMessage => ({
  ...JSON.parse(row.body),
  id: row.id, channelId: row.channel_id, userId: row.user_id, createdAt: row.created_at, seq: row.seq,
})

async function pageAfter(query: Query, channelId: string, after: number, limit: number): Promise<MessagePage & { latest: number }> {
  const rows = await query<Row>(
    'select * from messages where channel_id = $1 and seq > $2 order by seq limit $3', [channelId, after, limit])
  // Read after the page: a message that came in between makes `more` true instead of going unnoticed.
  const [channel] = await query<{ seq: number }>('select seq from channels where id = $1', [channelId])
  const latest = channel?.seq ?? 0
  const last = rows[rows.length - 1]?.seq ?? latest
  return { messages: rows.map(toMessage), latest, more: last < latest }
}

async function pageBefore(query: Query, channelId: string, before: number | null, limit: number): Promise<MessagePage> {
  const rows = await query<Row>(
    `select * from (select * from messages where channel_id = $1 and seq < $2 order by seq desc limit $3) as page order by seq`,
    [channelId, before ?? Number.MAX_SAFE_INTEGER, limit])
  const messages = rows.map(toMessage)
  return { messages, more: (messages[0]?.seq ?? 1) > 1 }
}
