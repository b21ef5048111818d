/** One object may be asked with any number of second arguments (unknown channels share one): of so many the results are kept. */
export const MAX_RESULTS = 10_000

/** Remembers the result for each argument object (and a second argument) as long as the object lives. */
export function perObject<A extends object, B, R>(compute: (a: A, b: B) => R): (a: A, b: B) => R {
  const cache = new WeakMap<A, Map<B, R>>()
  return (a, b) => {
    let results = cache.get(a)
    if (!results) cache.set(a, (results = new Map()))
    const known = results.get(b)
    if (known !== undefined) return known
    if (results.size >= MAX_RESULTS) results.clear()
    const result = compute(a, b)
    results.set(b, result)
    return result
  }
}
