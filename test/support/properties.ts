import fc from 'fast-check'

/* For every property. */

/** Repeats what fast-check drew: it prints the seed with what failed. */
const seed = process.env['PROPERTY_SEED']

fc.configureGlobal({
  // Of what may be forty steps long it would draw ten at most.
  defaultSizeToMaxWhenMaxSpecified: true,
  ...(seed ? { seed: Number(seed) } : {}),
})
