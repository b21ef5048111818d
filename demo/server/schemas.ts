import { z } from 'zod'
import { isJson } from '../../src/policy/json'
import { refuseForGood } from './refusal'

/** Ids travel into SQL, room names and other clients: short, and free of control characters and lone surrogates. */
const id = z.string().regex(/^\P{C}{1,128}$/u, 'an id has 1 to 128 printable characters')

const seq = z.int().min(0)

/** How many messages a page holds at most, whatever is asked for. */
const MAX_PAGE = 200
const limit = z.int().min(1).default(50).transform((asked) => Math.min(asked, MAX_PAGE))

export const sendSchema = z.looseObject({
  id, channelId: id, userId: id.optional(), content: z.string(), createdAt: z.number(),
}).refine((message) => isJson(message), 'a message is plain JSON, at most 32 levels deep')

const mark = z.object({ channelId: id, seq: seq.optional(), messageId: id.optional() })
export const markSchema = mark.refine(
  ({ seq: place, messageId }) => place !== undefined || messageId !== undefined, 'a receipt names a seq or a messageId')

export const syncSchema = z.object({ channelId: id, after: seq.default(0), limit })

export const historySchema = z.object({ channelId: id, before: seq.nullish(), limit })

export const refreshSchema = z.object({ token: z.string().min(1).max(16_384) })

export const handshakeSchema = z.object({ token: z.string().min(1).max(16_384), userId: id })

/** The payload as the schema describes it, or a refusal that says which field is wrong (never its value). */
export function parse<S extends z.ZodType>(schema: S, payload: unknown): z.output<S> {
  const result = schema.safeParse(payload)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.').slice(0, 100) || 'payload'
  throw refuseForGood('invalid_payload', `unable to accept ${where}: ${issue?.message.slice(0, 200) ?? 'it is malformed'}`)
}
