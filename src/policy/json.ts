export type Fields = { readonly [field: string]: unknown }

/** An object with fields: no list, and not null. */
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const NO_FIELDS: Fields = Object.freeze({})

/** The fields of whatever came; what is no such object has none. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : NO_FIELDS)

const DIGITS = /^\d{1,16}$/

/** A whole number from `least`, also as digits: node-pg gives an int8 so. Null for all else. */
export function toWhole(value: unknown, least: number): number | null {
  const whole = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value
  return typeof whole === 'number' && Number.isSafeInteger(whole) && whole >= least ? whole : null
}

/** Deeper than any sensible message, shallower than a stack overflow; also what ends a circular value. */
const MAX_DEPTH = 32

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether a value survives JSON unchanged (an undefined member counts as absent). */
export function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth > MAX_DEPTH) return false
  // A hole, or a member that is no index, would not survive; Array.from turns a hole into undefined.
  if (Array.isArray(value)) return Object.keys(value).length === value.length && Array.from(value).every((item) => isJson(item, depth + 1))
  return isPlain(value) && Object.values(value).every((item) => item === undefined || isJson(item, depth + 1))
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } => typeof value === 'object' && value !== null

/** Whether two values of which each passed `isJson` say the same. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSameJson(a[key], b[key]))
}

/** Bytes of `value` as JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  const text = JSON.stringify(value)
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) ?? 0
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    // What takes four bytes stands in two places.
    if (point >= 0x10000) i++
  }
  return bytes
}
