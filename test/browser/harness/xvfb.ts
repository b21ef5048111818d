import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { endGroup, startGroup } from './processes'

/** The descriptor on which Xvfb tells the display that it found free. */
const DISPLAY_FD = 3

export interface Display {
  readonly name: string
  close(): Promise<void>
}

/** A screen that nobody sees, for a browser without a headless mode. */
export async function startDisplay(): Promise<Display> {
  const args = ['-displayfd', String(DISPLAY_FD), '-screen', '0', '1280x1024x24', '-nolisten', 'tcp']
  const child = startGroup('/usr/bin/Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const told = child.stdio[DISPLAY_FD] as Readable
  const number = await Promise.race([
    once(told, 'data').then(([data]) => String(data).trim()),
    once(child, 'exit').then(([code]) => { throw new Error(`unable to start Xvfb: it ended with code ${code}`) }),
  ])
  return { name: `:${number}`, close: () => endGroup(child, 'SIGTERM') }
}
