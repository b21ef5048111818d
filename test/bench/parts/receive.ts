import { chatReceive } from '../chat-runs'
import { timed } from '../lines'
import { interleave } from '../measure'
import type { Part } from '../part'
import { rawReceive } from '../raw-runs'

export const run: Part = async ({ url, isQuick }) => {
  const count = isQuick ? 10_000 : 30_000
  const found = await interleave(isQuick ? 5 : 9, {
    raw: () => rawReceive(url, count, 1),
    one: () => chatReceive(url, count, 1),
    rawMany: () => rawReceive(url, count, 100),
    many: () => chatReceive(url, count, 100),
  })
  const [peer, kind, budget] = ['raw listener', 'share', 0.85] as const
  return [
    timed({ id: 'receive.one', what: 'receive, one channel, state updated', peer, kind, budget }, found.one, found.raw),
    timed({ id: 'receive.many', what: 'receive, 100 channels, state updated', peer, kind, budget }, found.many, found.rawMany),
  ]
}
