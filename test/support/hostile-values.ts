import fc from 'fast-check'

/** Names that have hurt others. As ids they are ordinary; as keys they must touch nothing. */
export const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf', '#general', '']

function deep(levels: number): unknown {
  let value: unknown = 'bottom'
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { nested: value }
  return value
}

function circular(): unknown {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}

const polluting = (): unknown => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"id":"p"}')

const NUMBERS = [NaN, Infinity, -Infinity, 0, -0, -1, 0.5, 1.5, 2 ** 31, 2 ** 53, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE, 8.64e15, 8.64e15 + 1, 1e21]

const ODD = [
  undefined, null, true, false, 10n, Symbol('odd'), () => 'called', new Date(NaN), new Date(0), new Map([[1, 2]]), new Set([1]),
  new Uint8Array(4), new Error('an error'), /x/, Object.create(null), { toString: null }, { toJSON: () => { throw new Error('toJSON') } },
  [], {}, '2026-01-01T00:00:00Z', 'not a date', '1', '\u0000', '\ud800', Object.assign([1], { extra: 1 }),
]

/** One value that nobody expects. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...NUMBERS) },
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...ODD) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(3, 31, 40, 1_000).map(deep) },
  { weight: 1, arbitrary: fc.constantFrom(circular, polluting, () => Array.from({ length: 3 }), () => [polluting()]).map((make) => make()) },
  // eslint-disable-next-line unicorn/no-new-array
  { weight: 1, arbitrary: fc.constantFrom(3, 100).map((length) => new Array(length)) },
  { weight: 1, arbitrary: fc.constantFrom(512, 513, 20_000).map((length) => 'x'.repeat(length)) },
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: fc.anything({ maxDepth: 2, withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withSparseArray: true, withTypedArray: true, withBoxedValues: true, withObjectString: true, key: fc.oneof(fc.string(), fc.constantFrom(...NAMES)) }) },
)

/** Changes one field of a valid payload, wherever it stands; `lend` leaves every field to the payload's prototype. */
export interface Mutation {
  readonly how: 'set' | 'remove' | 'add' | 'lend'
  /** Which of the payload's fields, modulo their number. */
  readonly field: number
  /** The name of an added field. */
  readonly name: string
  readonly value: unknown
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  how: fc.constantFrom('set' as const, 'set' as const, 'set' as const, 'set' as const, 'remove' as const, 'add' as const, 'lend' as const),
  field: fc.nat(60),
  name: fc.oneof(fc.constantFrom(...NAMES, 'status', 'stored', 'failure', 'topic', 'messageId', 'seq'), fc.string()),
  value: hostileValue,
})

type Place = { readonly owner: object; readonly key: string }

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const placesOf = (owner: object): Place[] => Object.entries(owner).flatMap(([key, value]) =>
  [{ owner, key }, ...(isObject(value) ? placesOf(value) : [])])

/** Defined, not assigned: `__proto__` becomes a member, as JSON.parse makes it one. */
const define = (owner: object, key: string, value: unknown): void =>
  void Object.defineProperty(owner, key, { value, enumerable: true, configurable: true, writable: true })

/** `payload` is the caller's own and is changed in place. */
export function mutate(payload: object, mutations: readonly Mutation[]): object {
  const places = placesOf(payload)
  for (const { how, field, name, value } of mutations) {
    const place = places[field % Math.max(1, places.length)]
    if (how === 'lend') continue
    if (how === 'add' || !place) define(place?.owner ?? payload, name, value)
    else if (how === 'set') define(place.owner, place.key, value)
    else if (how === 'remove') Reflect.deleteProperty(place.owner, place.key)
  }
  return mutations.some(({ how }) => how === 'lend') ? Object.create(payload) as object : payload
}
