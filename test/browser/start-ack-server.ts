import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ARRIVALS_FILE, LOG_FILE, type Arrival, type Committed, type ServerCommand } from './ack-server-types'
import { folderFor, freePort } from './harness/processes'

export interface AckServer {
  readonly port: number
  readonly url: string
  /** At the same address, with the same log; nothing when it runs. */
  start(): Promise<void>
  /** By SIGKILL. */
  kill(): Promise<void>
  /** It dies between a commit and its ack; resolves when it is dead. */
  killAtCommit(): Promise<void>
  /** Ends all connections; it goes on. */
  kick(): void
  /** The log on disk, in the order of commits. */
  committed(): readonly Committed[]
  arrivals(): readonly Arrival[]
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./ack-server.ts', import.meta.url))
const alive = new Set<ChildProcess>()
process.once('exit', () => { for (const child of alive) child.kill('SIGKILL') })

export async function startAckServer({ isOrdered }: { readonly isOrdered: boolean }): Promise<AckServer> {
  const folder = await folderFor('ack-server')
  const port = await freePort()
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    if (child) return
    child = fork(PROGRAM, [JSON.stringify({ port, folder: folder.path, isOrdered })], { execArgv: ['--import', 'tsx'] })
    alive.add(child)
    const ended = once(child, 'exit').then(([code]) => { throw new Error(`unable to start the server: it ended with code ${code}`) })
    ended.catch(() => undefined)
    await Promise.race([once(child, 'message'), ended])
  }
  async function end(by: (child: ChildProcess) => void): Promise<void> {
    if (!child) return
    const gone = once(child, 'exit')
    by(child)
    await gone
    alive.delete(child)
    child = null
  }
  const kill = (): Promise<void> => end((it) => it.kill('SIGKILL'))
  // Its last bytes are in the page cache, which outlives the process; of a line that is being written a part may be seen.
  const read = <T>(name: string): T[] => {
    const file = join(folder.path, name)
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter(Boolean).map((line) => JSON.parse(line))
  }
  await start()
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    start,
    kill,
    killAtCommit: () => end((it) => it.send({ kind: 'crash at commit' } satisfies ServerCommand)),
    kick: () => { child?.send({ kind: 'kick' } satisfies ServerCommand) },
    committed: () => read<Committed>(LOG_FILE),
    arrivals: () => read<Arrival>(ARRIVALS_FILE),
    async close() {
      await kill()
      await folder.remove()
    },
  }
}
