/**
 * Something that is costly to make anew and is kept beside the newest version of an immutable object, handed on from version to version. A
 * cache only: an older version, or one without it, gets it made. The last one that was handed on stays outside the WeakMap, because an entry
 * that moves with each message makes V8 rebuild the map over and over.
 */
export function createCompanions<K extends object, V>(make: (version: K) => V) {
  const others = new WeakMap<K, V>()
  let newest: K | null = null
  let companion: V | undefined

  function keep(version: K, value: V): void {
    if (newest !== null && companion !== undefined) others.set(newest, companion)
    newest = version
    companion = value
  }

  const find = (version: K): V | undefined => (version === newest ? companion : others.get(version))

  return {
    /** The companion of a version, when there is one. */
    find,
    of(version: K): V {
      const known = find(version)
      if (known !== undefined) return known
      const made = make(version)
      keep(version, made)
      return made
    },
    /** What belonged to one version belongs to the next, and has been changed for it. */
    handOn(before: K, after: K, value: V): void {
      if (before === newest) newest = after
      else {
        others.delete(before)
        keep(after, value)
      }
    },
  }
}
