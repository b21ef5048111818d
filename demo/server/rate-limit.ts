import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { createRefusal } from './refusal'

export interface RateLimit {
  /** How many requests a user may make ... */
  readonly points: number
  /** ... within this time. */
  readonly durationMs: number
}

export interface RateLimiter {
  /** Rejects with `rate_limited` and the time to wait when the user has asked too often. */
  consume(userId: string): Promise<void>
  /** Forgets what this user, or everybody (null), has asked. */
  reset(userId: string | null): Promise<void>
}

export function createRateLimiter({ points, durationMs }: RateLimit): RateLimiter {
  const create = () => new RateLimiterMemory({ points, duration: durationMs / 1000 })
  let limiter = create()
  return {
    async consume(userId) {
      try {
        await limiter.consume(userId)
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown
        const retryAfterMs = Math.max(1, Math.ceil(thrown.msBeforeNext))
        throw createRefusal('rate_limited', 'unable to answer: too many requests; wait a moment', { retryable: true, retryAfterMs })
      }
    },
    async reset(userId) {
      if (userId === null) limiter = create()
      else await limiter.delete(userId)
    },
  }
}
