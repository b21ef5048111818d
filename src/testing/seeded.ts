import type { Clock } from '../environment'

/** A deterministic stand-in for `Math.random`: the same seed gives the same numbers, uniform in [0, 1). */
export function createSeededRandom(seed: number | string): () => number {
  let state = hash(String(seed))
  return () => {
    // mulberry32: https://github.com/cprosche/mulberry32
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const COUNTER_LIMIT = 4096

/**
 * A source of valid UUID v7 (RFC 9562) that sort in the order in which they were made, also when the clock is set back.
 * Sources with the same seed and clock repeat each other: give every tab a seed of its own.
 */
export function createSeededIds(clock: Pick<Clock, 'now'>, random: () => number): () => string {
  let lastMs = 0
  let counter = 0
  return () => {
    const now = Math.floor(clock.now())
    if (now > lastMs) {
      lastMs = now
      counter = Math.floor(random() * (COUNTER_LIMIT / 2))
    } else if (++counter === COUNTER_LIMIT) {
      lastMs += 1
      counter = 0
    }
    return format(lastMs, counter, random)
  }
}

function format(ms: number, counter: number, random: () => number): string {
  const time = hex(ms, 12)
  const variant = hex(0x8000 | Math.floor(random() * 0x4000), 4)
  const node = hex(Math.floor(random() * 0x1000000), 6) + hex(Math.floor(random() * 0x1000000), 6)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${variant}-${node}`
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
