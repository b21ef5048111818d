import { fork } from 'node:child_process'
import { timed } from '../lines'
import { interleave, type Sample, type Side } from '../measure'
import type { Part } from '../part'

const isSample = (value: unknown): value is Sample => typeof value === 'object' && value !== null && 'wall' in value && 'cpu' in value

export const run: Part = async ({ url, isQuick, built }) => {
  const fresh = (name: string): Side => () => new Promise<Sample>((resolve, reject) => {
    const child = fork(`${built}/cold-start.js`, [`${built}/cold-${name}.js`, url], { execArgv: [] })
    child.once('message', (said) => { if (isSample(said)) resolve(said) })
    child.once('exit', (code) => reject(new Error(`unable to start ${name}: exit ${String(code)}`)))
  })
  const found = await interleave(isQuick ? 5 : 15, { raw: fresh('raw'), app: fresh('app'), chat: fresh('chat') })
  const what = 'cold start: import to connected, a fresh process'
  return [
    timed({ id: 'cold.app', what, peer: 'bare socket.io-client beside a store', kind: 'cost' }, found.chat, found.app),
    timed({ id: 'cold.raw', what, peer: 'bare socket.io-client', kind: 'cost' }, found.chat, found.raw),
  ]
}
