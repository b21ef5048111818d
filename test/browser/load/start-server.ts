import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../harness/processes'
import type { Burst, ServerReport } from './server-types'

export type BurstReport = Extract<ServerReport, { kind: 'burst over' }>

export interface LoadServer {
  readonly url: string
  /** Resolves when the last event has left. */
  burst(burst: Burst): Promise<BurstReport>
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./server.ts', import.meta.url))

export async function startLoadServer({ history }: { readonly history: number }): Promise<LoadServer> {
  const port = await freePort()
  const child = fork(PROGRAM, [JSON.stringify({ port, history })], { execArgv: ['--import', 'tsx'] })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(child, 'exit').then(([code]) => { throw new Error(`unable to use the server: it ended with code ${code}`) })
  ended.catch(() => undefined)
  const told = async (): Promise<ServerReport> => (await Promise.race([once(child, 'message'), ended]))[0]
  await told()
  return {
    url: `http://127.0.0.1:${port}`,
    async burst(burst) {
      child.send(burst)
      const report = await told()
      if (report.kind !== 'burst over') throw new Error(`unable to run the burst: the server said "${report.kind}"`)
      return report
    },
    async close() {
      process.off('exit', kill)
      const gone = ended.catch(() => undefined)
      kill()
      await gone
    },
  }
}
