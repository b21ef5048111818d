import type { Line } from './lines'
import type { Context } from './part'
import { PARTS } from './parts'

/* One part in a process of its own, so that no part inherits another's heap or its compiled guesses. */

export interface Answer { readonly lines: readonly Line[] }

async function work(part: string, context: Context): Promise<void> {
  const load = PARTS[part]
  if (!load) throw new Error(`unable to measure "${part}": there is no such part; there are ${Object.keys(PARTS).join(', ')}`)
  const lines = await (await load()).run(context)
  process.send?.({ lines } satisfies Answer, () => process.exit(0))
}

const [part = '', context = ''] = process.argv.slice(2)
await work(part, JSON.parse(context) as Context)
