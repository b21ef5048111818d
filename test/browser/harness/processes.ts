import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const groups = new Set<ChildProcess>()
process.once('exit', () => { for (const child of groups) signal(child, 'SIGKILL') })

/** Starts a program in a process group of its own: its children can be ended with it, and nobody else's. */
export function startGroup(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true })
  groups.add(child)
  child.once('error', () => groups.delete(child))
  return child
}

/** Ends the program with its children; resolves when it is gone. */
export async function endGroup(child: ChildProcess, by: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  groups.delete(child)
  const isGone = child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  const gone = isGone ? null : once(child, 'exit')
  signal(child, by)
  await gone
}

function signal({ pid }: ChildProcess, by: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, by)
  } catch {
    // Gone already.
  }
}

export interface LoggedProcess {
  readonly child: ChildProcess
  /** The last of what it wrote, to say why it did not work. */
  output(): string
}

export function startLogged(command: string, args: readonly string[], env: Record<string, string>): LoggedProcess {
  const child = startGroup(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let output = ''
  const keep = (chunk: unknown): void => { output = (output + String(chunk)).slice(-4_000) }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('error', keep)
  return { child, output: () => output }
}

/** The folder given, which stays, or a new one that `remove` takes away. */
export async function folderFor(name: string, kept?: string): Promise<{ path: string; remove(): Promise<void> }> {
  if (kept !== undefined) return { path: kept, remove: async () => {} }
  const path = await mkdtemp(join(tmpdir(), `redux-chat-${name}-`))
  // A process that has just been killed may still be writing its last file.
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
