/* `npm run bench`: the budgets of the design as ratios to a peer measured in the same run. Never fails: it reports. */
process.env['NODE_ENV'] = 'production'

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type * as Client from './client'
import type * as State from './state'
import { interleave, median, medianRate, micros, rate, table, type Rate, type Row } from './measure'

const SENDS = 2_000
const RECEIVES = 10_000
const BACKLOG = 3_000
const ROUNDS = 3

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const built = here('../../node_modules/.cache/redux-chat-bench')

// As its users run it: tsx wraps each function that the hot path makes in a call of its own, which would be measured with it.
await build({
  configFile: false, logLevel: 'error', root: here('../..'),
  build: { ssr: true, minify: false, outDir: built, emptyOutDir: true, rolldownOptions: { input: { client: here('./client.ts'), state: here('./state.ts') } } },
})
const client = await import(`${built}/client.js`) as typeof Client
const state = await import(`${built}/state.js`) as typeof State
const server = fork(here('./server.ts'))
const url = await new Promise<string>((resolve) => { server.once('message', (port) => resolve(`http://127.0.0.1:${String(port)}`)) })
const rows: Row[] = []

const NONE: Rate = { wall: NaN, cpu: NaN }

function atLeast(what: string, figure: Rate, peer: Rate, least: number | null): void {
  const ratio = figure.wall / peer.wall
  rows.push({ what, figure: rate(figure.wall), peer: rate(peer.wall), ratio, cpuRatio: figure.cpu / peer.cpu, budget: least === null ? '-' : `>= ${least}`, met: least === null ? null : ratio >= least })
}

function atMost(what: string, figure: number, peer: number, most: number | null): void {
  const ratio = figure / peer
  rows.push({ what, figure: micros(figure), peer: micros(peer), ratio, cpuRatio: null, budget: most === null ? '-' : `<= ${most}`, met: most === null ? null : ratio <= most })
}

const only = process.argv[2]
const wants = (part: string): boolean => only === undefined || only === part

if (wants('send')) {
  const [raw = NONE, memory = NONE, quiet = NONE, stored = NONE] = await interleave(ROUNDS, [
    () => client.rawSend(url, SENDS),
    () => client.chatSend(url, SENDS, { storage: false }),
    () => client.chatSend(url, SENDS, { storage: false, userTiming: false }),
    () => client.chatSend(url, SENDS, client.withIndexedDb()),
  ], medianRate)
  atLeast('send, 100 channels, storage off', memory, raw, 0.8)
  atLeast('send, the same without user timing', quiet, raw, null)
  atLeast('send, 100 channels, fake-indexeddb', stored, raw, 0.8)
}

if (wants('drain')) {
  const [raw = NONE, drained = NONE] = await interleave(1, [
    () => client.rawSend(url, BACKLOG, 32),
    () => client.chatDrain(url, BACKLOG, { storage: false }),
  ], medianRate)
  atLeast(`drain of ${BACKLOG} in one channel, 32 in flight`, drained, raw, 0.8)
}

if (wants('receive')) {
  const [raw = NONE, one = NONE, many = NONE] = await interleave(ROUNDS, [
    () => client.rawReceive(url, RECEIVES, 1),
    () => client.chatReceive(url, RECEIVES, 1),
    () => client.chatReceive(url, RECEIVES, 100),
  ], medianRate)
  atLeast('receive, one channel', one, raw, 0.85)
  atLeast('receive, 100 channels', many, raw, 0.85)
}

if (wants('ingest')) {
  const COUNT = 400
  const [at1k = 0, at10k = 0, at50k = 0, wide1k = 0, wide10k = 0, wide50k = 0] = await interleave(3, [
    () => state.ingest(1_000, COUNT, 1_000), () => state.ingest(10_000, COUNT, 1_000), () => state.ingest(50_000, COUNT, 1_000),
    () => state.ingest(1_000, COUNT, 100_000), () => state.ingest(10_000, COUNT, 100_000), () => state.ingest(50_000, COUNT, 100_000),
  ], median)
  const [adapter1k = 0, adapter5k = 0] = await interleave(1, [() => state.ingestAdapter(1_000, 100), () => state.ingestAdapter(5_000, 100)], median)
  atMost('live message, 10k before it, vs 1k', at10k, at1k, 1.25)
  atMost('live message, 50k before it, vs 1k', at50k, at1k, 1.25)
  atMost('live message, 10k all in the window, vs 1k', wide10k, wide1k, null)
  atMost('live message, 50k all in the window, vs 1k', wide50k, wide1k, null)
  atMost('live message at 1k, vs sorted entity adapter', at1k, adapter1k, null)
  atMost('live message at 5k+, vs sorted entity adapter at 5k', at10k, adapter5k, null)
  const total = state.ingest(0, 50_000, 1_000)
  // The adapter's cost grows with the square: its 50,000 are extrapolated from its cost at 5,000, which is linear in what is loaded.
  atMost('50,000 one by one, vs adapter (extrapolated to 25k mean)', total, adapter5k * 5, 0.001)
}

if (wants('receipt')) {
  const [small = 0, large = 0] = await interleave(3, [() => state.receipt(100), () => state.receipt(100_000)], median)
  atMost('read receipt over 100k messages, vs over 100', large, small, 2)
}

process.stdout.write(`${table(rows)}\n`)
server.disconnect()
