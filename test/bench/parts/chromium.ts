import { createServer } from 'node:http'
import { mkdirSync } from 'node:fs'
import { build } from 'vite'
import { serveFolder } from '../../browser/build-client'
import type { Page } from '../../browser/harness/driver'
import { launchBrowser, missing } from '../../browser/harness/engines'
import { timed } from '../lines'
import { interleave, type Sample } from '../measure'
import type { runs } from '../page/runs'
import type { Part } from '../part'

const CHANNELS = 100
const IN_FLIGHT = 100
const PIPELINED = 32

type Runs = typeof runs

/** The same runs as in Node, in a page of Chromium, with its own IndexedDB: which writes in another process, as it does for users. */
async function servePage(root: string, built: string) {
  const folder = `${built}/page`
  mkdirSync(folder, { recursive: true })
  await build({
    configFile: false, root: `${root}/test/bench/page`, logLevel: 'error', define: { 'process.env.NODE_ENV': '"production"' },
    build: { outDir: folder, emptyOutDir: true, minify: false, target: 'es2022', reportCompressedSize: false },
  })
  const server = createServer(serveFolder(folder))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, close: () => server.close() }
}

const runIn = (page: Page) => <K extends keyof Runs>(name: K, ...args: Parameters<Runs[K]>) => (): Promise<Sample> =>
  page.evaluate<Sample>(`(async () => { window.gc?.(); return window.runs[${JSON.stringify(name)}](...${JSON.stringify(args)}) })()`)

export const run: Part = async ({ url, isQuick, root, built }) => {
  const absent = missing('chromium')
  if (absent !== null) {
    process.stderr.write(`${absent}: its lines are left out; `)
    return []
  }
  const [count, flood, backlog] = isQuick ? [2_000, 10_000, 2_000] : [4_000, 30_000, 10_000]
  const served = await servePage(root, built)
  const browser = await launchBrowser('chromium')
  try {
    const page = await browser.newPage()
    await page.goto(served.url)
    const side = runIn(page)
    const found = await interleave(isQuick ? 3 : 7, {
      rawSend: side('rawSend', url, count, CHANNELS, IN_FLIGHT),
      send: side('send', url, count, CHANNELS, IN_FLIGHT),
      sendOff: side('sendOff', url, count, CHANNELS, IN_FLIGHT),
      rawReceive: side('rawReceive', url, flood, 1),
      receive: side('chatReceive', url, flood, 1),
      rawReceiveMany: side('rawReceive', url, flood, CHANNELS),
      receiveMany: side('chatReceive', url, flood, CHANNELS),
    })
    const drained = await interleave(isQuick ? 1 : 3, {
      raw: side('rawSend', url, backlog, 1, PIPELINED), drain: side('drain', url, backlog), drainOff: side('drainOff', url, backlog),
    })
    const kind = 'share'
    const [sent, heard] = ['raw emitWithAck in the page', 'raw listener in the page']
    return [
      timed({ id: 'chromium.send', what: 'Chromium: send end to end, its IndexedDB', peer: sent, kind, budget: 0.8 }, found.send, found.rawSend),
      timed({ id: 'chromium.send.off', what: 'Chromium: send end to end, storage off', peer: sent, kind }, found.sendOff, found.rawSend),
      timed({ id: 'chromium.drain', what: 'Chromium: drain in one channel, ordered, its IndexedDB', peer: sent, kind, budget: 0.8 }, drained.drain, drained.raw),
      timed({ id: 'chromium.drain.off', what: 'Chromium: drain in one channel, ordered, storage off', peer: sent, kind }, drained.drainOff, drained.raw),
      timed({ id: 'chromium.receive.one', what: 'Chromium: receive, one channel', peer: heard, kind, budget: 0.85 }, found.receive, found.rawReceive),
      timed({ id: 'chromium.receive.many', what: 'Chromium: receive, 100 channels', peer: heard, kind, budget: 0.85 }, found.receiveMany, found.rawReceiveMany),
    ]
  } finally {
    await browser.kill()
    served.close()
  }
}
