import fc from 'fast-check'
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createIndexedDbStorage } from '../../src/persistence/indexed-db'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { record } from './support'

/* What LevelDB does with a log that a kill, or a full disk, has torn, as the design notes tell it: `renew-log.ts` is there for that. */

const RUNS = Number(process.env['LOG_RUNS'] ?? 150)

beforeEach(() => void vi.stubGlobal('IDBKeyRange', IDBKeyRange))
afterEach(() => vi.unstubAllGlobals())

/** Chromium: whoever goes on behind a torn record has an unreadable log at the next start, unless it was replaced by then. */
function createChromium() {
  let factory = new IDBFactory()
  let log: 'sound' | 'torn' | 'torn amid' = 'sound'
  let underWay = 0
  let open: IDBDatabase[] = []
  const opened: string[] = []

  function watched<T extends IDBRequest>(request: T, done: () => void): T {
    underWay++
    const end = (): void => { underWay-- }
    request.addEventListener('success', () => {
      end()
      done()
    })
    request.addEventListener('error', end)
    return request
  }
  return {
    opened,
    /** IndexedDB as the pages of one life of the browser see it. */
    factory: new Proxy(factory, {
      get: (_, name) => (name === 'open' ? (...args: Parameters<IDBFactory['open']>): IDBOpenDBRequest => {
        opened.push(args[0])
        // Opening writes.
        if (log === 'torn') log = 'torn amid'
        const request = factory.open(...args)
        return watched(request, () => void open.push(request.result))
      } : (...args: Parameters<IDBFactory['deleteDatabase']>): IDBOpenDBRequest =>
        // Which compacts.
        watched(factory.deleteDatabase(...args), () => { log = 'sound' })),
    }),
    names: async () => (await factory.databases()).map(({ name }) => name),
    /** As often as the browser likes, under memory pressure or when it clears what is old. */
    closeConnections(tears: boolean): void {
      if (tears && log === 'sound') log = 'torn'
      for (const db of open.splice(0)) {
        db.close()
        db.onclose?.(new Event('close'))
      }
    },
    async idle(): Promise<void> {
      for (let quiet = 0; quiet < 5; quiet = underWay > 0 ? 0 : quiet + 1) await new Promise((resolve) => { setImmediate(resolve) })
    },
    kill(tears: boolean): void {
      for (const db of open.splice(0)) db.close()
      if (log === 'torn amid') factory = new IDBFactory()
      log = tears || log === 'torn' ? 'torn' : 'sound'
      open = []
      opened.length = 0
    },
  }
}

const STEPS = ['write', 'write', 'remove', 'look', 'close', 'lose the connection', 'meet a full disk', 'a moment'] as const
const life = fc.record({ steps: fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat({ max: 9 })), { maxLength: 8 }), tears: fc.boolean() })

describe('IndexedDB in a browser whose log may be torn', () => {
  it('G1, G8: what was written is there in each later life, and the log is renewed once for each connection that the browser ended', async () => {
    await fc.assert(fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
      const browser = createChromium()
      const held = new Set<string>()
      const check = async (storage: RecordStorage): Promise<void> =>
        expect(new Set((await storage.load('alice')).records.map(({ id }) => id))).toEqual(held)
      for (const { steps, tears } of lives) {
        const storage = createIndexedDbStorage({ name: 'chat', factory: browser.factory })
        await check(storage)
        let ended = 0
        for (const [does, id] of steps) {
          if (does === 'write') {
            await storage.write({ put: [record(`m${id}`)], remove: [] })
            held.add(`m${id}`)
          } else if (does === 'remove') {
            await storage.write({ put: [], remove: [{ userId: 'alice', id: `m${id}` }] })
            held.delete(`m${id}`)
          } else if (does === 'look') await check(storage)
          else if (does === 'close') storage.close()
          else if (does === 'a moment') await browser.idle()
          else {
            ended++
            browser.closeConnections(does === 'meet a full disk')
          }
        }
        // A life shorter than that is the limit of it.
        await browser.idle()
        expect(await browser.names()).toEqual(['chat'])
        expect(browser.opened.filter((name) => name !== 'chat').length).toBeLessThanOrEqual(1 + ended)
        browser.kill(tears)
      }
      await check(createIndexedDbStorage({ name: 'chat', factory: browser.factory }))
    }), { numRuns: RUNS })
  })
})
