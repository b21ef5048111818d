/** The defaults with what was given in their place. An option that is there and undefined was not given. */
export const withDefaults = <T extends object>(defaults: T, given: { readonly [K in keyof T]?: T[K] | undefined } = {}): T =>
  ({ ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) })
