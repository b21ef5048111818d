import type { Extra, MessageFields, WireMessage } from '../model'

/** What a message and its view get from the library: no extra field may have such a name. */
export const OWN_FIELDS = ['id', 'userId', 'createdAt', 'seq', 'status', 'stored', 'attempts', 'nextAttemptAt', 'failure']

/*
 * Messages without extra fields are written out, always in the order in which the parser does it: a spread costs V8 more than all else that
 * sending or acknowledging a message does, and each order of fields is a shape of its own.
 */

/** Whether there are no more than so many fields: those that each message has. */
export function hasOnly(count: number, fields: object): boolean {
  let left = count
  for (const _field in fields) if (--left < 0) return false
  return true
}

/** What was composed, as its author's message. */
export function authored<X extends Extra>(composed: Omit<MessageFields, 'userId'>, userId: string): WireMessage<X> {
  if (!hasOnly(4, composed)) return { ...composed, userId } as unknown as WireMessage<X>
  const { id, channelId, content, createdAt } = composed
  return { id, channelId, userId, content, createdAt } as WireMessage<X>
}

/** A message whose place another one has. */
export function unplaced<X extends Extra>(message: WireMessage<X>): WireMessage<X> {
  const { seq: _taken, ...fields } = message
  return fields as unknown as WireMessage<X>
}

/** A message as the server has placed it in its channel; without a `seq`, only its time may be another. */
export function placed<X extends Extra>(message: WireMessage<X>, createdAt: number, seq: number | undefined): WireMessage<X> {
  if (seq === undefined) return createdAt === message.createdAt ? message : { ...message, createdAt }
  if (!hasOnly(5, message)) return { ...message, createdAt, seq }
  const { id, channelId, userId, content } = message
  return { id, channelId, userId, content, createdAt, seq } as WireMessage<X>
}

/** About how many characters it takes up on its way: its text, or all of it where an app adds fields of its own. */
export const lengthOf = (message: WireMessage): number => (hasOnly(5, message) ? message.content : JSON.stringify(message)).length
