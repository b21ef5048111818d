/**
 * Faults that the demo's switches and the tests turn on, per user, so that parallel tests do not disturb each other.
 * Endpoints (demo mode only; `POST`, `content-type: application/json`; every answer is JSON, 400 `{ error: { code, message } }` on a bad body):
 *
 * POST /control/faults   { userId, dropAcks?, delayAcksMs?, rejectNext?, refuseNext?, refuseCode?, retryAfterMs? } -> { faults }
 *     dropAcks: number of `message:send` acks to swallow after the commit (`true`: all of them, `false` or 0: off)
 *     delayAcksMs: every `message:send` ack waits this long (0: off)
 *     rejectNext: the next N messages are refused for good, code `rejected`
 *     refuseNext: the next N messages are refused retryably, code `refuseCode` (`unavailable`), with `retryAfterMs` if given
 *     Only the named fields change.
 * POST /control/expire   { userId } -> {}
 *     Every token issued so far is expired: open sockets get `auth:expired`, handshakes and refreshes with such a token
 *     are refused (`token_expired`); a token fetched from /identity/token afterwards works.
 * POST /control/crash    { userId?, downMs? } -> {}
 *     Cuts every connection (or that user's) at transport level and refuses new ones for `downMs` (0; -1: until restored).
 * POST /control/restore  { userId? } -> {}
 *     Ends the outage of /control/crash early.
 * POST /control/members  { channelId, userIds, name? } -> {}
 *     Creates the channel and the users as needed, makes them members, and lets their open sockets join.
 * POST /control/seed     { channelId, count, userId? } -> { latest }
 *     Adds `count` (1-20,000) messages by `userId`, or by the channel's members in turn. No broadcast.
 * POST /control/send     { channelId, userId, content } -> { message }
 *     That user says something, as if another device of theirs had sent it: committed and broadcast.
 * POST /control/reset    { userId? } -> {}
 *     Turns off every fault and outage and empties the rate limits (of that user, or of everybody). Messages and expired tokens stay so.
 * GET  /control/state    -> { users: { [userId]: faults }, down: boolean }
 *
 * Beside them, with the local identity provider only (CLERK_JWT_KEY unset):
 * POST /identity/token   { userId } -> { token, expiresAt }     a demo user, or one made by /control/members
 * GET  /identity/users -> { users: [{ id, name }], channels: [{ id, name }] }      the demo's own: alice, bob, carol; general, random
 */
import { createRefusal } from './refusal'

export interface UserFaults {
  readonly dropAcks: number | boolean
  readonly delayAcksMs: number
  readonly rejectNext: number
  readonly refuseNext: number
  readonly refuseCode: string
  readonly retryAfterMs: number | null
}

const NONE: UserFaults = {
  dropAcks: 0, delayAcksMs: 0, rejectNext: 0, refuseNext: 0, refuseCode: 'unavailable', retryAfterMs: null,
}

/** Only what is named changes; `undefined` names nothing. */
export type FaultChange = { readonly [K in keyof UserFaults]?: UserFaults[K] | undefined }

/** What to do with the ack of a committed message. */
export type AckPlan = 'drop' | { readonly delayMs: number }

export interface Faults {
  set(userId: string, change: FaultChange): UserFaults
  of(userId: string): UserFaults
  all(): Record<string, UserFaults>
  /** Throws the refusal that the next message of this user is to meet, if any. */
  beforeCommit(userId: string): void
  ackPlan(userId: string): AckPlan
  expire(userId: string, at: number): void
  /** Tokens issued at or before this moment (ms since the epoch) are expired; 0 when none are. */
  expiredUntil(userId: string): number
  /** `userId` null is everybody; a negative time lasts until restored. */
  takeDown(userId: string | null, downMs: number): void
  restore(userId: string | null): void
  isDown(userId: string | null): boolean
  reset(userId: string | null): void
}

const EVERYBODY = Symbol('everybody')

export function createFaults(now: () => number): Faults {
  const users = new Map<string, UserFaults>()
  const expired = new Map<string, number>()
  const down = new Map<string | symbol, number>()
  const of = (userId: string): UserFaults => users.get(userId) ?? NONE
  const set = (userId: string, change: FaultChange): UserFaults => {
    const next = merge(of(userId), change)
    users.set(userId, next)
    return next
  }
  const restore = (userId: string | null): void => void down.delete(userId ?? EVERYBODY)

  return {
    set,
    of,
    all: () => Object.fromEntries(users),
    beforeCommit: (userId) => refuseOnDemand(of(userId), (change) => set(userId, change)),
    ackPlan: (userId) => planAck(of(userId), (change) => set(userId, change)),
    expire: (userId, at) => void expired.set(userId, at),
    expiredUntil: (userId) => expired.get(userId) ?? 0,
    takeDown: (userId, downMs) => void down.set(userId ?? EVERYBODY, downMs < 0 ? Infinity : now() + downMs),
    restore,
    isDown: (userId) => (down.get(userId ?? EVERYBODY) ?? 0) > now(),
    reset(userId) {
      restore(userId)
      if (userId === null) [users, down].forEach((map) => map.clear())
      else users.delete(userId)
    },
  }
}

const merge = (faults: UserFaults, change: FaultChange): UserFaults => ({
  dropAcks: change.dropAcks ?? faults.dropAcks,
  delayAcksMs: change.delayAcksMs ?? faults.delayAcksMs,
  rejectNext: change.rejectNext ?? faults.rejectNext,
  refuseNext: change.refuseNext ?? faults.refuseNext,
  refuseCode: change.refuseCode ?? faults.refuseCode,
  retryAfterMs: change.retryAfterMs === undefined ? faults.retryAfterMs : change.retryAfterMs,
})

function refuseOnDemand(faults: UserFaults, set: (change: FaultChange) => void): void {
  const { rejectNext, refuseNext, refuseCode, retryAfterMs } = faults
  if (rejectNext > 0) {
    set({ rejectNext: rejectNext - 1 })
    throw createRefusal('rejected', 'unable to send: the demo was told to reject this message', { retryable: false })
  }
  if (refuseNext > 0) {
    set({ refuseNext: refuseNext - 1 })
    const hint = retryAfterMs === null ? {} : { retryAfterMs }
    throw createRefusal(refuseCode, 'unable to send right now: the demo was told so; try again', { retryable: true, ...hint })
  }
}

function planAck({ dropAcks, delayAcksMs }: UserFaults, set: (change: FaultChange) => void): AckPlan {
  if (dropAcks === true) return 'drop'
  if (typeof dropAcks === 'number' && dropAcks > 0) {
    set({ dropAcks: dropAcks - 1 })
    return 'drop'
  }
  return { delayMs: delayAcksMs }
}
