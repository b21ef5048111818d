/** Channel and user ids as object keys: the prefix keeps `__proto__` and `constructor` ordinary names. */
export const keyOf = (id: string): string => `#${id}`

export const idOf = (key: string): string => key.slice(1)
