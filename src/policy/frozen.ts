/** Bundlers put a text in its place. */
declare const process: { readonly env: { readonly NODE_ENV?: string } }

/** Read once: `process.env` costs more than a dispatch. Where there is neither it nor a bundler, nobody develops. */
const isDevelopment = ((): boolean => {
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    return false
  }
})()

/**
 * In development what is in the state cannot be written to, as with RTK's own reducers: a component that sorts a list in place is told.
 * What stood before is frozen already, so that only what is new is walked.
 */
export function frozen<T>(value: T): T {
  if (!isDevelopment || typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) frozen(member)
  return value
}

/** Of Immer's drafts: an import of its `isDraft` would bring all of it into the page of who does not use it. */
const DRAFT = Symbol.for('immer-state')

/** The same of what a reducer made of `state`. What it made of a draft Immer freezes itself. */
export const frozenNext = <S extends object>(state: S, next: S): S =>
  (!isDevelopment || (state as { readonly [mark: symbol]: unknown })[DRAFT] !== undefined ? next : frozen(next))
