/* A fresh process: imports one client, connects, and tells how long both took together. */
import process from 'node:process'

const [file = '', url = ''] = process.argv.slice(2)
const cpu = process.cpuUsage()
const began = performance.now()
const { start } = await import(/* @vite-ignore */ file) as { start: (url: string) => Promise<void> }
await start(url)
const wall = (performance.now() - began) * 1_000
const { user, system } = process.cpuUsage(cpu)
process.send?.({ wall, cpu: user + system }, () => process.exit(0))
