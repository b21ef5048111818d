import type { MessageFields } from '../model'

/** A committed message as the memory server keeps it, the app's extra fields included. */
export interface LogMessage extends MessageFields {
  readonly seq: number
  readonly [field: string]: unknown
}

/** A message on its way into the log. */
export interface NewMessage extends MessageFields {
  readonly [field: string]: unknown
}

/** How far a member has got; 0 is nothing. */
export interface ReceiptMarks {
  readonly delivered: number
  readonly read: number
}

/** One member's watermarks, as a sync page carries them. */
export interface MemberMarks extends ReceiptMarks {
  readonly userId: string
}

/** What a server must not lose: one contiguous log per channel, its index by id, and the members' watermarks. */
export interface MemoryLog {
  messages(channelId: string): readonly LogMessage[]
  /** Gives the message the channel's next `seq`. Does not look for duplicates: that is what `find` is for. */
  commit(message: NewMessage): LogMessage
  find(id: string): LogMessage | undefined
  /** The `limit` messages after `after`, oldest first. */
  after(channelId: string, after: number, limit: number): readonly LogMessage[]
  /** The `limit` messages before `before`, oldest first. */
  before(channelId: string, before: number, limit: number): readonly LogMessage[]
  /** Raises a watermark, never past the log's end; false when it stood there already. */
  raise(kind: 'delivered' | 'read', channelId: string, userId: string, seq: number): boolean
  marks(channelId: string, userId: string): ReceiptMarks
  receipts(channelId: string): readonly MemberMarks[]
  /** Forgets which ids were committed: the server that duplicates. */
  forgetIds(): void
  clear(): void
}

const NO_MARKS: ReceiptMarks = { delivered: 0, read: 0 }

export function createMemoryLog(): MemoryLog {
  const channels = new Map<string, LogMessage[]>()
  const byId = new Map<string, LogMessage>()
  const marks = new Map<string, Map<string, ReceiptMarks>>()

  const messages = (channelId: string): readonly LogMessage[] => channels.get(channelId) ?? []
  const marksOf = (channelId: string, userId: string) => marks.get(channelId)?.get(userId) ?? NO_MARKS

  const commit = (message: NewMessage): LogMessage => {
    const channel = channels.get(message.channelId) ?? []
    const row: LogMessage = { ...message, seq: channel.length + 1 }
    channel.push(row)
    channels.set(message.channelId, channel)
    // The first owner of an id keeps it: a message that bears the id of another never takes its place.
    if (!byId.has(row.id)) byId.set(row.id, row)
    return row
  }

  const raise: MemoryLog['raise'] = (kind, channelId, userId, seq) => {
    const reached = Math.min(seq, messages(channelId).length)
    const old = marksOf(channelId, userId)
    if (!(reached > old[kind])) return false
    const members = marks.get(channelId) ?? new Map<string, ReceiptMarks>()
    marks.set(channelId, members.set(userId, {
      delivered: Math.max(old.delivered, reached),
      read: kind === 'read' ? reached : old.read,
    }))
    return true
  }

  return {
    messages,
    commit,
    find: (id) => byId.get(id),
    after: (channelId, after, limit) => messages(channelId).slice(after, after + limit),
    before(channelId, before, limit) {
      const end = Math.min(before - 1, messages(channelId).length)
      return messages(channelId).slice(Math.max(0, end - limit), Math.max(0, end))
    },
    raise,
    marks: marksOf,
    receipts: (channelId) => [...(marks.get(channelId) ?? [])].map(([userId, member]) => ({ userId, ...member })),
    forgetIds: () => byId.clear(),
    clear() {
      channels.clear()
      byId.clear()
      marks.clear()
    },
  }
}
