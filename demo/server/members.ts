import type { Database, Query } from './database'
import { notMember } from './store'

/** Everything up to `seq` has been delivered to, or read by, a member. */
export type WatermarkKind = 'delivered' | 'read'

export interface Watermarks {
  readonly userId: string
  readonly delivered: number
  readonly read: number
}

export interface NewChannel {
  readonly id: string
  readonly name: string
  /** Whoever signs in becomes a member. */
  readonly isOpen?: boolean
}

export interface MemberStore {
  /** Rejects with `forbidden` unless the user is a member. */
  assertMember(channelId: string, userId: string): Promise<void>
  channelsOf(userId: string): Promise<string[]>
  /** Makes a verified user known and a member of every open channel. */
  welcome(userId: string): Promise<void>
  /** Creates the channel and the users as needed. */
  addMembers(channel: NewChannel, userIds: readonly string[]): Promise<void>
  membersOf(channelId: string): Promise<string[]>
  /** Raises a watermark, never lowers it, never past the channel's end; resolves to where it is and whether it moved. */
  raise(kind: WatermarkKind, channelId: string, userId: string, seq: number): Promise<{ seq: number; advanced: boolean }>
  seqOf(channelId: string, messageId: string): Promise<number | null>
  watermarks(channelId: string): Promise<Watermarks[]>
  isKnown(userId: string): Promise<boolean>
}

export function createMemberStore({ query, transaction }: Database): MemberStore {
  return {
    async assertMember(channelId, userId) {
      const rows = await query('select 1 from members where channel_id = $1 and user_id = $2', [channelId, userId])
      if (rows.length === 0) throw notMember()
    },
    channelsOf: async (userId) =>
      (await query<{ id: string }>('select channel_id as id from members where user_id = $1', [userId])).map((row) => row.id),
    welcome: (userId) => transaction((q) => welcome(q, userId)),
    addMembers: (channel, userIds) => transaction((q) => addMembers(q, channel, userIds)),
    membersOf: async (channelId) => (await query<{ id: string }>(
      'select user_id as id from members where channel_id = $1 order by user_id', [channelId])).map((row) => row.id),
    raise: (kind, channelId, userId, seq) => raise(query, kind, channelId, userId, seq),
    async seqOf(channelId, messageId) {
      const [row] = await query<{ seq: number }>('select seq from messages where id = $1 and channel_id = $2', [messageId, channelId])
      return row?.seq ?? null
    },
    watermarks: (channelId) => query<Watermarks>(
      'select user_id as "userId", delivered, read from members where channel_id = $1 order by user_id', [channelId]),
    isKnown: async (userId) => (await query('select 1 from users where id = $1', [userId])).length > 0,
  }
}

async function welcome(query: Query, userId: string): Promise<void> {
  await query('insert into users (id, name) values ($1, $1) on conflict do nothing', [userId])
  await query(
    `insert into members (channel_id, user_id) select id, $1 from channels where is_open on conflict do nothing`, [userId])
}

async function addMembers(query: Query, { id, name, isOpen = false }: NewChannel, userIds: readonly string[]): Promise<void> {
  await query('insert into channels (id, name, is_open) values ($1, $2, $3) on conflict do nothing', [id, name, isOpen])
  for (const userId of userIds) {
    await query('insert into users (id, name) values ($1, $1) on conflict do nothing', [userId])
    await query('insert into members (channel_id, user_id) values ($1, $2) on conflict do nothing', [id, userId])
  }
}

// One statement: two raises at once cannot undo each other. What is read is delivered too.
const RAISE: Record<WatermarkKind, string> = {
  delivered: `update members m set delivered = least($3::bigint, c.seq) from channels c
    where c.id = m.channel_id and m.channel_id = $1 and m.user_id = $2 and m.delivered < least($3::bigint, c.seq)
    returning m.delivered as seq`,
  read: `update members m set read = least($3::bigint, c.seq), delivered = greatest(m.delivered, least($3::bigint, c.seq)) from channels c
    where c.id = m.channel_id and m.channel_id = $1 and m.user_id = $2 and m.read < least($3::bigint, c.seq)
    returning m.read as seq`,
}

const CURRENT: Record<WatermarkKind, string> = {
  delivered: 'select delivered as seq from members where channel_id = $1 and user_id = $2',
  read: 'select read as seq from members where channel_id = $1 and user_id = $2',
}

async function raise(
  query: Query, kind: WatermarkKind, channelId: string, userId: string, seq: number,
): Promise<{ seq: number; advanced: boolean }> {
  const [raised] = await query<{ seq: number }>(RAISE[kind], [channelId, userId, seq])
  if (raised !== undefined) return { seq: raised.seq, advanced: true }
  const [current] = await query<{ seq: number }>(CURRENT[kind], [channelId, userId])
  if (current === undefined) throw notMember()
  return { seq: current.seq, advanced: false }
}
