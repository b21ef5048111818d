/** Ids that are longer are neither sent nor taken: a server's own must end somewhere. */
export const MAX_ID_LENGTH = 512

export const isId = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH

/** Channel and user ids as object keys: the prefix keeps `__proto__` and `constructor` ordinary names. */
export const keyOf = (id: string): string => `#${id}`

export const idOf = (key: string): string => key.slice(1)
