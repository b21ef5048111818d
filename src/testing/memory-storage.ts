import type { RecordStorage, StoredRecord } from '../persistence/record-storage'
import { orderOf } from '../persistence/records'

/** Records are plain JSON; jsdom under Jest has no `structuredClone`. */
const copied = (records: readonly StoredRecord[]): StoredRecord[] => JSON.parse(JSON.stringify(records)) as StoredRecord[]

/** Record storage in memory: what one environment wrote, another that shares it finds. Nothing is durable beyond the process. */
export function createMemoryStorage(): RecordStorage {
  let records: readonly StoredRecord[] = []
  const isSame = (a: { userId: string; id: string }, b: { userId: string; id: string }) => a.userId === b.userId && a.id === b.id
  return {
    load: async (userId) => ({ records: records.filter((each) => each.userId === userId), unreadable: [] }),
    async write({ put, update = [], remove }) {
      const lost = update.filter((wanted) => records.some((each) => isSame(wanted, each) && each.tab !== wanted.tab))
      const copies = copied([...put, ...update.filter((record) => !lost.includes(record))])
      records = records.filter((each) => !remove.some((gone) => isSame(gone, each)) && !copies.some((copy) => isSame(copy, each)))
      records = [...records, ...copies]
      return lost.map(({ id }) => id)
    },
    async adopt(userId, from, tab, ids) {
      const wanted = new Set(ids)
      const isTheirs = (each: StoredRecord) => each.userId === userId && each.tab === from && wanted.has(each.id)
      const adopted = records.filter(isTheirs).map((each) => ({ ...each, tab }))
      records = [...records.filter((each) => !isTheirs(each)), ...adopted]
      return adopted
    },
    async clear(userId, upTo = Infinity) {
      records = userId === undefined ? [] : records.filter((each) => each.userId !== userId || orderOf(each) > upTo)
    },
    close: () => {},
  }
}
