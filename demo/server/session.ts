/** Watches over the time that one socket's token has left. */
export interface TokenClock {
  /** A fresh token: forgets what was due for the old one. */
  renew(expiresAt: number): void
  /** The token's time is over now, whatever it says. */
  expire(): void
  stop(): void
}

export interface TokenClockOptions {
  /** Ms since the epoch. */
  readonly expiresAt: number
  /** Between the word that the token has expired and the disconnect. */
  readonly graceMs: number
  readonly onExpired: () => void
  readonly onGraceOver: () => void
}

/** A longer `setTimeout` would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export function createTokenClock({ expiresAt, graceMs, onExpired, onGraceOver }: TokenClockOptions): TokenClock {
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const expire = () => {
    stop()
    timer = setTimeout(onGraceOver, graceMs)
    onExpired()
  }
  const renew = (until: number) => {
    stop()
    const left = Math.max(0, until - Date.now())
    timer = setTimeout(() => (left > MAX_TIMEOUT_MS ? renew(until) : expire()), Math.min(left, MAX_TIMEOUT_MS))
  }
  renew(expiresAt)
  return { renew, expire, stop }
}
