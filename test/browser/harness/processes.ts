import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const STOP_TIMEOUT_MS = 5_000

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Ends a process that was started `detached`, with everything that it started. */
export async function endGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
  const ended = hasEnded(child) ? Promise.resolve() : once(child, 'exit')
  signalGroup(child, signal)
  const overdue = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(overdue)
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is gone already.
  }
}
