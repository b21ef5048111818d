import fc from 'fast-check'
import { hostileValue, mutate, mutation, type Mutation } from './hostile-values'
import { CAPABILITIES, ME, type Asked } from './hostile-world'

export const EVENTS = ['message:new', 'message:delivered', 'message:read', 'session', 'auth:expired', 'app:checked', 'app:plain', 'unknown', '__proto__', 'constructor'] as const
export const CHANNELS = ['general', '__proto__', 'constructor', 'toString', '#general']
const USERS = ['alice', 'bob', '__proto__', 'hasOwnProperty']

/** Small numbers that choose among what is there when the step is taken. */
interface Picks { readonly channel: number; readonly user: number; readonly seq: number; readonly own: number }

export type Step =
  | { readonly do: 'event'; readonly event: string; readonly picks: Picks; readonly mutations: readonly Mutation[]; readonly raw: readonly unknown[] | null }
  | { readonly do: 'ack'; readonly pick: number; readonly reply: 'accept' | 'refuse' | 'raw'; readonly picks: Picks; readonly mutations: readonly Mutation[]; readonly raw: unknown; readonly times: number }
  | { readonly do: 'act'; readonly act: 'send' | 'open' | 'close' | 'read' | 'older' | 'newer' | 'retry'; readonly channel: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut' }

const picks: fc.Arbitrary<Picks> = fc.record({ channel: fc.nat(CHANNELS.length - 1), user: fc.nat(USERS.length - 1), seq: fc.nat(16), own: fc.nat(12) })

const mutations = fc.oneof(
  { weight: 4, arbitrary: fc.constant<readonly Mutation[]>([]) },
  { weight: 5, arbitrary: fc.tuple(mutation) },
  { weight: 1, arbitrary: fc.array(mutation, { minLength: 2, maxLength: 4 }) },
)

const event: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('event' as const),
  event: fc.oneof({ weight: 6, arbitrary: fc.constantFrom('message:new', 'message:new', 'message:delivered', 'message:read', 'session', 'app:checked') }, { weight: 2, arbitrary: fc.constantFrom(...EVENTS) }),
  picks, mutations,
  raw: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.array(hostileValue, { maxLength: 3 }) }),
})

const ack: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('ack' as const), pick: fc.nat(40),
  reply: fc.constantFrom('accept' as const, 'accept' as const, 'accept' as const, 'refuse' as const, 'raw' as const),
  picks, mutations, raw: hostileValue, times: fc.constantFrom(1, 1, 1, 2),
})

const act: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('act' as const), channel: fc.nat(CHANNELS.length - 1),
  act: fc.constantFrom('send' as const, 'send' as const, 'open' as const, 'close' as const, 'read' as const, 'read' as const, 'older' as const, 'newer' as const, 'retry' as const),
})

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 50, arbitrary: event }, { weight: 40, arbitrary: ack }, { weight: 10, arbitrary: act },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(16, 60, 500, 1_000, 11_000) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'cut' }) },
)

const channelOf = ({ channel }: Picks): string => CHANNELS[channel] ?? 'general'
const userOf = ({ user }: Picks): string => USERS[user] ?? 'bob'

function messageOf(from: Picks, channelId: string, seq: number, own: readonly string[]): { [field: string]: unknown } {
  // Rarely the echo of a message of mine, or its id under another's name.
  const mine = from.own >= 10 ? own[from.seq % Math.max(1, own.length)] : undefined
  const numbered = from.own % 3 !== 0
  return {
    id: mine ?? `m${seq}-${from.user}`, channelId, userId: mine && from.own < 12 ? ME : userOf(from), content: `text ${seq}`,
    createdAt: 1_767_225_600_000 + seq, ...(numbered && { seq: seq + 1 }), topic: { tags: ['a'] },
  }
}

/** What a good server might say here. */
function validEvent(name: string, from: Picks, own: readonly string[]): object {
  const channelId = channelOf(from)
  if (name === 'message:new') return messageOf(from, channelId, from.seq, own)
  if (name === 'message:delivered' || name === 'message:read') {
    const place = from.own % 3 === 0 ? { messageId: `m${from.seq}-${from.user}` } : { seq: from.seq + 1 }
    return from.own === 9 ? { messageId: `m${from.seq}-${from.user}` } : { channelId, userId: userOf(from), ...place }
  }
  if (name === 'session') return { capabilities: [...CAPABILITIES], maxMessageBytes: 65_536, dedupWindowMs: 86_400_000, tokenExpiresAt: 1_767_225_600_000 + 3_600_000 }
  if (name === 'auth:expired') return { code: 'token_expired' }
  return { topic: 'news', more: [1, 2] }
}

const pageOf = (from: Picks, channelId: string, own: readonly string[]): object => ({
  // Rarely one of another channel.
  messages: [0, 1, 2].map((i) => messageOf(from, i === 1 && from.own === 8 ? 'elsewhere' : channelId, from.seq + i, own)),
  receipts: [{ userId: 'bob', delivered: from.seq, read: from.seq }, { userId: userOf(from), delivered: from.seq + 1, read: 1 }],
  latest: from.seq + (from.own % 4) + 2, more: from.own % 2 === 0,
})

function validData({ event: asked, payload }: Asked, from: Picks, own: readonly string[]): object {
  if (asked === 'message:send') return { id: payload['id'], createdAt: payload['createdAt'], ...(from.own % 2 === 0 && { seq: from.seq + 20 }) }
  if (asked === 'message:sync' || asked === 'message:history') return pageOf(from, String(payload['channelId']), own)
  if (asked === 'auth:refresh') return { expiresAt: 1_767_225_600_000 + 7_200_000 }
  return { seq: from.seq }
}

const CODES = ['rate_limited', 'forbidden', 'out_of_order', 'token_expired', 'duplicate', 'internal']

export function argumentsOf(taken: Extract<Step, { do: 'event' }>, own: readonly string[]): readonly unknown[] {
  return taken.raw ?? [mutate(validEvent(taken.event, taken.picks, own), taken.mutations)]
}

export function responseOf(taken: Extract<Step, { do: 'ack' }>, asked: Asked, own: readonly string[]): unknown {
  if (taken.reply === 'raw') return taken.raw
  const { picks: from } = taken
  const response = taken.reply === 'accept'
    ? { success: true, data: validData(asked, from, own) }
    : { success: false, error: from.user === 3 ? 'no' : { code: CODES[from.seq % CODES.length], message: 'no', retryable: from.own % 2 === 0, retryAfterMs: 700 } }
  return mutate(response, taken.mutations)
}
