const [WIDTH, HEIGHT] = [160, 36]

/** A small line of the last values, with the newest in words. */
export function Plot({ name, unit, values }: { readonly name: string; readonly unit: string; readonly values: readonly number[] }) {
  const top = Math.max(1, ...values)
  const points = values.map((value, i) => `${(i / Math.max(1, values.length - 1)) * WIDTH},${HEIGHT - 2 - (value / top) * (HEIGHT - 4)}`)
  const newest = values.at(-1) ?? 0
  return (
    <figure className="plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${name}: ${newest.toFixed(0)} ${unit}`}><polyline points={points.join(' ')} /></svg>
      <figcaption>{name}: {newest.toFixed(0)} {unit}</figcaption>
    </figure>
  )
}
