import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RecordStorage } from '../../src/persistence/record-storage'
import { createMemoryStorage } from '../../src/testing/memory-storage'
import { ENGINES, record } from './support'

const RUNS = Number(process.env['STORAGE_RUNS'] ?? 200)

afterEach(() => vi.unstubAllGlobals())

/** Names are new for every life of a page: what has been taken over from is named so no more, and at most updates something, or puts a mark, were it only frozen. */
interface Names {
  readonly now: (page: string) => string
  readonly before: (page: string) => string
  readonly end: (page: string) => void
}

interface Step {
  readonly does: string
  readonly run: (storage: RecordStorage, names: Names, reopen: () => void) => Promise<unknown>
}

/** As one page after the other sees it. */
function createReader(open: () => RecordStorage) {
  let storage = open()
  const reopen = (): void => {
    storage.close()
    storage = open()
  }
  const names = createNames()
  return { run: (step: Step) => step.run(storage, names, reopen) }
}

function createNames(): Names {
  const lives = new Map<string, number>()
  const named = (page: string, life: number): string => `${page}.${Math.max(0, life)}`
  const life = (page: string): number => lives.get(page) ?? 0
  return {
    now: (page) => named(page, life(page)),
    before: (page) => named(page, life(page) - 1),
    end: (page) => void lives.set(page, life(page) + 1),
  }
}

/** Whose each record is. */
const seenIn = async (storage: RecordStorage) => new Map((await storage.load('alice')).records.map(({ id, tab }) => [id, tab]))
const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id).sort()

const page = fc.constantFrom('one', 'two', 'three')
const some = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'read:#x'), { minLength: 1 })

const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.tuple(page, some).map(([by, wanted]) => ({
    does: `${by} puts ${wanted}`,
    run: (storage, names) => storage.write({ put: wanted.map((id) => record(id, names.now(by))), remove: [] }),
  })),
  fc.tuple(page, some, fc.boolean()).map(([by, wanted, isFrozen]) => ({
    does: `${by}${isFrozen ? ', before,' : ''} updates ${wanted}`,
    async run(storage, names) {
      const found = await seenIn(storage)
      // Whether what is gone was taken over before is known to IndexedDB alone.
      const update = wanted.filter((id) => !isFrozen || found.has(id)).map((id) => record(id, (isFrozen ? names.before : names.now)(by)))
      return [...await storage.write({ put: [], update, remove: [] })].sort()
    },
  })),
  page.map((by) => ({
    does: `${by}, before, puts what it has read`,
    run: (storage, names) => storage.write({ put: [record('read:#x', names.before(by))], remove: [] }),
  })),
  some.map((wanted) => ({ does: `removes ${wanted}`, run: (storage) => storage.write({ put: [], remove: wanted.map((id) => ({ userId: 'alice', id })) }) })),
  fc.tuple(page, page, some).map(([from, by, wanted]) => ({
    does: `${by} takes ${wanted} over from ${from}`,
    run: async (storage, names) => {
      const ended = names.now(from)
      names.end(from)
      return ids(await storage.adopt('alice', ended, names.now(by), wanted))
    },
  })),
  fc.constant<Step>({ does: 'looks', run: seenIn }),
  fc.constant<Step>({ does: 'is opened again', run: async (_storage, _names, reopen) => reopen() }),
)

describe.each(ENGINES)('record storage, by model: %s', (_, create) => {
  it('G1, G2: tells the same as one that keeps all in one list, whoever takes over from whom', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const [open, memory] = [create(), createMemoryStorage()]
      const [storage, model] = [createReader(open), createReader(() => memory)]
      for (const step of steps) expect([step.does, await storage.run(step)]).toEqual([step.does, await model.run(step)])
      expect(await seenIn(open())).toEqual(await seenIn(memory))
    }), { numRuns: RUNS })
  })
})
