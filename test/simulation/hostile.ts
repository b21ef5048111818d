const EVENTS = ['message:new', 'message:delivered', 'message:read', 'session', 'auth:expired', 'unknown'] as const

const VALUES: readonly unknown[] = [
  null, undefined, 0, -1, 1.5, Number.MAX_VALUE, '', 'text', true, [], {}, [[]], { id: 1 }, JSON.parse('{"__proto__":{"polluted":true}}'),
  { id: '__proto__', channelId: '__proto__', userId: '__proto__', content: 'x', createdAt: 1, seq: 1.5 },
  { id: 'x', channelId: 'general', userId: 'mallory', content: 7, createdAt: 1, seq: 3 },
  { id: 'y', channelId: 'general', userId: 'mallory', content: 'no time', createdAt: 'now' },
  { channelId: 'general', userId: 'mallory', seq: -4 }, { channelId: 'general', userId: null, seq: '7' },
]

/** Malformed events only: nothing of them may be accepted, so that what is shown stays comparable with the server's log. */
export function hostileEvents(u: number, v: number): readonly (readonly [string, ...unknown[]])[] {
  const start = Math.floor(u * VALUES.length)
  const event = EVENTS[Math.floor(v * 3)] ?? 'message:new'
  return Array.from({ length: 5 }, (_, i) => [event, VALUES[(start + i) % VALUES.length]] as const)
}
