const [WIDTH, HEIGHT] = [160, 36]

/** A small line of the last values, with the newest in words. */
export function Plot({ name, unit, values }: { readonly name: string; readonly unit: string; readonly values: readonly number[] }) {
  const top = Math.max(1, ...values)
  const newest = values.at(-1)
  // One value alone is a level: a line of one point is not drawn.
  const levels = values.length === 1 ? [...values, ...values] : values
  const points = levels.map((value, i) => `${(i / Math.max(1, levels.length - 1)) * WIDTH},${HEIGHT - 2 - (value / top) * (HEIGHT - 4)}`)
  const caption = `${name}: ${newest === undefined ? '–' : `${newest.toFixed(0)} ${unit}`}`
  return (
    <figure className="plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={caption}><polyline points={points.join(' ')} /></svg>
      <figcaption>{caption}</figcaption>
    </figure>
  )
}
